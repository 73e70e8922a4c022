"""What a run has come to, for whoever started it."""

from collections.abc import Mapping
from typing import Any

import click

from duecourse import output, surface
from duecourse.cli.orphans import count_after
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.operations import OPERATIONS

_STATUSES = {
    "locked": ExitStatus.LOCK_BUSY,
    "stale_plan": ExitStatus.PLAN_STALE,
    "escalated": ExitStatus.REFUSED,
}
_NEXT = {
    "locked": "the tenant's lock is held; once it is free, run again with --run-key {key}",
    "stale_plan": "the books changed since the plan; make and review a new one: duecourse plan",
    "partial": "there is more to do; run again with --run-key {key}",
}


def of_run(
    connection: Connection,
    operation: str,
    arguments: Mapping[str, Any],
    result: surface.Row,
) -> dict[str, Any]:
    """Return the outcome of a CALL, with what it left behind."""
    chosen = OPERATIONS[operation]
    shown = {name.removeprefix("o_"): value for name, value in result.items()}
    shown["run_key"] = arguments["run_key"]
    if shown["status"] == "escalated":
        shown["new_escalations"] = surface.new_escalations(connection, chosen, arguments)
    if chosen.counts_orphans and not arguments["dry_run"]:
        shown["orphans"] = count_after(connection, arguments["tenant"], arguments["run_key"])
    return shown


def show(form: str, operation: str, shown: dict[str, Any], *, dry: bool) -> None:
    """Print an outcome."""
    if form == "json":
        output.show_json(shown)
        return
    line = f"{operation} {shown['status']}: {shown['rows'] or 0:,} rows"
    if dry:
        line += " would be written"
    else:
        line += f", batches: {shown['batches'] or 0:,}, run key: {shown['run_key']}"
    click.echo(line)
    advices = {**_NEXT, "escalated": OPERATIONS[operation].left_alone}
    if advice := advices.get(shown["status"]):
        click.echo(advice.format(key=shown["run_key"]))
    for left in shown.get("orphans", ()):
        click.echo(
            f"payments without a rent charge: {left['payment_without_charge']:,}, rent charges "
            f"without a payment: {left['charge_without_payment']:,}; "
            f"see: duecourse orphans --tenant {left['tenant']}"
        )


def exit_status(
    shown: dict[str, Any], *, dry: bool, allow_known: bool, detailed: bool
) -> ExitStatus:
    """Return what a run exits with."""
    if allow_known and shown.get("new_escalations") == 0:
        return ExitStatus.DONE
    if detailed and dry and shown["rows"]:
        return ExitStatus.CHANGES_PENDING
    return _STATUSES.get(shown["status"], ExitStatus.DONE)
