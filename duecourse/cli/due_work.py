"""``duecourse due-work``."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from duecourse import output, surface, windows
from duecourse.cli import _schedules
from duecourse.cli._scope import client, ids_too, is_given, scope
from duecourse.cli._session import Session, options

_PAGE = 50
_ROW = ("line", "window", "period", "status")
_CANDIDATE = ("client", "window", "rows", "split by", "status")


@click.command("due-work")
@scope(part=False)
@client
@click.option("--search", metavar="TEXT", help="Only clients with this in their name.")
@click.option("--due-only", is_flag=True, help="Leave out what is not due yet.")
@click.option(
    "--limit",
    metavar="N",
    type=click.IntRange(1, 1_000_000),
    help=f"Rows a page (default: {_PAGE}; as JSON, all of them).",
)
@click.option(
    "--page", metavar="N", type=click.IntRange(1, 10_000), default=1, help="Which page to show."
)
@click.option("--after", metavar="KEY", help="The page that follows the row with this page_key.")
@click.option("--candidates", is_flag=True, help="Group by client and window: a row an invoice.")
@ids_too
@options()
@click.pass_context
def due_work(
    ctx: click.Context,
    /,
    limit: int | None,
    page: int,
    candidates: bool,
    ids: bool,
    **arguments: Any,
) -> None:
    """Show what is due for invoicing, latest windows first; reads only.

    "missing row": a billing cycle or a contract says that the period is due, but no row of the
    ledger serves it; backfill first. A month stands for its whole days.

    \b
    duecourse due-work --tenant "Alder Row" --due-only
    duecourse due-work --tenant "Alder Row" --page 2
    duecourse due-work --tenant "Alder Row" --client Bramble --candidates
    """
    session = ctx.ensure_object(Session)
    function = "invoice_candidates" if candidates else "due_work"
    if arguments["after"] is not None and is_given(ctx, "page"):
        raise click.UsageError("--page counts from the first row; leave out --after", ctx)
    with session.reading(arguments) as connection:
        if session.format == "json":
            rows = surface.select(connection, function, {**arguments, "limit": limit})
            output.show_rows("json", (), rows)
            return
        size = limit or _PAGE
        rows = surface.select(connection, function, {**arguments, "limit": page * size + 1})
        found = list(rows)[(page - 1) * size :]
        shown = found[:size]
        counts = Counter(map(_status, shown))
        told = "; ".join(f"{count:,} {status}" for status, count in sorted(counts.items()))
        what = "invoices" if candidates else "periods"
        columns = _CANDIDATE if candidates else _ROW
        cells = _candidate if candidates else _row
        output.show_rows(
            "table",
            [*columns, "client_id" if candidates else "record_id"] if ids else columns,
            iter(shown),
            lambda row: [*cells(row)][: len(columns) + ids],
            total=f"page {page}, as of {arguments['as_of']}, latest windows first: {told or what}",
        )
        if found[size:]:
            click.echo(f"next page: the same command with --page {page + 1}")


def _row(row: surface.Row) -> Iterator[object]:
    yield _schedules.line(row)
    yield _span(row, "invoice_window")
    yield _span(row, "service_period")
    yield output.mark(_status(row))
    yield row["record_id"]


def _candidate(row: surface.Row) -> Iterator[object]:
    yield row["client_name"]
    yield _span(row, "invoice_window")
    yield row["member_count"]
    yield row["split_reasons"]
    yield output.mark(_status(row))
    yield row["client_id"]


def _span(row: surface.Row, name: str) -> str:
    return windows.text(row[f"{name}_start"], row[f"{name}_end"])


def _status(row: surface.Row) -> str:
    missing = row.get("fallback_count", row.get("lifecycle_state") is None)
    return "missing row" if missing else str(row["blocked_reason"] or row["due_state"])
