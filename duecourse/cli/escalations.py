"""``duecourse escalations``."""

from typing import Any

import click

from duecourse import output, surface
from duecourse.cli import _schedules
from duecourse.cli._scope import ids_too, scope
from duecourse.cli._session import Session, options, pass_session
from duecourse.commands import as_commands

_COLUMNS = ("line", "reason", "acceptable")


@click.command()
@scope(part=False)
@ids_too
@options()
@pass_session
def escalations(session: Session, /, ids: bool, **arguments: Any) -> None:
    """Show the schedules that must not be repaired by force, and why; reads only.

    "acceptable" is what a run does when the hash of the reviewed plan is given to
    --accept-escalations. JSON also holds the keys, and the rows as they were captured.

    \b
    duecourse escalations --tenant "Alder Row" --ids
    """
    with session.reading(arguments) as connection:
        tenant = arguments["tenant"]
        rows = _schedules.named(
            connection, tenant, surface.select(connection, "escalations", arguments)
        )
        if session.format == "json":
            output.show_rows("json", (), rows)
        else:
            _show(list(rows), arguments["as_of"], ids)


def _show(rows: list[surface.Row], as_of: object, ids: bool) -> None:
    """Print a line a schedule, then each reason once: what it means, and what to do."""
    schedules = {row["schedule_key"] for row in rows}
    acceptable = {row["schedule_key"] for row in rows if row["acceptable"]}
    rows.sort(key=lambda row: row["acceptable"])
    output.show_rows(
        "table",
        [*_COLUMNS, "schedule_key"] if ids else _COLUMNS,
        iter(rows),
        lambda row: [
            _schedules.line(row),
            row["reason"],
            "yes" if row["acceptable"] else output.mark("no"),
            row["schedule_key"],
        ][: len(_COLUMNS) + ids],
        total=f"{output.counted(len(schedules), 'schedule')} escalated, as of {as_of};"
        f" {len(acceptable):,} may be accepted",
    )
    shown = rows[: output.SHOWN_ROWS]
    for reason, detail, hint in sorted({(r["reason"], r["detail"], r["hint"]) for r in shown}):
        click.echo(f"\n{output.folded(f'{reason}: {detail}')}")
        click.echo(output.folded(f"    {as_commands(hint)}"))
