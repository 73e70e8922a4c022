"""``duecourse rollback``."""

import click

from duecourse import output, removal
from duecourse.cli._session import Session, options, pass_session


@click.command()
@click.argument("to", required=False)
@click.option("--confirm", metavar="DATABASE", help="Its name: the rows in what goes may go, too.")
@options()
@pass_session
def rollback(session: Session, to: str | None, confirm: str | None) -> None:
    """Take back the migrations after TO (a name or its number); without it the last one.

    Says by name what cannot be taken back, and then changes nothing. The views, routines, triggers
    and types go too, so nothing guards the tables until the next apply makes them again.

    \b
    duecourse rollback 0014
    """
    with session.server() as dsn:
        done = removal.rollback(dsn, to, confirm=confirm)
    if session.format == "json":
        output.show_json({"migrations": done})
        return
    for name in done:
        click.echo(f"migration  taken back  {name}")
    if not done:
        click.echo("nothing to take back")
