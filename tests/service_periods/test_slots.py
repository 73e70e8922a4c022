"""A slot where a row of another obligation stands: it keeps its revision, others come above it."""

from datetime import date
from uuid import UUID

import pytest

from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Books, Line
from tests.service_periods.edits import months

#: Whose the other row is, and what it is: without a line, or dead.
OTHERS: dict[str, dict[str, object]] = {
    "nobody's": {"quarantine_reason": "unknown_obligation"},
    "superseded": {"lifecycle_state": "superseded"},
    "archived": {"lifecycle_state": "archived"},
}


def occupy(books: Books, line: Line, start: date, end: date, other: str, revision: int) -> UUID:
    """Put a row of another obligation under the schedule of a line."""
    return books.period(
        line, start, end, obligation_id=books.new_id(), revision=revision, **OTHERS[other]
    )


def realigned(books: Books) -> Line:
    """Return a line whose one row is superseded by what fits."""
    line = books.line()
    books.period(line, JANUARY, FEBRUARY, due_position="arrears")
    return line


def extended(books: Books) -> Line:
    """Return a line that has a row already."""
    line = books.line()
    books.period(line, FEBRUARY, MARCH)
    return line


def hollow(books: Books) -> Line:
    """Return a line that lacks January, behind what is billed; its gap is to be accepted."""
    december = date(2024, 12, 1)
    line = books.line(start=december)
    books.billed(line, december, JANUARY)
    books.billed(line, FEBRUARY, MARCH)
    return line


@pytest.mark.parametrize(
    ("mode", "other"),
    [("backfill", "nobody's"), ("regenerate", "superseded"), ("backfill", "archived")],
)
def test_a_period_is_made_above_it(books: Books, mode: str, other: str) -> None:
    """Whether a line has no row, one that stays, one that is replaced, or a gap."""
    lines = [books.line(), extended(books), realigned(books), hollow(books)]
    there = [occupy(books, line, JANUARY, FEBRUARY, other, 5) for line in lines]
    accepted = books.summary(mode)["plan_hash"]
    planned = books.select("plan_service_periods", mode=mode, assume_accepted=True)
    books.call(mode, accept_escalations=accepted)
    for line in lines:
        revisions = {
            row["service_period_start"]: row["revision"]
            for row in books.ledger(line)
            if row["lifecycle_state"] in ("generated", "billed")
        }
        assert revisions.pop(JANUARY) == 6
        assert set(revisions.values()) == {1}
    rows = {row["record_id"]: row["revision"] for row in books.ledger()}
    assert rows.items() >= {row["record_id"]: row["revision"] for row in planned}.items()
    assert [rows[row] for row in there] == [5, 5, 5, 5]
    assert books.call(mode)["o_rows"] == 0


def test_a_replenishment_goes_on_above_it(books: Books) -> None:
    line = extended(books)
    occupy(books, line, MARCH, APRIL, "nobody's", 2)
    books.call("replenish")
    revisions = [(row["service_period_start"], row["revision"]) for row in books.ledger(line)]
    assert revisions[:2] == [(FEBRUARY, 1), (MARCH, 3)]


@pytest.mark.parametrize(
    ("procedure", "arguments"),
    [
        ("edit_service_period", {"invoice_window_end": APRIL}),
        ("skip_service_period", {}),
        ("defer_service_period", {"invoice_window_start": MARCH, "invoice_window_end": APRIL}),
    ],
)
def test_a_change_is_made_above_it(
    books: Books, procedure: str, arguments: dict[str, object]
) -> None:
    given = months(books)
    occupy(books, given.line, FEBRUARY, MARCH, "nobody's", 2)
    books.perform(procedure, record_id=given.february, reason="r", **arguments)
    (heir,) = (
        row for row in books.ledger(given.line) if row["supersedes_record_id"] == given.february
    )
    assert heir["revision"] == 3
