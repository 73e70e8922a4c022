"""``duecourse plan``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from duecourse import __version__, changes, output, plan_file, plan_units, surface, tenants
from duecourse.cli import _plan_script as plan_script
from duecourse.cli import _plan_view
from duecourse.cli._plan_script import script_options
from duecourse.cli._plan_show import show
from duecourse.cli._scope import of_operation, operation_options
from duecourse.cli._session import Session, options
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.operations import OPERATIONS, Operation


class _Plan(click.Command):
    """A command that is also called with a saved plan: `show FILE`."""

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        if args[:1] == [show.name]:
            return show.make_context(f"{info_name} {show.name}", args[1:], parent, **extra)
        return super().make_context(info_name, args, parent, **extra)


@click.command(cls=_Plan)
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

    Rows are marked: + made, ~ replaced, - superseded, = kept, ! for people. A plan that was saved
    is shown by: duecourse plan show FILE.

    --format sql prints it as one script for psql, to be run where nothing of ours is installed: on
    the tables that were adopted, or that the books were exported from. It changes nothing when what
    was planned from is no longer the same.

    \b
    duecourse plan charges --tenant UUID --rows --out charges.json
    duecourse plan show charges.json
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
        if session.format == "sql":
            for text in plan_script.lines(connection, chosen, head, script):
                click.echo(text)
        head |= {
            "tenant_name": tenants.names(connection, [arguments["tenant"]])[arguments["tenant"]],
            "made_at": datetime.now(UTC).isoformat(timespec="seconds"),
            "has_changes": changes.rows(chosen, summary) > 0,
        }
        if out is not None:
            plan_file.save(out, head, plan_units.read(connection, chosen, arguments, summary))
        if session.format == "json":
            shown = _rows(connection, chosen, arguments) if rows else iter(())
            for text in output.json_document(head, shown):
                click.echo(text, nl=False)
        elif session.format == "table":
            units = plan_units.read(connection, chosen, arguments, summary)
            _plan_view.show(head, units, rows=rows)
            if out is not None:
                click.echo(f"saved; to do it: duecourse run {operation} --plan {out}")
    return (
        ExitStatus.CHANGES_PENDING if detailed_exitcode and head["has_changes"] else ExitStatus.DONE
    )


def _rows(
    connection: Connection, chosen: Operation, arguments: surface.Arguments
) -> Iterator[surface.Row]:
    surface.read_ledger_rows_as_objects(connection)
    return surface.select(connection, chosen.rows, {**arguments, **chosen.fixed})
