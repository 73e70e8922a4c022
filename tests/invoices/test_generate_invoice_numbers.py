"""Invoice numbers: each is used once a tenant (rule I11)."""

from uuid import UUID

import psycopg
import pytest

from tests.concurrency.sessions import outcome, sessions
from tests.invoices.books import WINDOW, Billing, refused
from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Line

NEXT = (FEBRUARY, MARCH)


@pytest.fixture
def line(books: Billing) -> Line:
    """Return a line with January and February in the ledger."""
    line = books.priced()
    for window in (WINDOW, NEXT):
        books.period(line, *window)
    return line


def numbered(books: Billing, line: Line, number: str = "INV-1") -> UUID:
    """Invoice January by a number."""
    invoice: UUID = books.generate(line.client, invoice_number=number)["o_invoice_id"]
    return invoice


def refusal(books: Billing, line: Line, number: str = "INV-1") -> psycopg.errors.Diagnostic:
    """Return how February is refused under a number."""
    days = {"window_start": FEBRUARY, "window_end": MARCH}
    return refused(books, "generate_invoice", client_id=line.client, **days, invoice_number=number)


def assert_used(books: Billing, found: psycopg.errors.Diagnostic, invoice: UUID) -> None:
    """Check that a refusal says who has the number."""
    assert found.sqlstate == "DC107"
    assert found.message_primary == "an invoice number is used once a tenant"
    assert found.message_detail == f"number 'INV-1': invoice {invoice}"
    assert found.message_hint == (
        "Name another number, or none: one is made then. SELECT * FROM"
        f" billing.invoiced_history(p_tenant => '{books.tenant}') WHERE invoice_number = 'INV-1'"
        " shows the invoice that has it."
    )


def test_a_number_that_stands(books: Billing, line: Line) -> None:
    invoice = numbered(books, line)
    assert_used(books, refusal(books, line), invoice)
    assert books.generate(line.client, NEXT, invoice_number="INV-2")["o_status"] == "generated"


def test_of_another_client_too_but_not_of_another_tenant(books: Billing, line: Line) -> None:
    other = books.priced()
    books.period(other, *NEXT)
    invoice = numbered(books, line)
    assert_used(books, refusal(books, other), invoice)
    elsewhere = Billing(books.database)
    its = elsewhere.priced()
    elsewhere.period(its, *WINDOW)
    assert numbered(elsewhere, its)


def test_an_imported_one(books: Billing, line: Line) -> None:
    invoice = books.invoice(line)["invoice_id"]
    books.database.execute(
        "UPDATE billing.invoices SET invoice_number = 'INV-1', status = 'cancelled'"
        " WHERE tenant = %s AND invoice_id = %s",
        (books.tenant, invoice),
    )
    assert_used(books, refusal(books, line), invoice)


def test_the_same_call_twice(books: Billing, line: Line) -> None:
    """What is there already comes before the look at the number."""
    invoice = numbered(books, line)
    again = books.generate(line.client, invoice_number="INV-1")
    assert (again["o_status"], again["o_invoice_id"]) == ("already_invoiced", invoice)


def test_a_reversed_one_keeps_its_number(books: Billing, line: Line) -> None:
    invoice = numbered(books, line)
    books.perform("reverse_invoice", invoice_id=invoice, reason="test")
    assert_used(books, refusal(books, line), invoice)


@pytest.mark.parametrize("status", ["draft", "Draft", "sent", "paid", "cancelled"])
def test_of_deleted_ones_a_drafts_number_is_free(books: Billing, line: Line, status: str) -> None:
    invoice = numbered(books, line)
    books.database.execute(
        "UPDATE billing.invoices SET status = %s WHERE tenant = %s AND invoice_id = %s",
        (status, books.tenant, invoice),
    )
    books.perform("delete_invoice", invoice_id=invoice, reason="test")
    if status.lower() == "draft":
        again = books.generate(line.client, NEXT, invoice_number="INV-1")
        assert again["o_status"] == "generated"
    else:
        assert_used(books, refusal(books, line), invoice)


@pytest.mark.parametrize(
    ("level", "end", "sqlstate"),
    [
        ("READ COMMITTED", "COMMIT", "DC107"),
        ("READ COMMITTED", "ROLLBACK", "00000"),
        ("REPEATABLE READ", "COMMIT", "40001"),
        ("SERIALIZABLE", "COMMIT", "40001"),
    ],
)
def test_two_sessions_at_once(
    books: Billing, line: Line, shared_dsn: str, level: str, end: str, sqlstate: str
) -> None:
    def call_of(start: object, end: object) -> str:
        return (
            f"CALL billing.generate_invoice('{books.tenant}', '{line.client}', '{start}', '{end}',"
            " p_invoice_number => 'INV-1')"
        )

    with sessions(shared_dsn) as (first, second):
        first.begin(level)
        second.begin(level)
        first.execute(call_of(JANUARY, FEBRUARY))
        running = second.start(call_of(FEBRUARY, MARCH))
        second.wait_until_blocked_by(first, books.database)
        first.execute(end)
        assert outcome(running) == sqlstate
        second.execute("COMMIT")
    assert books.invoices() == 1
