"""``duecourse revoke``."""

from typing import Any

import click

from duecourse.cli._permissions import change, permissions
from duecourse.cli._session import Session, options, pass_session


@click.command()
@permissions("Whose books; all: every one")
@options()
@pass_session
def revoke(session: Session, /, **arguments: Any) -> None:
    """Take permissions on a tenant from a database ROLE, which may be gone.

    PERMISSION is view, manage_future, regenerate or correct_history; without one, all four. With
    its last permission the role loses its right to call the routines.

    \b
    duecourse revoke billing_ops regenerate --tenant "Alder Row"
    """
    change(session, "revoke_permission", "revoked from", **arguments)
