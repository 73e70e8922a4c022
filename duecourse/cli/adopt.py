"""``duecourse adopt``."""

import sys
from datetime import UTC, datetime

import click

from duecourse import adoption, output, profile, surface
from duecourse.adopted import config_of
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection, connect
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.operations import OPERATIONS
from duecourse.profile import Wanted
from duecourse.survey import Survey

#: Of how many tenants the first coverage is shown.
_SHOWN_TENANTS = 5


@click.command()
@click.argument("profile_name", metavar="PROFILE", type=click.Choice(profile.names()))
@click.option("--schema", "source", metavar="NAME", help="Where the tables are (default: public).")
@click.option(
    "--guards",
    type=click.Choice(["on", "off"]),
    help="Whether triggers and keys of ours guard the adopted ledger (default: off).",
)
@click.option("--indexes", is_flag=True, help="Build the recommended indexes, CONCURRENTLY.")
@click.option(
    "--unique-rents",
    is_flag=True,
    help="Build a unique index that refuses a second rent of a month; those there are excused.",
)
@click.option("--dry-run", is_flag=True, help="Only look, and show what would be added.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@options()
@pass_session
def adopt(
    session: Session,
    profile_name: str,
    source: str | None,
    guards: str | None,
    indexes: bool,
    unique_rents: bool,
    dry_run: bool,
    yes: bool,
) -> ExitStatus:
    """Work on the tables of another system where they are: alga or rental.

    Looks at the tables, shows what it would add (schemas of our own; nothing in theirs, unless an
    option asks for it), asks, and does it. Again, it brings a database that was adopted to this
    version; options that are not given stay as they were.

    \b
    duecourse adopt alga --dry-run
    duecourse adopt rental --indexes --yes
    """
    wanted = Wanted(
        profile_name,
        source,
        guards=None if guards is None else guards == "on",
        indexes=indexes or None,
        unique_rents=unique_rents or None,
    )
    with session.server() as dsn:
        found = adoption.survey(dsn, wanted)
        if session.format != "json":
            _show(found)
        elif dry_run:
            output.show_json(found)
        found.refuse_errors()
        if dry_run:
            return ExitStatus.DONE
        if not yes:
            _ask(profile_name)
        done = adoption.adopt(dsn, wanted)
        if session.format == "json":
            output.show_json({"survey": found, "applied": done})
        else:
            click.echo(
                f"adopted as {profile_name}: {len(done.migrations)} migrations, "
                f"{len(done.objects)} objects"
            )
            for left in [*done.differences, *done.edited]:
                click.echo(f"left       {left.state:<9} {left.identity}: {left.repair}")
            _show_first(dsn)
    return ExitStatus.ERROR if done.differences or done.edited else ExitStatus.DONE


def _show(found: Survey) -> None:
    click.echo(f"database {found.database}, schema {found.source}, as role {found.role}")
    output.show_table(("table", "rows"), found.tables.items())
    for item in found.findings:
        click.echo(output.folded(f"{item.severity}: {item.message}: {item.hint}"))
    kinds = ", ".join(f"{count:,} {kind}s" for kind, count in found.made.items())
    verb = "has" if found.is_adopted else "adds"
    click.echo(f"{verb} the schemas {', '.join(found.schemas)}: {kinds}")
    where = f"on tables of {found.source}"
    if found.on_theirs:
        click.echo(output.folded(f"{where}: {', '.join(found.on_theirs)}"))
    else:
        click.echo(f"{where}: nothing")


def _ask(profile_name: str) -> None:
    if not sys.stdin.isatty():
        raise DuecourseError(
            "nothing was adopted",
            f"if you mean it: duecourse adopt {profile_name} --yes",
            exit_status=ExitStatus.REFUSED,
        )
    click.confirm("Adopt it?", abort=True, err=True)


def _show_first(dsn: str | None) -> None:
    """Show where the books of the first tenants stand, and the command that leads on."""
    with connect(dsn) as connection:
        first = config_of(connection).profile.first
        with surface.snapshot(connection):
            [found] = surface.select(connection, "ops.all_tenants", {"permission": "view"})
        for tenant in found["all_tenants"][:_SHOWN_TENANTS]:
            click.echo(output.folded(f"tenant {tenant}: {_stand(connection, first, tenant)}"))
    if more := len(found["all_tenants"][_SHOWN_TENANTS:]):
        click.echo(f"and {more:,} more tenants")
    for tenant in found["all_tenants"][:1]:
        click.echo(f"next: duecourse plan {first} --tenant {tenant}")


def _stand(connection: Connection, operation: str, tenant: object) -> str:
    """Return how far a tenant's books are from what the first operation makes of them."""
    chosen = OPERATIONS[operation]
    given = {"tenant": tenant, "as_of": datetime.now(UTC).date()}
    arguments = {name: given[name] for name in chosen.planned if name in given}
    with surface.snapshot(connection, tenant):
        [summary] = surface.select(connection, chosen.summary, {**arguments, **chosen.fixed})
    counts = {name: value for name, value in summary.items() if isinstance(value, int) and value}
    return ", ".join(f"{name} {value:,}" for name, value in counts.items()) or "nothing"
