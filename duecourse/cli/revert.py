"""``duecourse revert``."""

import sys
from functools import partial
from typing import Any

import click

from duecourse import changes, output, surface
from duecourse.cli._control import control
from duecourse.cli._resume import procedure_of
from duecourse.cli._session import Session, pass_session
from duecourse.database import Connection
from duecourse.errors import DuecourseError


@click.command()
@partial(control, required=True, whose="Whose run")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be taken back, or what is against it."
)
@click.option("--yes", is_flag=True, help="Do not ask in a terminal.")
@pass_session
def revert(
    session: Session, /, *, operation: str | None, dry_run: bool, yes: bool, **arguments: Any
) -> None:
    """Take back what a run did, as if it had never been made; its key is used up.

    Charges are reversed at their own days, rows are replaced by what was there before, repaired
    linkage is put back. Where later work depends on it, that is named and nothing is written (6).

    \b
    duecourse revert cutover-1 --tenant "Alder Row" --reason "of the wrong day"
    """
    arguments["procedure_name"] = procedure_of(operation) if operation else None
    if not (arguments["reason"] or dry_run):
        raise click.UsageError("say why: --reason TEXT")
    told: list[str] = []
    with session.books(arguments) as connection:
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        if not (dry_run or yes) and sys.stdin.isatty():
            _ask(connection, arguments)
        result = surface.call(connection, "ops.revert_run", {**arguments, "dry_run": dry_run})
    if session.format == "json":
        output.show_json(
            {
                "run_key": arguments["run_key"],
                "status": result["o_status"],
                "rows": result["o_rows"],
            }
        )
        return
    rows = changes.counted(result["o_rows"], "row")
    said = "would be taken back; nothing was written" if dry_run else "taken back"
    for line in told or [f"run {arguments['run_key']}: {rows} {said}"]:
        click.echo(output.visible(line))


def _ask(connection: Connection, arguments: dict[str, Any]) -> None:
    """Show what would be taken back, and ask."""
    would = surface.call(connection, "ops.revert_run", {**arguments, "dry_run": True})
    if would["o_status"] == "reverted":
        return
    rows = changes.counted(would["o_rows"], "row")
    info = connection.info
    question = (
        f"Take back {rows} of run {arguments['run_key']} ({would['o_status']}) in {info.dbname} on"
        f" {info.host}?"
    )
    try:
        is_agreed = click.confirm(output.visible(question), prompt_suffix=" ", err=True)
    except click.Abort:
        is_agreed = False
    if not is_agreed:
        raise DuecourseError("not agreed to; nothing was written")
