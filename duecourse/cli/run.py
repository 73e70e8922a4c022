"""``duecourse run``."""

import secrets
from pathlib import Path
from typing import Any

import click

from duecourse import output, plan_file, surface
from duecourse.cli._progress import Progress
from duecourse.cli._scope import (
    integer,
    is_given,
    of_operation,
    operation_options,
    option_of,
    plan_hash,
)
from duecourse.cli._session import Session, options
from duecourse.cli.orphans import count_after
from duecourse.errors import DuecourseError, ExitStatus
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
@click.option("--batch-size", metavar="N", type=integer, help="Schedules, or accounts, a batch.")
@click.option("--max-batches", metavar="N", type=integer, help="Stop after so many batches.")
@click.option("--pause", metavar="INTERVAL", help="Wait between batches, such as '2 s'.")
@click.option("--lock-timeout", metavar="INTERVAL", help="How long to wait for the tenant's lock.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit a dry run with 2 if there is work.")
@options()
@click.pass_context
def run(
    ctx: click.Context,
    /,
    operation: str,
    saved_plan: Path | None,
    allow_known_escalations: bool,
    detailed_exitcode: bool,
    **arguments: Any,
) -> ExitStatus:
    """Do it, in batches that commit; a run that was interrupted goes on under its run key.

    Prints one line a batch, or a progress bar in a terminal, to standard error.

    \b
    duecourse run charges --plan charges.json
    duecourse run rent --tenant UUID --as-of 2026-09-01 --dry-run
    """
    session = ctx.ensure_object(Session)
    if saved_plan is not None:
        arguments |= _read_plan(ctx, saved_plan, operation)
    if not arguments["dry_run"] and arguments["run_key"] is None:
        arguments["run_key"] = f"{operation}-{arguments['as_of']}-{secrets.token_hex(4)}"
    arguments = of_operation(ctx, operation, arguments)
    chosen = OPERATIONS[operation]
    with session.connection() as connection:
        if arguments["dry_run"] and arguments["tenant"] is not None:
            surface.judge(connection, arguments["tenant"])
        try:
            with Progress(connection, operation):
                result = surface.call(connection, chosen.procedure, arguments)
        except KeyboardInterrupt as interrupt:
            if arguments["dry_run"]:
                raise
            raise DuecourseError(
                "interrupted; what is committed is kept",
                f"to go on, run again with --run-key {arguments['run_key']}",
            ) from interrupt
        shown = {name.removeprefix("o_"): value for name, value in result.items()}
        shown["run_key"] = arguments["run_key"]
        if shown["status"] == "escalated":
            shown["new_escalations"] = surface.new_escalations(connection, chosen, arguments)
        if chosen.counts_orphans and not arguments["dry_run"]:
            shown["orphans"] = count_after(connection, arguments["tenant"], arguments["run_key"])
    if session.format == "json":
        output.show_json(shown)
    else:
        _show(operation, shown, dry=arguments["dry_run"])
    if allow_known_escalations and shown.get("new_escalations") == 0:
        return ExitStatus.DONE
    if detailed_exitcode and arguments["dry_run"] and shown["rows"]:
        return ExitStatus.CHANGES_PENDING
    return _STATUSES.get(shown["status"], ExitStatus.DONE)


def _show(operation: str, shown: dict[str, Any], *, dry: bool) -> None:
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


def _read_plan(ctx: click.Context, file: Path, operation: str) -> dict[str, Any]:
    """Return the arguments of a saved plan, which options may not contradict."""
    planned = OPERATIONS[operation].planned
    for name in (*planned, "expected_plan_hash"):
        if is_given(ctx, name):
            raise click.UsageError(f"{option_of(ctx, name)} comes from the plan; leave it out", ctx)
    saved = plan_file.load(file, operation)
    arguments = {name: saved["arguments"].get(name) for name in planned}
    return arguments | {"expected_plan_hash": saved["plan_hash"]}
