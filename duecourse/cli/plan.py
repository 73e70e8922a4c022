"""``duecourse plan``."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from duecourse import __version__, output, surface
from duecourse.cli._scope import OPERATIONS, scope
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection
from duecourse.errors import ExitStatus

#: The actions that leave a row as it is.
_QUIET = ("skip_historical", "retain", "unchanged", "preserve")

_COLUMNS = (
    "client_id",
    "schedule_key",
    "action",
    "service_period_start",
    "service_period_end",
    "conflict_kind",
    "escalation_reasons",
)


@click.command()
@click.argument("operation", type=click.Choice(OPERATIONS))
@scope(bounds=True)
@click.option(
    "--rows", is_flag=True, help="Show the rows that change, too; as JSON, every row of the plan."
)
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Save the plan, its arguments and its hash, for: duecourse run --plan FILE.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when there is work to do.")
@options()
@pass_session
def plan(
    session: Session,
    /,
    operation: str,
    rows: bool,
    out: Path | None,
    detailed_exitcode: bool,
    **arguments: Any,
) -> ExitStatus:
    """Show what a run would do; reads only.

    backfill makes the periods that are missing, regenerate also replaces those that are stale,
    replenish extends the schedules that do not reach far enough ahead.
    """
    arguments["mode"] = operation
    with session.connection() as connection, surface.snapshot(connection):
        [summary] = surface.select(connection, "plan_summary", arguments)
        head = {
            "duecourse": __version__,
            "operation": operation,
            "arguments": {name: arguments[name] for name in surface.PLANNED},
            "plan_hash": summary["plan_hash"],
            "summary": summary,
        }
        if out is not None:
            with out.open("w", encoding="utf-8") as file:
                file.writelines(output.json_document(head, _rows(connection, arguments)))
        if session.format == "json":
            shown = _rows(connection, arguments) if rows else iter(())
            for text in output.json_document(head, shown):
                click.echo(text, nl=False)
        else:
            _show_summary(operation, dict(summary))
            if rows:
                changes = (
                    row for row in _rows(connection, arguments) if row["action"] not in _QUIET
                )
                output.show_rows("table", _COLUMNS, changes)
            if out is not None:
                click.echo(f"saved; to do it: duecourse run {operation} --plan {out}")
    pending = bool(summary["schedules_written"])
    return ExitStatus.CHANGES_PENDING if detailed_exitcode and pending else ExitStatus.DONE


def _rows(connection: Connection, arguments: surface.Arguments) -> Iterator[surface.Row]:
    surface.read_ledger_rows_as_objects(connection)
    return surface.select(connection, "plan_service_periods", arguments)


def _show_summary(operation: str, summary: surface.Row) -> None:
    escalations = summary.pop("escalations") or {}
    output.show_fields(summary, title=f"{operation}: the plan")
    if escalations:
        output.show_table(("escalated because of", "schedules"), sorted(escalations.items()))
