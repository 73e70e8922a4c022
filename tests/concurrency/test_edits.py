"""Two operators on one row: the second waits, and then is told that the row is another by now."""

import pytest

from tests.concurrency.sessions import Session, outcome
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, LEDGER, MARCH, Books

CALLS = {
    "edit": "edit_service_period({}, p_invoice_window_end => '2025-04-01')",
    "skip": "skip_service_period({})",
    "defer": "defer_service_period({}, p_invoice_window_start => '2025-03-01',"
    " p_invoice_window_end => '2025-04-01')",
    "archive": "archive_service_period({})",
}


def calling(books: Books, operation: str, record: object) -> str:
    """Return the CALL of an operation on a row."""
    arguments = f"p_tenant => '{books.tenant}', p_record_id => '{record}', p_reason => 'r'"
    return f"CALL billing.{CALLS[operation].format(arguments)}"


def retiring(books: Books, schedule_key: str) -> str:
    """Return the CALL that retires a schedule."""
    return (
        f"CALL billing.retire_schedule(p_tenant => '{books.tenant}', p_reason => 'r',"
        f" p_schedule_key => '{schedule_key}', p_as_of => '2025-01-10')"
    )


@pytest.mark.parametrize("first_call", CALLS)
@pytest.mark.parametrize("second_call", CALLS)
def test_the_second_waits_and_is_refused(
    books: Books, pair: list[Session], first_call: str, second_call: str
) -> None:
    first, second = pair
    line = books.line()
    row = books.period(line, FEBRUARY, MARCH)
    first.execute("BEGIN")
    first.execute(calling(books, first_call, row))
    running = second.start(calling(books, second_call, row))
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(running) == "DC101"
    assert len(books.live(line)) == (first_call != "archive")


@pytest.mark.parametrize("call", CALLS)
def test_the_second_goes_on_when_the_first_rolls_back(
    books: Books, pair: list[Session], call: str
) -> None:
    first, second = pair
    row = books.period(books.line(), FEBRUARY, MARCH)
    first.execute("BEGIN")
    first.execute(calling(books, "skip", row))
    running = second.start(calling(books, call, row))
    second.wait_until_blocked_by(first, books.database)
    first.execute("ROLLBACK")
    assert outcome(running) == "00000"


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_an_older_snapshot_fails(books: Books, pair: list[Session], level: str) -> None:
    first, second = pair
    row = books.period(books.line(), FEBRUARY, MARCH)
    second.begin(level)
    first.execute(calling(books, "skip", row))
    assert outcome(second.start(calling(books, "skip", row))) == "40001"
    second.execute("ROLLBACK")


def test_neighbours_that_move_towards_each_other(books: Books, pair: list[Session]) -> None:
    first, second = pair
    line = books.line()
    january = books.period(line, JANUARY, FEBRUARY)
    march = books.period(line, MARCH, APRIL)
    move = (
        f"CALL billing.edit_service_period(p_tenant => '{books.tenant}', p_reason => 'r',"
        " p_record_id => '{}', {} => '{}')"
    )
    first.execute("BEGIN")
    first.execute(move.format(january, "p_service_period_end", MARCH))
    running = second.start(move.format(march, "p_service_period_start", FEBRUARY))
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(running) == "DC103"
    assert books.live(line) == [(JANUARY, MARCH, "edited"), (MARCH, APRIL, "generated")]


def test_a_schedule_is_retired_under_an_edit(books: Books, pair: list[Session]) -> None:
    first, second = pair
    line = books.line()
    row = books.period(line, FEBRUARY, MARCH)
    first.execute("BEGIN")
    first.execute(retiring(books, line.schedule_key))
    running = second.start(calling(books, "edit", row))
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(running) == "DC101"


def test_an_edit_under_a_retirement_is_kept(books: Books, pair: list[Session]) -> None:
    first, second = pair
    line = books.line()
    row = books.period(line, FEBRUARY, MARCH)
    first.execute("BEGIN")
    first.execute(calling(books, "edit", row))
    running = second.start(retiring(books, line.schedule_key))
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert running.result(30) == [(0, 1)]
    assert books.live(line) == [(FEBRUARY, MARCH, "edited")]


def test_a_plain_update_is_waited_for(books: Books, pair: list[Session]) -> None:
    first, second = pair
    row = books.period(books.line(), FEBRUARY, MARCH)
    first.execute("BEGIN")
    first.execute(f"UPDATE {LEDGER} SET lifecycle_state = 'archived' WHERE record_id = '{row}'")
    running = second.start(calling(books, "skip", row))
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(running) == "DC101"
