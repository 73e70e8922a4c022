"""``duecourse grant``."""

from typing import Any

import click

from duecourse.cli._permissions import change, permissions
from duecourse.cli._session import Session, options, pass_session


@click.command()
@permissions("Whose books; all: every one that there is now")
@options()
@pass_session
def grant(session: Session, /, **arguments: Any) -> None:
    """Let a database ROLE do things with a tenant's service periods.

    PERMISSION is view, manage_future, regenerate or correct_history; without one, all four. It
    covers every login that has the role's privileges. The role gets no right on any table. Only
    the owner of the schemas grants.

    \b
    duecourse grant billing_ops view regenerate --tenant "Alder Row"
    duecourse grant billing_ops --tenant all
    """
    change(session, "grant_permission", "granted to", **arguments)
