"""Rule I12: a cancelled invoice bills nothing, save what a live row is linked to."""

from dataclasses import replace
from uuid import UUID

import pytest

from tests.invoices.books import LATE, WINDOW, Billing, refused
from tests.invoices.withdrawals import withdraw
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, Line, fingerprint

ANOTHER_DAY = JANUARY.replace(day=20)

spellings = pytest.mark.parametrize("status", ["cancelled", "Canceled", "CANCELLED"])


def cancel(books: Billing, invoice: UUID, status: str = "cancelled") -> None:
    """Give an invoice a status, as books that are imported have it."""
    books.database.execute(
        "UPDATE billing.invoices SET status = %s WHERE tenant = %s AND invoice_id = %s",
        (status, books.tenant, invoice),
    )


def cancelled(books: Billing, line: Line, status: str = "cancelled") -> UUID:
    """Add an invoice of January that was cancelled, and that no row is linked to."""
    invoice: UUID = books.invoice(line, *WINDOW)["invoice_id"]
    cancel(books, invoice, status)
    return invoice


def linked(books: Billing) -> tuple[Line, UUID]:
    """Add a line with a billed January, whose invoice was cancelled without it."""
    line = books.priced()
    linkage = books.invoice(line, *WINDOW)
    books.period(line, *WINDOW, lifecycle_state="billed", **linkage)
    cancel(books, linkage["invoice_id"])
    return line, linkage["invoice_id"]


@spellings
def test_its_days_are_planned_and_invoiced(books: Billing, status: str) -> None:
    line = books.priced()
    cancelled(books, line, status)
    assert books.call()["o_status"] == "done"
    assert books.select("escalations") == []
    assert books.live(line)[0] == (*WINDOW, "generated")
    assert books.generate(line.client)["o_status"] == "generated"
    for check in ("double_billed", "unlinked_detail", "escalation", "pending_plan"):
        assert books.findings(check) == []


@pytest.mark.parametrize("status", ["paid", "sent", "draft", "void", ""])
def test_of_any_other_status_its_days_are_disputed(books: Billing, status: str) -> None:
    line = books.priced()
    cancelled(books, line, status)
    books.call()
    assert [row["reason"] for row in books.select("escalations")] == ["disputed_history"]


def test_a_row_over_other_days_is_billable(books: Billing) -> None:
    line = books.priced()
    books.period(line, *WINDOW)
    invoice = books.invoice(line, ANOTHER_DAY, FEBRUARY)["invoice_id"]
    assert books.generate(line.client)["o_reason"] == "days_already_billed"
    cancel(books, invoice)
    assert books.generate(line.client)["o_status"] == "generated"


def test_a_fallback_shows_its_days(books: Billing) -> None:
    line = books.priced()
    books.cycle(line.client, *WINDOW)
    invoice = books.invoice(line, *WINDOW)["invoice_id"]
    assert books.due(as_of=LATE) == []
    cancel(books, invoice)
    assert [row["invoice_window_start"] for row in books.due(as_of=LATE)] == [JANUARY]


def test_linkage_is_not_repaired_by_it(books: Billing) -> None:
    line = books.priced()
    books.period(line, *WINDOW, lifecycle_state="locked")
    invoice = books.invoice(line, *WINDOW)["invoice_id"]
    assert [row["action"] for row in books.select("plan_linkage_repair")] == ["relink"]
    cancel(books, invoice)
    assert books.select("plan_linkage_repair") == []


def test_a_row_that_dangles_from_it_is_reopened(books: Billing) -> None:
    line = books.priced()
    invoice = books.invoice(line)["invoice_id"]
    books.period(
        line,
        *WINDOW,
        lifecycle_state="billed",
        quarantine_reason="dangling_linkage",
        unresolved_linkage=f'{{"invoice_id": "{invoice}"}}',
    )
    assert [row["action"] for row in books.select("plan_linkage_repair")] == ["report"]
    cancel(books, invoice)
    (planned,) = books.select("plan_linkage_repair")
    assert planned["action"] == "reopen"
    assert planned["reason"] == "Its invoice is cancelled, and no other bills its days."
    books.perform("repair_invoice_linkage", as_of=AS_OF)
    assert [row["lifecycle_state"] for row in books.ledger(line)] == ["locked"]


