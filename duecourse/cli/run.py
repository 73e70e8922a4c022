"""``duecourse run``."""

import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from duecourse import surface
from duecourse.cli import _outcome, _plan_fate
from duecourse.cli._consent import Bounds, agreed, bounds_of, consent_options, read_plan
from duecourse.cli._rehearsal import rehearse
from duecourse.cli._resume import go_on, pace, watched
from duecourse.cli._scope import of_operation, operation_options, plan_hash
from duecourse.cli._session import Session, options
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.operations import OPERATIONS


@click.command()
@operation_options(every_tenant=True)
@click.option(
    "--plan",
    "saved_plan",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Do what this saved plan says, or nothing if it is stale.",
)
@click.option(
    "--expected-plan-hash",
    metavar="HASH",
    type=plan_hash,
    help="Do nothing if the plan is another.",
)
@click.option(
    "--accept-escalations",
    metavar="HASH",
    type=plan_hash,
    help="The plan of this hash was reviewed: also do what it escalates, where that is allowed.",
)
@click.option(
    "--allow-known-escalations",
    is_flag=True,
    help="Exit with 0 when all that was escalated had been escalated before.",
)
@click.option("--dry-run", is_flag=True, help="Only say how much would be done; writes nothing.")
@click.option("--run-key", metavar="KEY", help="Name the run; the same key resumes it.")
@click.option("--source-rule-version", metavar="TEXT", help="Recorded with the run and its rows.")
@click.option("--resume", "resumed", metavar="KEY", help="Go on with this run, as it was begun.")
@pace
@click.option("--detailed-exitcode", is_flag=True, help="Exit a dry run with 2 if there is work.")
@consent_options
@options()
@click.pass_context
def run(
    ctx: click.Context,
    /,
    operation: str,
    saved_plan: Path | None,
    allow_known_escalations: bool,
    detailed_exitcode: bool,
    resumed: str | None,
    **arguments: Any,
) -> ExitStatus:
    """Do it, in batches that commit; a run that was interrupted goes on under its run key.

    It wants to know whose books: --tenant, --tenant all or a saved plan. In a terminal it shows
    what changes and asks, unless there is a plan or --yes. A bound that would be crossed refuses
    before anything is written; what is then written is what was looked at, or nothing. Prints one
    line a batch, or a progress bar in a terminal, to standard error.

    \b
    duecourse run charges --plan charges.json
    duecourse run backfill --tenant all --yes --max-rows 1000 --max-share 5
    duecourse run rent --tenant UUID --as-of 2026-09-01 --dry-run
    duecourse run backfill --resume cutover-1 --batch-size 500
    """
    if resumed is not None:
        return go_on(ctx, operation, resumed, arguments)
    session = ctx.ensure_object(Session)
    if saved_plan is None and arguments["tenant"] is None:
        raise DuecourseError("name --tenant or --tenant all", "duecourse tenants lists them")
    bounds = bounds_of(ctx, operation, arguments)
    saved = None
    if saved_plan is not None:
        saved = read_plan(ctx, saved_plan, operation)
        arguments |= {name: saved["arguments"].get(name) for name in OPERATIONS[operation].planned}
        arguments["expected_plan_hash"] = saved["plan_hash"]
    is_named = arguments["run_key"] is not None
    if not arguments["dry_run"] and not is_named:
        arguments["run_key"] = f"{operation}-{arguments['as_of']}-{secrets.token_hex(4)}"
    arguments = of_operation(ctx, operation, arguments)
    began = time.monotonic()
    with session.books(arguments) as connection:
        shown = _run(connection, operation, arguments, saved, bounds, is_named=is_named)
    shown["seconds"] = round(time.monotonic() - began, 3)
    status = _outcome.exit_status(
        shown, allow_known=allow_known_escalations, detailed=detailed_exitcode
    )
    _outcome.show(session.format, operation, shown, status, is_named=is_named)
    return status


def _run(
    connection: Connection,
    operation: str,
    arguments: dict[str, Any],
    saved: Mapping[str, Any] | None,
    bounds: Bounds,
    *,
    is_named: bool,
) -> dict[str, Any]:
    """Do what was asked for, or what is left of it, and return its outcome."""
    chosen = OPERATIONS[operation]
    begun = _outcome.records(connection, chosen, arguments) if is_named else {}
    if saved and not begun and (run := _plan_fate.applied(connection, chosen, arguments)):
        if run["finished_at"] is not None:
            return _outcome.of_records(connection, operation, arguments, {run["tenant"]: run})
        arguments["run_key"], begun = run["run_key"], {run["tenant"]: run}
    arguments = agreed(connection, operation, arguments, bounds, begun)
    if arguments["dry_run"]:
        result, plans = rehearse(connection, chosen, arguments)
        shown = _outcome.of_rehearsal(connection, operation, arguments, result, plans)
    else:
        with watched(connection, operation, arguments, is_named=is_named):
            result = surface.call(connection, chosen.procedure, arguments)
        shown = _outcome.of_run(connection, operation, arguments, result, begun)
    if saved and shown["status"] == "stale_plan" and not shown["batches"]:
        shown["stale"] = _plan_fate.stale(connection, operation, arguments, saved)
    return shown
