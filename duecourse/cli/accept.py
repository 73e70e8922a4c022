"""``duecourse accept``."""

import click

from duecourse import output
from duecourse.acceptance import accept as accept_drift
from duecourse.cli._session import Session, options, pass_session


@click.command()
@click.argument("identities", metavar="IDENTITY...", nargs=-1, required=True)
@click.option("--reason", metavar="TEXT", required=True, help="Why it may stay so; it is kept.")
@options()
@pass_session
def accept(session: Session, identities: tuple[str, ...], reason: str) -> None:
    """Accept a drift that was reviewed: what is there now is what is recorded.

    IDENTITY is an object as duecourse status shows it, such as "column billing.invoices.note".
    Afterwards status and verify are silent on it, and apply leaves it as it is, until a new version
    changes the file of that object. Who accepted it, when and why stays in ops.accepted_drift.

    \b
    duecourse accept "column billing.invoices.note" --reason "the accountants' own"
    """
    with session.server() as dsn:
        done = accept_drift(dsn, list(identities), reason=reason)
    if session.format == "json":
        output.show_json(done)
        return
    for found in done:
        click.echo(f"accepted   {found.state:<9} {found.identity}")
