"""``duecourse uninstall``."""

import sys

import click

from duecourse import output, removal
from duecourse.adopted import config_of, refuse_adopted
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import connect
from duecourse.errors import DuecourseError, ExitStatus


@click.command()
@click.option("--confirm", metavar="DATABASE", help="The name of the database, for a script.")
@options()
@pass_session
def uninstall(session: Session, confirm: str | None) -> None:
    """Drop all that apply ever made here, with all rows; nothing of it is left.

    Shows what would go and asks for the name of the database. Refuses where other objects would go
    along: what depends on ours, and what somebody else made in our schemas.

    \b
    duecourse uninstall
    """
    with session.server() as dsn:
        with connect(dsn) as connection:
            config = config_of(connection)
            refuse_adopted(config, "to take away all that adopt made: duecourse unadopt")
            held = removal.holding(connection, config)
        if session.format != "json":
            _show(held)
        if held.schemas and not held.foreign and confirm is None:
            if not sys.stdin.isatty():
                raise DuecourseError(
                    "nothing was dropped",
                    f"if you mean it: duecourse uninstall --confirm {held.database}",
                    exit_status=ExitStatus.REFUSED,
                )
            confirm = click.prompt("The name of the database, to drop all of this", err=True)
        held = removal.uninstall(dsn, confirm=confirm or held.database)
    if session.format == "json":
        output.show_json(held)
    elif held.schemas:
        click.echo(f"dropped the schemas {', '.join(held.schemas)}")


def _show(held: removal.Holding) -> None:
    if not held.schemas:
        click.echo(f"nothing of duecourse is in database {held.database}")
        return
    click.echo(f"database {held.database}: the schemas {', '.join(held.schemas)} with all in them")
    output.show_table(("table", "rows"), held.tables.items())
