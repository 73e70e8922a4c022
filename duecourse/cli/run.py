"""``duecourse run``."""

import secrets
from pathlib import Path
from typing import Any

import click

from duecourse import surface
from duecourse.cli import _outcome
from duecourse.cli._consent import read_plan
from duecourse.cli._progress import Progress
from duecourse.cli._scope import integer, of_operation, operation_options, plan_hash
from duecourse.cli._session import Session, options
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
        arguments |= read_plan(ctx, saved_plan, operation)
    if not arguments["dry_run"] and arguments["run_key"] is None:
        arguments["run_key"] = f"{operation}-{arguments['as_of']}-{secrets.token_hex(4)}"
    arguments = of_operation(ctx, operation, arguments)
    chosen = OPERATIONS[operation]
    with session.books(arguments) as connection:
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
        shown = _outcome.of_run(connection, operation, arguments, result)
    dry = arguments["dry_run"]
    _outcome.show(session.format, operation, shown, dry=dry)
    return _outcome.exit_status(
        shown, dry=dry, allow_known=allow_known_escalations, detailed=detailed_exitcode
    )
