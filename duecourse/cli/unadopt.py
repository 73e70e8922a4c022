"""``duecourse unadopt``."""

import click

from duecourse import adoption, output
from duecourse.cli._session import Session, options, pass_session


@click.command()
@options()
@pass_session
def unadopt(session: Session) -> None:
    """Take away all that adopt made; the adopted tables stay, with their rows."""
    with session.server() as dsn:
        held = adoption.unadopt(dsn)
    if session.format == "json":
        output.show_json(held)
    else:
        click.echo(f"dropped the schemas {', '.join(held.schemas)}")
