"""``duecourse waive``."""

from datetime import date
from typing import Any

import click

from duecourse import output, surface
from duecourse.adopted import config_of
from duecourse.cli._scope import as_of, day, tenant
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection
from duecourse.errors import DuecourseError
from duecourse.objects import declared

_COLUMNS = ("check", "object", "state", "until", "by", "reason")


@click.command()
@click.argument("check", metavar="[CHECK]", required=False)
@tenant(required=False, whose="Whose books; a check of the database needs none")
@as_of
@click.option(
    "--object",
    "object_key",
    metavar="KEY",
    help="Only of this object, as the finding names it (default: whatever CHECK finds).",
)
@click.option("--reason", metavar="TEXT", help="Why.")
@click.option("--until", metavar="DATE", type=day, help="The last day on which it passes.")
@click.option("--end", is_flag=True, help="End the waiver before its day.")
@options()
@pass_session
def waive(
    session: Session,
    /,
    check: str | None,
    tenant: str | None,
    as_of: date,
    end: bool,
    **wanted: Any,
) -> None:
    """Let what CHECK finds pass until a day, with a reason; or show what passes.

    verify shows what is waived and does not fail for it, as long as its --as-of is not after that
    day. A waiver that lets nothing pass is told by verify. Without CHECK the waivers are shown.

    \b
    duecourse waive cycle_gap --tenant "Alder Row" --reason "paused" --until 2027-03-31
    duecourse waive cycle_gap --tenant "Alder Row" --end
    """
    if end == any((wanted["reason"], wanted["until"])) and check:
        raise click.UsageError("give --reason and --until, or --end")
    whose = {"tenant": tenant}
    with session.books(whose) as connection:
        if check is None:
            _show(session, connection, {**whose, "as_of": as_of})
            return
        _settle(connection, check, whose)
        given = {**whose, "check_name": check, "object_key": wanted["object_key"]}
        if not end:
            surface.call(connection, "ops.waive_check", {**given, **_reason(wanted)})
        elif not surface.call(connection, "ops.end_waiver", given)["o_rows"]:
            raise DuecourseError(f"nothing of {check} is waived so", "see: duecourse waive")
    of = wanted["object_key"] or "every object"
    done = "ended" if end else f"passes until {wanted['until']}"
    if session.format == "json":
        output.show_json({**given, "until": None if end else wanted["until"]})
    else:
        click.echo(f"{check} of {of}: {done}")


def _reason(wanted: dict[str, Any]) -> dict[str, Any]:
    for name in ("reason", "until"):
        if not wanted[name]:
            raise click.UsageError(f"--{name} is missing: a waiver has a reason and an end")
    return {name: wanted[name] for name in ("reason", "until")}


def _settle(connection: Connection, check: str, whose: dict[str, Any]) -> None:
    """Refuse a check that there is not; one of the database is of no tenant."""
    known = {each.name: each for each in declared(config_of(connection).profile)}
    if check not in known:
        raise click.UsageError(f"there is no check {check!r}; there are: {', '.join(known)}")
    if known[check].of_database:
        whose["tenant"] = None
    elif whose["tenant"] is None:
        raise click.UsageError(f"{check} looks at a tenant: name it with --tenant")


def _show(session: Session, connection: Connection, arguments: dict[str, Any]) -> None:
    with surface.snapshot(connection):
        rows = surface.select(connection, "ops.waivers", arguments)
        output.show_rows(
            session.format,
            _COLUMNS,
            rows,
            lambda row: (
                row["check_name"],
                row["object_key"] or "every object",
                row["state"],
                row["valid_until"],
                row["waived_by"],
                row["reason"],
            ),
        )