def test_what_a_live_row_is_linked_to_counts(books: Billing) -> None:
    line, _ = linked(books)
    books.call()
    assert books.live(line)[0] == (*WINDOW, "billed")
    assert books.select("escalations") == []
    other = books.invoice(line, *WINDOW)
    assert len(books.findings("double_billed")) == 1
    cancel(books, other["invoice_id"])
    assert books.findings("double_billed") == []


def test_days_of_a_row_that_is_linked_to_it_are_not_billed_again(books: Billing) -> None:
    line, invoice = linked(books)
    key = line.schedule_key.replace("advance", "arrears")
    days = (ANOTHER_DAY, FEBRUARY.replace(day=20))
    books.period(replace(line, timing="arrears", schedule_key=key), *days)
    assert books.generate(line.client, days)["o_reason"] == "days_already_billed"
    withdraw(books, "reverse", invoice)
    assert books.generate(line.client, days)["o_status"] == "generated"


def test_another_line_of_the_same_invoice_is_due(books: Billing) -> None:
    """Only what is linked is kept: the invoice was cancelled for everything else."""
    line, invoice = linked(books)
    other = books.priced(line.client)
    charge = books.new_id()
    books.insert(
        "billing.invoice_charges", invoice_charge_id=charge, invoice_id=invoice, description="x"
    )
    books.insert(
        "billing.invoice_charge_details",
        invoice_charge_detail_id=books.new_id(),
        invoice_charge_id=charge,
        contract_line_id=other.obligation,
        service_period_start=JANUARY,
        service_period_end=FEBRUARY,
    )
    books.call()
    assert books.select("escalations") == []
    assert books.live(other)[0] == (*WINDOW, "generated")
    assert withdraw(books, "reverse", invoice) == {"o_status": "reversed", "o_rows": 1}


def test_it_is_reversed_already(books: Billing) -> None:
    invoice = cancelled(books, books.priced())
    before = {
        name: sums for name, sums in fingerprint(books.database).items() if "lock" not in name
    }
    assert withdraw(books, "reverse", invoice) == {"o_status": "already_reversed", "o_rows": 0}
    after = fingerprint(books.database)
    assert {name: after[name] for name in before} == before


def test_reversing_it_reopens_what_is_linked(books: Billing) -> None:
    line, invoice = linked(books)
    assert withdraw(books, "reverse", invoice) == {"o_status": "reversed", "o_rows": 1}
    assert withdraw(books, "reverse", invoice) == {"o_status": "already_reversed", "o_rows": 0}
    assert books.live(line)[0] == (*WINDOW, "locked")
    assert books.generate(line.client)["o_status"] == "generated"


def test_it_is_deleted_and_history_keeps_its_days(books: Billing) -> None:
    line = books.priced()
    invoice = cancelled(books, line)
    ((stands,),) = [[row["service_periods"] for row in books.history()]]
    assert [row["status"] for row in books.history()] == ["cancelled"]
    assert [(p["record_id"], p["service_period_start"]) for p in stands] == [(None, str(JANUARY))]
    assert withdraw(books, "delete", invoice) == {"o_status": "deleted", "o_rows": 0}
    assert withdraw(books, "delete", invoice) == {"o_status": "already_deleted", "o_rows": 0}
    (shown,) = books.history()
    assert (shown["status"], shown["service_periods"]) == ("deleted", stands)


def test_one_that_is_not_cancelled_is_refused(books: Billing) -> None:
    invoice = cancelled(books, books.priced(), "sent")
    for procedure in ("reverse_invoice", "delete_invoice"):
        assert refused(books, procedure, invoice_id=invoice, reason="r").sqlstate == "DC104"
