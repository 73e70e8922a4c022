"""``duecourse escalations``."""

from typing import Any

import click

from duecourse import output, surface
from duecourse.cli import _schedules
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = (*_schedules.COLUMNS, "reason", "acceptable")


@click.command()
@scope(part=False)
@options()
@pass_session
def escalations(session: Session, /, **arguments: Any) -> None:
    """Show the schedules that must not be repaired by force, and why; reads only.

    "acceptable" is what a run does when the hash of the reviewed plan is given to
    --accept-escalations. JSON also holds the clients, and the rows as they were captured.
    """
    with session.books(arguments) as connection, surface.snapshot(connection, arguments["tenant"]):
        rows = surface.select(connection, "escalations", arguments)
        if session.format == "json":
            output.show_rows("json", (), rows)
        else:
            _show(list(rows))


def _show(rows: list[surface.Row]) -> None:
    """Print a line a schedule, then each reason once: what it means, and what to do."""
    output.show_rows(
        "table",
        _COLUMNS,
        iter(rows),
        lambda row: [*_schedules.schedule(row), row["reason"], row["acceptable"]],
    )
    shown = rows[: output.SHOWN_ROWS]
    for reason, detail, hint in sorted({(r["reason"], r["detail"], r["hint"]) for r in shown}):
        click.echo(f"\n{output.folded(f'{reason}: {detail}')}")
        click.echo(output.folded(f"    {hint}"))
