"""``duecourse plan``."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from duecourse import __version__, changes, output, plan_file, surface
from duecourse.cli import _plan_script as plan_script
from duecourse.cli._plan_script import script_options
from duecourse.cli._scope import of_operation, operation_options
from duecourse.cli._session import Session, options
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.operations import OPERATIONS, Operation


@click.command()
@operation_options()
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
@script_options
@options("sql")
@click.pass_context
def plan(
    ctx: click.Context,
    /,
    operation: str,
    rows: bool,
    out: Path | None,
    detailed_exitcode: bool,
    source_schema: str | None,
    run_key: str | None,
    source_rule_version: str | None,
    accept_escalations: str | None,
    **arguments: Any,
) -> ExitStatus:
    """Show what a run would do; reads only.

    backfill makes the periods that are missing, regenerate also replaces those that are stale,
    replenish extends the schedules that do not reach far enough ahead. linkage mends what links
    periods to invoices. charges makes the rent charges that payments lack, rent those that
    tenancies lack.

    --format sql prints it as one script for psql, to be run where nothing of ours is installed: on
    the tables that were adopted, or that the books were exported from. It changes nothing when what
    was planned from is no longer the same.

    \b
    duecourse plan charges --tenant UUID --rows --out charges.json
    duecourse plan rent --tenant UUID --as-of 2026-09-01 --rows
    duecourse plan backfill --tenant UUID --format sql > backfill.sql
    """
    session = ctx.ensure_object(Session)
    chosen = OPERATIONS[operation]
    script = {
        "source_schema": source_schema,
        "run_key": run_key,
        "source_rule_version": source_rule_version,
        "accept_escalations": accept_escalations,
    }
    plan_script.assert_offered(ctx, operation, is_asked=session.format == "sql")
    arguments = of_operation(ctx, operation, arguments)
    with session.books(arguments) as connection, surface.snapshot(connection, arguments["tenant"]):
        [summary] = surface.select(connection, chosen.summary, {**arguments, **chosen.fixed})
        head = {
            "duecourse": __version__,
            "operation": operation,
            "arguments": arguments,
            "plan_hash": summary["plan_hash"],
            "summary": summary,
        }
        if out is not None:
            plan_file.save(out, head, _rows(connection, chosen, arguments))
        if session.format == "sql":
            for text in plan_script.lines(connection, chosen, head, script):
                click.echo(text)
        elif session.format == "json":
            shown = _rows(connection, chosen, arguments) if rows else iter(())
            for text in output.json_document(head, shown):
                click.echo(text, nl=False)
        else:
            _show_summary(operation, dict(summary))
            if rows:
                planned = _rows(connection, chosen, arguments)
                changing = (row for row in planned if row["action"] not in chosen.quiet)
                output.show_rows("table", tuple(chosen.columns), changing, _cells_of(chosen))
            if out is not None:
                click.echo(f"saved; to do it: duecourse run {operation} --plan {out}")
    pending = changes.rows(chosen, summary) > 0
    return ExitStatus.CHANGES_PENDING if detailed_exitcode and pending else ExitStatus.DONE


def _rows(
    connection: Connection, chosen: Operation, arguments: surface.Arguments
) -> Iterator[surface.Row]:
    surface.read_ledger_rows_as_objects(connection)
    return surface.select(connection, chosen.rows, {**arguments, **chosen.fixed})


def _cells_of(chosen: Operation) -> Callable[[surface.Row], Iterator[object]]:
    """Return what makes the cells of a row: a column's first value that is there."""

    def cells(row: surface.Row) -> Iterator[object]:
        for names in chosen.columns.values():
            values = (row[name] for name in names.split())
            yield next((value for value in values if value not in (None, [])), None)

    return cells


def _show_summary(operation: str, summary: surface.Row) -> None:
    breakdowns = OPERATIONS[operation].breakdowns
    counts = {name: summary.pop(name) or {} for name in breakdowns}
    output.show_fields(summary, title=f"{operation}: the plan")
    for name, titles in breakdowns.items():
        if counts[name]:
            output.show_table(titles, sorted(counts[name].items()))
