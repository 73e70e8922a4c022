"""``duecourse runs``."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import click

from duecourse import output, surface
from duecourse.cli._resume import operation_of
from duecourse.cli._scope import tenant
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = ("run key", "what", "state", "done", "left")
_SHOWN = timedelta(days=1)
_WIDTH = 78
_THOUSAND = 1_000


@click.command()
@tenant(every=True, required=False)
@click.option("--all", "every", is_flag=True, help="Also those that are finished since a day.")
@options()
@pass_session
def runs(session: Session, /, every: bool, **arguments: Any) -> None:
    """Show the runs, of whoever started them and from wherever; reads only.

    Those that are not finished come first, with who runs them, what they wait for, and how they go
    on.

    \b
    duecourse runs
    duecourse runs --tenant "Alder Row" --all
    """
    with session.books(arguments) as connection, surface.snapshot(connection):
        found = list(surface.select(connection, "ops.run_status", arguments))
    if session.format == "json":
        output.show_json(found)
        return
    since = datetime.now(UTC) - _SHOWN
    unfinished = [row for row in found if row["finished_at"] is None]
    finished = [row for row in found if row["finished_at"] is not None]
    recent = [row for row in finished if every or row["finished_at"] > since]
    shown = [*unfinished, *recent]
    left_out = f"; {left:,} more: --all" if (left := len(found) - len(shown)) else ""
    total = f"{len(unfinished):,} of {len(found):,} runs not finished{left_out}"
    output.show_rows("table", _COLUMNS, iter(shown), _cells, total=total)
    for row in unfinished:
        click.echo()
        for line in _about(row):
            click.echo(output.folded(output.visible(line), _WIDTH))


def _cells(row: surface.Row) -> Iterator[object]:
    yield row["run_key"]
    yield operation_of(row["procedure_name"])
    yield output.mark(row["state"].replace("_", " "))
    yield f"{row['units_done']:,}/{row['units_total']:,}"
    yield row["time_left"]


def _about(row: surface.Row) -> Iterator[str]:
    """Yield what else is known of a run that is not finished."""
    rate = f" ({_short(row['rate'])} a second)" if row["state"] == "running" and row["rate"] else ""
    session = f", session {row['backend_pid']}" if row["backend_pid"] else ""
    origin = f" ({row['application_name']}{session})" if row["application_name"] else session
    yield f"{row['run_key']}: {row['tenant_name']}, {row['rows_written']:,} rows{rate}"
    yield f"    by {row['role_name']}{origin} since {row['started_at']:%Y-%m-%d %H:%M:%S}"
    if row["error"]:
        yield f"{row['run_key']}: {row['error']} — SQLSTATE {row['sqlstate']}"
    if row["state"] == "running":
        if row["waits_for"]:
            yield f"{row['run_key']} waits for {row['waits_for']}"
        return
    if row["waits_for"]:
        yield f"{row['run_key']} is {row['waits_for']}"
    yield f"to go on: duecourse run {operation_of(row['procedure_name'])} --resume {row['run_key']}"


def _short(rate: Any) -> str:
    return f"{rate / _THOUSAND:.1f}k" if rate >= _THOUSAND else f"{rate:.0f}"
