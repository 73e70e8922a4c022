"""``duecourse due-work``."""

import shlex
from collections.abc import Iterator
from typing import Any

import click

from duecourse import output, surface
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session

_PAGE = 50
_ROW = ("client", "line", "window", "service period", "ledger row", "status")
_CANDIDATE = ("client", "window", "service period", "rows", "fallbacks", "split by", "status")


@click.command("due-work")
@scope(part=False)
@click.option("--client", "client_id", metavar="UUID", type=click.UUID, help="Only this client.")
@click.option("--search", metavar="TEXT", help="Only clients with this in their name.")
@click.option("--due-only", is_flag=True, help="Leave out what is not due yet.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    help=f"Rows a page (default: {_PAGE}; as JSON, all of them).",
)
@click.option("--after", metavar="KEY", help="The page that follows the row with this page_key.")
@click.option("--candidates", is_flag=True, help="Group by client and window: a row an invoice.")
@options()
@pass_session
def due_work(session: Session, /, limit: int | None, candidates: bool, **arguments: Any) -> None:
    """Show what is due for invoicing, latest windows first; reads only.

    Where the ledger row is "missing", a billing cycle or a contract says that the period is due,
    but no row of the ledger serves it: a compatibility fallback. Backfill first.
    """
    function = "invoice_candidates" if candidates else "due_work"
    with session.books(arguments) as connection, surface.snapshot(connection, arguments["tenant"]):
        if session.format == "json":
            rows = surface.select(connection, function, {**arguments, "limit": limit})
            output.show_rows("json", (), rows)
            return
        limit = limit or _PAGE
        rows = surface.select(connection, function, {**arguments, "limit": limit + 1})
        page = list(rows)
    shown = page[:limit]
    if candidates:
        output.show_table(_CANDIDATE, map(_candidate, shown))
    else:
        output.show_table(_ROW, map(_row, shown))
    if page[limit:]:
        key = shlex.quote(shown[-1]["page_key"])
        click.echo(f"next page: the same command with --after {key}")


def _row(row: surface.Row) -> Iterator[object]:
    yield row["client_name"]
    yield row["contract_line_name"]
    yield from _periods(row)
    yield row["lifecycle_state"] or "missing"
    yield _status(row)


def _candidate(row: surface.Row) -> Iterator[object]:
    yield row["client_name"]
    yield from _periods(row)
    yield row["member_count"]
    yield row["fallback_count"]
    yield row["split_reasons"]
    yield _status(row)


def _periods(row: surface.Row) -> Iterator[str]:
    for name in ("invoice_window", "service_period"):
        yield f"{row[f'{name}_start']} {row[f'{name}_end']}"


def _status(row: surface.Row) -> str:
    reason = row["blocked_reason"]
    return f"{row['due_state']}: {reason}" if reason else str(row["due_state"])
