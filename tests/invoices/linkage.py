"""Rows whose linkage is broken, what is planned for them, and their repair."""

from datetime import date, timedelta
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from tests.invoices.books import Billing
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, Line, Row

DETAILS = "billing.invoice_charge_details"
MIDDLE = JANUARY + timedelta(days=15)
PROVED = "The details of one charge cover exactly its days."
GONE = "Its invoice is gone, and no other bills its days."


def dangling(books: Billing, line: Line, invoice: UUID | None = None, **columns: Any) -> UUID:
    """Add a January that is linked to what does not exist."""
    gone = {
        "invoice_id": str(invoice or books.new_id()),
        "invoice_charge_id": str(books.new_id()),
        "invoice_charge_detail_id": str(books.new_id()),
    }
    columns = {"lifecycle_state": "billed", **columns}
    return books.period(
        line,
        JANUARY,
        FEBRUARY,
        quarantine_reason="dangling_linkage",
        unresolved_linkage=Jsonb(gone),
        **columns,
    )


def unlinked(books: Billing, line: Line, **columns: Any) -> UUID:
    """Add a January that is billed, but linked to nothing."""
    columns = {"lifecycle_state": "billed", **columns}
    return books.period(line, JANUARY, FEBRUARY, quarantine_reason="missing_linkage", **columns)


def detail(books: Billing, linkage: Row, line: Line, start: date | None, end: date | None) -> UUID:
    """Add a detail to the charge of an invoice."""
    added = books.new_id()
    books.insert(
        DETAILS,
        invoice_charge_detail_id=added,
        invoice_charge_id=linkage["invoice_charge_id"],
        contract_line_id=line.obligation,
        service_period_start=start,
        service_period_end=end,
    )
    return added


def plan(books: Billing) -> list[tuple[UUID, str, str, str]]:
    """Return what is planned, in a transaction that cannot write; the summary says the same."""
    with books.database.transaction(force_rollback=True):
        books.database.execute("SET TRANSACTION READ ONLY")
        rows = books.select("plan_linkage_repair")
        [summary] = books.select("linkage_repair_summary")
    for action, count in [("reopen", "reopened"), ("relink", "relinked"), ("report", "reported")]:
        assert summary[count] == sum(row["action"] == action for row in rows)
    assert summary["schedules"] == len({row["obligation_id"] for row in rows})
    assert summary["schedules"] == summary["schedules_written"] + summary["schedules_escalated"]
    assert all((row["invoice_id"] is not None) == (row["action"] == "relink") for row in rows)
    assert all(UUID(row["captured_row"]["record_id"]) == row["record_id"] for row in rows)
    return [(row["record_id"], row["problem"], row["action"], row["reason"]) for row in rows]


def repair(books: Billing, **arguments: object) -> tuple[int, str]:
    """Repair; give rows and status."""
    result = books.perform("repair_invoice_linkage", as_of=AS_OF, **arguments)
    return result["o_rows"], result["o_status"]


def row_of(books: Billing, record: UUID) -> Row:
    """Return a ledger row."""
    [row] = [row for row in books.ledger() if row["record_id"] == record]
    return row


def changed(before: Row, after: Row) -> set[str]:
    """Return the names of the columns that differ."""
    return {name for name in before if before[name] != after[name]}
