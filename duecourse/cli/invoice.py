"""``duecourse invoice``: look at an invoice before it is made, make it, and take it back."""

from collections.abc import Callable, Iterator
from datetime import date
from typing import Any, TypeVar
from uuid import UUID

import click

from duecourse import output, surface, windows
from duecourse.cli._scope import as_of, ids_too, tenant, window
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus

_Function = TypeVar("_Function", bound=Callable[..., Any])

_LINES = ("line", "period", "quantity", "price", "total")
_HISTORY = ("number", "window", "status", "total", "rows")
_reason = click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept.")


def _what(function: _Function) -> _Function:
    """Add the client, the window, and which lines of it."""
    for add in (
        click.option(
            "--line",
            "lines",
            metavar="NAME|ID",
            multiple=True,
            help="Only this line of the window; the beginning is enough.",
        ),
        as_of,
        tenant(),
        click.argument("window", type=window),
        click.argument("client_id", metavar="CLIENT"),
    ):
        function = add(function)
    return function


@click.group()
@options()
def invoice() -> None:
    """Preview, generate, delete or reverse invoices of service periods, or show those made.

    CLIENT is a name, an id or the beginning of one; WINDOW an invoice window as duecourse due-work
    shows it: 2026-09 or 2026-09-15..2026-10-15, whose end no longer belongs to it.
    """


@invoice.command()
@_what
@options()
@pass_session
def preview(session: Session, /, **arguments: Any) -> None:
    """Show the lines that an invoice would have, in cents; reads only.

    \b
    duecourse invoice preview Bramble 2026-09 --tenant "Alder Row"
    """
    with session.reading(arguments) as connection:
        given = _given(connection, arguments)
        rows = list(surface.select(connection, "preview_invoice", given))
        totals: dict[str, int] = {}
        for row in rows:
            totals[row["currency"]] = totals.get(row["currency"], 0) + row["total_price_cents"]
        told = ", ".join(f"{total} {currency}" for currency, total in totals.items())
        if not rows and session.format == "table":
            click.echo(f"nothing to bill: {_why_not(connection, given)}")
            return
        output.show_rows(
            session.format,
            _LINES,
            iter(rows),
            _line,
            total=f"{output.counted(len(rows), 'line')}, {told} in cents",
        )


@invoice.command()
@_what
@click.option("--number", "invoice_number", metavar="TEXT", help="Default: one that is made.")
@options()
@pass_session
def generate(session: Session, /, **arguments: Any) -> ExitStatus:
    """Write the invoice, and link the ledger rows that it bills; again, it writes nothing.

    Exits with 6 when the window cannot be invoiced, and says why.

    \b
    duecourse invoice generate Bramble 2026-09 --tenant "Alder Row"
    """
    with session.books(arguments) as connection:
        with surface.snapshot(connection):
            given = _given(connection, arguments)
        done = surface.call(connection, "generate_invoice", given)
    told = [done["o_invoice_id"] and f"invoice {done['o_invoice_id']}", done["o_reason"]]
    _tell(session, done, ", ".join(filter(None, told)))
    return ExitStatus.REFUSED if done["o_status"] == "refused" else ExitStatus.DONE


@invoice.command()
@click.argument("invoice", metavar="INVOICE")
@tenant()
@_reason
@options()
@pass_session
def delete(session: Session, /, **arguments: Any) -> None:
    """Delete INVOICE, an id or a number; it is kept for history, and what it billed is due again.

    \b
    duecourse invoice delete DC-0F3A --reason "wrong price" --tenant "Alder Row"
    """
    _withdraw(session, "delete_invoice", arguments)


@invoice.command()
@click.argument("invoice", metavar="INVOICE")
@tenant()
@_reason
@options()
@pass_session
def reverse(session: Session, /, **arguments: Any) -> None:
    """Cancel INVOICE, an id or a number; it stays, and what it billed is due again.

    \b
    duecourse invoice reverse DC-0F3A --reason "sent twice" --tenant "Alder Row"
    """
    _withdraw(session, "reverse_invoice", arguments)


