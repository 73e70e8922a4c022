"""generate_invoice while another session works on the same rows."""

from uuid import UUID

import pytest

from tests.concurrency.sessions import outcome, sessions
from tests.invoices.books import WINDOW, Billing
from tests.service_periods.books import FEBRUARY, JANUARY, LEDGER, Line


@pytest.fixture
def line(books: Billing) -> Line:
    """Return a line with January in the ledger."""
    line = books.priced()
    books.period(line, *WINDOW)
    return line


def call_of(books: Billing, client: UUID) -> str:
    """Return the CALL that invoices January."""
    return f"CALL billing.generate_invoice('{books.tenant}', '{client}', '{JANUARY}', '{FEBRUARY}')"


@pytest.mark.parametrize(("end", "sqlstate"), [("COMMIT", "40001"), ("ROLLBACK", "00000")])
def test_a_plain_update_of_a_row_meanwhile(
    books: Billing, line: Line, shared_dsn: str, end: str, sqlstate: str
) -> None:
    other = books.priced(line.client)
    record = books.period(other, *WINDOW)
    with sessions(shared_dsn) as (first, second):
        first.execute("BEGIN")
        first.execute(
            f"UPDATE {LEDGER} SET lifecycle_state = 'skipped' WHERE record_id = %s", (record,)
        )
        running = second.start(call_of(books, line.client))
        second.wait_until_blocked_by(first, books.database)
        first.execute(end)
        assert outcome(running) == sqlstate
    if end == "COMMIT":
        assert books.invoices() == 0
        assert {row["lifecycle_state"] for row in books.ledger()} == {"generated", "skipped"}
        result = books.generate(line.client)
        assert (result["o_status"], result["o_reason"]) == ("generated", None)
    assert {state for *_, state in books.live(line)} == {"billed"}


@pytest.mark.parametrize(
    ("level", "sqlstate"), [("READ COMMITTED", "00000"), ("REPEATABLE READ", "40001")]
)
def test_the_second_of_two_callers_finds_the_first_ones_invoice(
    books: Billing, line: Line, shared_dsn: str, level: str, sqlstate: str
) -> None:
    with sessions(shared_dsn) as (first, second):
        first.begin(level)
        second.begin(level)
        ((invoice, *_),) = first.execute(call_of(books, line.client))
        running = second.start(call_of(books, line.client))
        second.wait_until_blocked_by(first, books.database)
        first.execute("COMMIT")
        assert outcome(running) == sqlstate
        if sqlstate == "00000":
            assert running.result() == [(invoice, "already_invoiced", None)]
    assert books.invoices() == 1
