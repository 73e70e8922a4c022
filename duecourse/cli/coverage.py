"""``duecourse coverage``."""

from typing import Any

import click

from duecourse import output, surface
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = (
    "client_id",
    "schedule_key",
    "furthest_generated_end",
    "target_horizon_end",
    "meets_target_horizon",
    "needs_replenishment",
    "continuity_issues",
)


@click.command()
@scope(bounds=True)
@options()
@pass_session
def coverage(session: Session, /, **arguments: Any) -> None:
    """Show how far ahead each schedule reaches, and its gaps and overlaps; reads only."""
    with session.connection() as connection, surface.snapshot(connection):
        rows = surface.select(connection, "assess_coverage", arguments)
        output.show_rows(session.format, _COLUMNS, rows)
