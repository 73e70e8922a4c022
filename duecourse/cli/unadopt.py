"""``duecourse unadopt``."""

import sys

import click

from duecourse import adoption, output, removal
from duecourse.adopted import config_of
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import connect
from duecourse.errors import DuecourseError, ExitStatus


@click.command()
@click.option("--yes", is_flag=True, help="Do not ask.")
@options()
@pass_session
def unadopt(session: Session, yes: bool) -> None:
    """Take away all that adopt made; the adopted tables stay as they are, with their rows.

    What is recorded of runs, reviews and single changes goes with it. Refuses while a run is under
    way, and where other objects would go along.

    \b
    duecourse unadopt
    """
    with session.server() as dsn:
        with connect(dsn) as connection:
            held = removal.holding(connection, adoption.adopted_config(config_of(connection)))
        if session.format != "json":
            click.echo(f"database {held.database}: the schemas {', '.join(held.schemas)}")
            output.show_table(("table of ours", "rows"), _with_rows(held).items())
        if not yes:
            if not sys.stdin.isatty():
                raise DuecourseError(
                    "nothing was taken away",
                    "if you mean it: duecourse unadopt --yes",
                    exit_status=ExitStatus.REFUSED,
                )
            click.confirm("Take it away?", abort=True, err=True)
        held = adoption.unadopt(dsn)
    if session.format == "json":
        output.show_json(held)
    else:
        click.echo(f"dropped the schemas {', '.join(held.schemas)}")


def _with_rows(held: removal.Holding) -> dict[str, int]:
    return {name: count for name, count in held.tables.items() if count}
