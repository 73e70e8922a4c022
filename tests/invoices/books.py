"""Small books that are billed: clients with names, lines with prices, cycles, records, invoices."""

from collections.abc import Iterator
from datetime import date
from itertools import pairwise
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.service_periods.books import (
    FEBRUARY,
    JANUARY,
    LEDGER,
    Books,
    Line,
    Row,
    fingerprint,
    select,
)

#: The window of January, and a day on which every window up to May is due.
WINDOW = (JANUARY, FEBRUARY)
LATE = date(2025, 5, 31)

FALLBACK = "missing_service_period_materialization"
INVALID = "an argument is missing or outside its range"


class Billing(Books):
    """A tenant whose lines cost something."""

    def named(self, name: str, cycle: str = "monthly", **columns: object) -> UUID:
        """Add a client with a name."""
        client = self.new_id()
        columns |= {"client_id": client, "client_name": name, "billing_cycle": cycle}
        self.insert("billing.clients", **columns)
        return client

    def priced(self, client: UUID | None = None, cents: int = 1000, /, **columns: Any) -> Line:
        """Add a line with a price; see ``line`` for what else it can be."""
        return self.line(client, unit_price_cents=cents, **columns)

    def cycle(self, client: UUID, start: date, end: date | None, **columns: object) -> UUID:
        """Add a billing cycle."""
        cycle = self.new_id()
        self.insert(
            "billing.client_billing_cycles",
            **{
                "billing_cycle_id": cycle,
                "client_id": client,
                "billing_cycle": "monthly",
                "effective_date": start,
                "period_start_date": start,
                "period_end_date": end,
                **columns,
            },
        )
        return cycle

    def cycles(self, client: UUID, *boundaries: date) -> list[UUID]:
        """Add the billing cycles between neighbouring boundaries."""
        return [self.cycle(client, *days) for days in pairwise(boundaries)]

    def record(self, line: Line, day: date, cents: int, quantity: object = 1) -> None:
        """Add hours, usage or a draw of a line."""
        self.insert(
            "billing.billable_records",
            billable_record_id=self.new_id(),
            contract_line_id=line.obligation,
            recorded_on=day,
            quantity=quantity,
            unit_price_cents=cents,
        )

    def due(self, **arguments: object) -> list[Row]:
        """Return due work."""
        return self.select("due_work", **arguments)

    def pages(self, function: str, size: int, /, **arguments: object) -> Iterator[Row]:
        """Return what a reading gives, page by page."""
        after = None
        while page := self.select(function, limit=size, after=after, **arguments):
            assert len(page) <= size
            yield from page
            after = page[-1]["page_key"]

    def candidates(self, **arguments: object) -> list[Row]:
        """Return the invoice candidates."""
        return self.select("invoice_candidates", **arguments)

    def preview(
        self, client: UUID, window: tuple[date, date] = WINDOW, **arguments: object
    ) -> list[Row]:
        """Preview the invoice of a window."""
        return select(self.database, "preview_invoice", self._window(client, window, arguments))

    def generate(
        self, client: UUID, window: tuple[date, date] = WINDOW, **arguments: object
    ) -> Row:
        """Generate the invoice of a window, after a look that preview promises its lines."""
        given = self._window(client, window, arguments)
        number = given.pop("invoice_number", None)
        promised = select(self.database, "preview_invoice", given)
        result = self.perform("generate_invoice", **given, invoice_number=number)
        written = self.lines(result["o_invoice_id"]) if result["o_status"] == "generated" else []
        assert (
            written
            == [
                {name: line[name] for name in written[0]}
                for line in sorted(promised, key=lambda line: str(line["record_id"]))
            ]
            if written
            else promised == []
        )
        return result

    def lines(self, invoice: UUID) -> list[Row]:
        """Return the lines of an invoice with the rows linked to them, as a preview names them."""
        return self._query(
            "SELECT r.record_id, d.contract_line_id AS obligation_id, c.description,"
            " d.service_period_start, d.service_period_end, d.billing_timing, c.quantity,"
            " c.unit_price_cents, c.total_price_cents, i.currency"
            " FROM billing.invoices AS i JOIN billing.invoice_charges AS c"
            " USING (tenant, invoice_id) JOIN billing.invoice_charge_details AS d"
            " USING (tenant, invoice_charge_id) LEFT JOIN billing.recurring_service_periods AS r"
            " USING (tenant, invoice_id, invoice_charge_id, invoice_charge_detail_id)"
            " WHERE i.tenant = %s AND i.invoice_id = %s ORDER BY r.record_id::text",
            invoice,
        )

    def header(self, invoice: UUID) -> Row:
        """Return the invoice itself."""
        (row,) = self._query(
            "SELECT * FROM billing.invoices WHERE tenant = %s AND invoice_id = %s", invoice
        )
        return row

    def invoices(self) -> int:
        """Count the invoices."""
        return len(self._query("SELECT FROM billing.invoices WHERE tenant = %s"))

    def history(self, client: UUID | None = None) -> list[Row]:
        """Return the invoiced history."""
        given = {"tenant": self.tenant, "client_id": client}
        return select(self.database, "invoiced_history", given)

    def findings(self, check: str) -> list[Row]:
        """Return what a check of verify finds."""
        return self.select(f"check_{check}")

    def move(self, record: UUID, state: str) -> None:
        """Change the state of a ledger row by hand."""
        self.database.execute(
            f"UPDATE {LEDGER} SET lifecycle_state = %s WHERE tenant = %s AND record_id = %s",
            (state, self.tenant, record),
        )

    def _query(self, statement: str, *parameters: object) -> list[Row]:
        cursor = self.database.cursor(row_factory=dict_row)
        return cursor.execute(statement.encode(), (self.tenant, *parameters)).fetchall()

    def _window(
        self, client: UUID, window: tuple[date, date], arguments: dict[str, object]
    ) -> dict[str, object]:
        start, end = window
        given = {"client_id": client, "window_start": start, "window_end": end}
        return {"tenant": self.tenant} | given | arguments


def identity(line: Line, start: date, end: date, window: tuple[date, date] | None = None) -> str:
    """Return the execution identity of a period, invoiced in its own window or another."""
    window_start, window_end = window or (start, end)
    period, days = f"period:{start}:{end}", f"{window_start}:{window_end}"
    if line.owner == "client":
        return f"client_cadence_window:client:{line.client}:{line.schedule_key}:{period}:{days}"
    return (
        f"contract_cadence_window:contract:{line.client}:{period}:{line.contract}"
        f":{line.obligation}:{days}"
    )


def refused(books: Billing, routine: str, /, **arguments: object) -> psycopg.errors.Diagnostic:
    """Return how a CALL is refused, after a look that nothing was written."""
    before = fingerprint(books.database)
    with pytest.raises(psycopg.Error) as raised:
        books.perform(routine, **arguments)
    assert fingerprint(books.database) == before
    return raised.value.diag
