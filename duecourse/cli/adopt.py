"""``duecourse adopt``."""

import click

from duecourse import adoption, output, profile
from duecourse.cli._session import Session, options, pass_session
from duecourse.profile import Wanted


@click.command()
@click.argument("profile_name", metavar="PROFILE", type=click.Choice(profile.names()))
@click.option("--schema", "source", metavar="NAME", help="Where the tables are (default: public).")
@click.option(
    "--guards",
    type=click.Choice(["on", "off"]),
    help="Whether triggers of ours guard the adopted ledger (default: off).",
)
@options()
@pass_session
def adopt(session: Session, profile_name: str, source: str | None, guards: str | None) -> None:
    """Read the tables of another system where they are, and write into its ledger.

    Makes views, routines and tables in schemas of our own; nothing in the schema of the tables.
    Again, it brings a database that was adopted to this version.
    """
    wanted = Wanted(profile_name, source, None if guards is None else guards == "on")
    with session.server() as dsn:
        done = adoption.adopt(dsn, wanted)
    if session.format == "json":
        output.show_json(done)
    else:
        click.echo(f"adopted as {profile_name}: {len(done.objects)} objects made")
