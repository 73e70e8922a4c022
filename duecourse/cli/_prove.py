"""``duecourse verify --prove``."""

import click

from duecourse import output, proof
from duecourse.adopted import config_of
from duecourse.checks import Wanted
from duecourse.cli._session import Session
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.objects import declared
from duecourse.proof import Proof


def prove(session: Session, connection: Connection, asked: Wanted, *, yes: bool) -> ExitStatus:
    """Prove checks, and show which find what was planted for them, and which do not."""
    config = config_of(connection)
    chosen = [
        check
        for check in declared(config.profile)
        if asked.picks(check) and check.name not in asked.skipped
    ]
    if not yes:
        proof.assert_alone(connection)
    proofs = list(proof.prove(connection, config, chosen))
    if session.format == "json":
        output.show_json([_as_json(each) for each in proofs])
    else:
        _show(proofs, len(chosen))
    held = proofs and all(each.holds for each in proofs)
    return ExitStatus.DONE if held else ExitStatus.VERIFICATION_FAILED


def _show(proofs: list[Proof], asked: int) -> None:
    held = sum(each.holds for each in proofs)
    click.echo(f"{held} of {asked} checks found what was planted for them; nothing of it stays")
    for each in sorted(proofs, key=lambda each: each.holds):
        word = "found   " if each.holds else "MISSED  "
        click.echo(output.visible(f"{word}{each.check.name}: {each.fault}"))
        if each.error:
            click.echo(f"        {output.visible(each.error)}")
    if more := asked - len(proofs):
        click.echo(f"{more} are not proved here: their faults would be planted in adopted tables")


def _as_json(each: Proof) -> dict[str, object]:
    return {
        "check": each.check.name,
        "planted": each.fault,
        "found": each.holds,
        "findings": each.findings,
        "error": each.error,
    }
