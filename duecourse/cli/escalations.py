"""``duecourse escalations``."""

from typing import Any

import click

from duecourse import output, surface
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = ("client_id", "schedule_key", "reason", "acceptable", "detail", "hint")


@click.command()
@scope(part=False)
@options()
@pass_session
def escalations(session: Session, /, **arguments: Any) -> None:
    """Show the schedules that must not be repaired by force, and why; reads only.

    JSON also holds the rows as they were captured.
    """
    with session.connection() as connection, surface.snapshot(connection):
        rows = surface.select(connection, "escalations", arguments)
        output.show_rows(session.format, _COLUMNS, rows)