@invoice.command()
@click.argument("client_id", metavar="[CLIENT]", required=False)
@tenant()
@ids_too
@options()
@pass_session
def history(session: Session, /, ids: bool, **arguments: Any) -> None:
    """Show the invoices of CLIENT, or of all, those taken back included; reads only.

    \b
    duecourse invoice history Bramble --tenant "Alder Row"
    """
    with session.reading(arguments) as connection:
        rows = surface.select(connection, "invoiced_history", arguments)
        columns = [*_HISTORY, "invoice_id"] if ids else _HISTORY
        output.show_rows(session.format, columns, rows, lambda row: [*_made(row)][: len(columns)])


def _given(connection: Connection, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of the SQL, with the keys of the lines that were named."""
    given = dict(arguments)
    start, end = given.pop("window")
    wanted = [text.lower() for text in given.pop("lines")]
    if wanted:
        due = surface.select(
            connection, "due_work", {name: given[name] for name in ("tenant", "as_of", "client_id")}
        )
        given["execution_identity_keys"] = [
            row["execution_identity_key"]
            for row in due
            if (row["invoice_window_start"], row["invoice_window_end"]) == (start, end)
            and any(_begins(row, text) for text in wanted)
        ]
        if not given["execution_identity_keys"]:
            raise DuecourseError(
                f"nothing due in the window is of a line {' or '.join(map(repr, wanted))}",
                "duecourse due-work and duecourse invoice history show what is due and what was",
            )
    return {**given, "window_start": start, "window_end": end}


def _why_not(connection: Connection, given: surface.Arguments) -> str:
    asked = {name: given[name] for name in ("tenant", "as_of", "client_id")}
    reasons = {
        row["blocked_reason"] or row["due_state"]
        for row in surface.select(connection, "invoice_candidates", asked)
        if (row["invoice_window_start"], row["invoice_window_end"])
        == (given["window_start"], given["window_end"])
    }
    return ", ".join(sorted(reasons)) or "nothing is due in that window"


def _begins(row: surface.Row, text: str) -> bool:
    names = (row["contract_line_name"] or "", str(row["obligation_id"]))
    return any(name.lower().startswith(text) for name in names)


def _withdraw(session: Session, procedure: str, arguments: dict[str, Any]) -> None:
    with session.books(arguments) as connection:
        given = dict(arguments)
        given["invoice_id"] = _invoice(connection, arguments["tenant"], given.pop("invoice"))
        done = surface.call(connection, procedure, given)
    rows = done["o_rows"] or 0
    _tell(session, done, f"invoice {given['invoice_id']}, ledger rows due again: {rows:,}")


def _invoice(connection: Connection, tenant: UUID, text: str) -> UUID:
    """Return the id of an invoice of that number or id."""
    try:
        return UUID(text)
    except ValueError:
        pass
    with surface.snapshot(connection):
        for row in surface.select(connection, "invoiced_history", {"tenant": tenant}):
            if row["invoice_number"] == text and row["withdrawal"] is None:
                found: UUID = row["invoice_id"]
                return found
    raise DuecourseError(
        f"there is no invoice of number {text!r}", "duecourse invoice history shows them"
    )


def _tell(session: Session, done: surface.Row, what: str) -> None:
    if session.format == "json":
        output.show_json({name.removeprefix("o_"): value for name, value in done.items()})
    else:
        click.echo(f"{done['o_status'].replace('_', ' ')}: {what}")


def _line(row: surface.Row) -> Iterator[object]:
    yield row["description"]
    yield _span(row["service_period_start"], row["service_period_end"])
    yield row["quantity"]
    yield row["unit_price_cents"]
    yield f"{row['total_price_cents']} {row['currency']}"


def _made(row: surface.Row) -> Iterator[object]:
    yield row["invoice_number"]
    yield _span(row["invoice_window_start"], row["invoice_window_end"])
    yield output.mark(row["withdrawal"] or row["status"])
    yield f"{row['total_cents']} {row['currency']}"
    yield len(row["service_periods"] or ())
    yield row["invoice_id"]


def _span(start: date | None, end: date | None) -> str | None:
    return None if start is None or end is None else windows.text(start, end)
