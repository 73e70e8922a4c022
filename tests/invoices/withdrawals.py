"""What the tests of deleting and of reversing an invoice share."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from tests.invoices.books import WINDOW, Billing
from tests.service_periods.books import Line, Row


@dataclass
class Invoiced:
    """A line of either cadence, January of both on one invoice."""

    books: Billing
    client: UUID
    line: Line
    invoice: UUID
    due: list[Row]

    def again(self) -> list[Row]:
        """Return due work as it was before the invoice, if all of it is back."""
        return [
            row | {"lifecycle_state": "generated"}
            for row in self.books.due()
            if row["lifecycle_state"] == "locked"
        ]


def invoiced(books: Billing) -> Invoiced:
    """Make an invoice of two lines."""
    client = books.named("Client")
    line = books.priced(client)
    books.priced(client, 500, owner="contract")
    books.call()
    due = [row for row in books.due() if row["can_generate"]]
    result = books.generate(client)
    assert len(due) == 2
    return Invoiced(books, client, line, result["o_invoice_id"], due)


def withdraw(books: Billing, procedure: str, invoice: UUID, reason: Any = "wrong price") -> Row:
    """Delete or reverse an invoice."""
    return books.perform(f"{procedure}_invoice", invoice_id=invoice, reason=reason)


def inserted_anew(books: Billing, invoice: UUID, *, whole: bool) -> None:
    """Insert a deleted invoice as it first stood, by hand; whole: with charges and details."""
    tables = {"invoices": "jsonb_build_array(w.invoice)"}
    if whole:
        tables |= {"invoice_charges": "w.charges", "invoice_charge_details": "w.details"}
    for table, rows in tables.items():
        books.database.execute(
            f"INSERT INTO billing.{table} SELECT r.* FROM ("
            " SELECT * FROM billing.withdrawn_invoices WHERE tenant = %s AND invoice_id = %s"
            " ORDER BY withdrawn_at LIMIT 1) AS w"
            f" CROSS JOIN jsonb_populate_recordset(NULL::billing.{table}, {rows}) AS r".encode(),
            (books.tenant, invoice),
        )


def imported(books: Billing, details: int) -> tuple[Line, Row]:
    """Add an invoice whose one charge has several details of the same days, and link a row."""
    line = books.priced()
    linkage = books.invoice(line, *WINDOW)
    for _ in range(details - 1):
        books.insert(
            "billing.invoice_charge_details",
            invoice_charge_detail_id=books.new_id(),
            invoice_charge_id=linkage["invoice_charge_id"],
            contract_line_id=line.obligation,
            service_period_start=WINDOW[0],
            service_period_end=WINDOW[1],
        )
    books.period(line, *WINDOW, lifecycle_state="billed", **linkage)
    return line, linkage
