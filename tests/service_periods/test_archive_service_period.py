"""Archiving: a row leaves the live ledger in place; its period may come again."""

import pytest

from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Books
from tests.service_periods.edits import (
    ARCHIVED_HINTS,
    LOCKED_HINTS,
    NOT_PERMITTED,
    assert_refused,
    events,
    refusal,
    state,
)


@pytest.mark.parametrize("lifecycle_state", ["generated", "edited", "skipped", "locked", "billed"])
def test_the_row_is_archived_in_place(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    before = given.row(given.february)
    books.perform("archive_service_period", record_id=given.february, reason="wrong")
    after = given.row(given.february)
    changed = {"lifecycle_state": "archived", "updated_at": after["updated_at"]}
    assert after == before | changed
    assert after["updated_at"] > before["updated_at"]
    assert len(books.ledger(given.line)) == 3
    (event,) = events(books)
    assert (event["event_kind"], event["reason"]) == ("archived", "wrong")
    assert event["row_before"]["lifecycle_state"] == lifecycle_state
    assert event["row_after"]["lifecycle_state"] == "archived"
    assert event["row_after"]["invoice_id"] == event["row_before"]["invoice_id"]


@pytest.mark.parametrize("lifecycle_state", ["superseded", "archived"])
def test_a_dead_row_stays(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    diagnosis = refusal(books, "archive_service_period", record_id=given.february, reason="r")
    hint = {
        "superseded": "Name the live row of its period; billing.plan_service_periods shows it.",
        "archived": ARCHIVED_HINTS[0],
    }[lifecycle_state]
    detail = (
        f"immutable_record (operation): archive of row {given.february}, which is {lifecycle_state}"
    )
    assert_refused(diagnosis, "DC101", NOT_PERMITTED, detail, hint)


@pytest.mark.parametrize("quarantine_reason", ["overlap", "missing_linkage", "unknown_obligation"])
def test_a_row_in_quarantine_may_be_archived(books: Books, quarantine_reason: str) -> None:
    line = books.line()
    row = books.period(line, FEBRUARY, MARCH, quarantine_reason=quarantine_reason)
    books.perform("archive_service_period", record_id=row, reason="r")
    ((state, reason),) = (
        (row["lifecycle_state"], row["quarantine_reason"]) for row in books.ledger(line)
    )
    assert (state, reason) == ("archived", None)


def test_a_row_that_waited_for_it_is_released(books: Books) -> None:
    line = books.line()
    live = books.period(line, FEBRUARY, APRIL)
    waiting = books.period(line, MARCH, APRIL, quarantine_reason="overlap")
    books.perform("archive_service_period", record_id=live, reason="r")
    reasons = {row["record_id"]: row["quarantine_reason"] for row in books.ledger(line)}
    assert reasons[waiting] is None


def test_a_backfill_makes_the_period_again_as_the_next_revision(books: Books) -> None:
    line = books.line()
    books.call()
    february = books.ledger(line)[1]
    books.perform("archive_service_period", record_id=february["record_id"], reason="r")
    books.call(accept_escalations=books.summary()["plan_hash"])
    (again,) = (
        row for row in books.ledger(line)
        if row["period_key"] == february["period_key"] and row["lifecycle_state"] == "generated"
    )  # fmt: skip
    assert again["revision"] == february["revision"] + 1
    assert books.call()["o_status"] == "nothing_to_do"


@pytest.mark.parametrize("later", ["row", "detail", "its own detail"])
def test_behind_the_billed_boundary_the_days_are_never_made_again(books: Books, later: str) -> None:
    """The hints say so before and after, and it is so."""
    line = books.line()
    row = books.period(line, JANUARY, FEBRUARY, lifecycle_state="locked")
    if later == "row":
        books.billed(line, FEBRUARY, MARCH)
    else:
        books.invoice(line, *((JANUARY, FEBRUARY) if later != "detail" else (FEBRUARY, MARCH)))
    before = refusal(books, "skip_service_period", record_id=row, reason="r")
    assert before.message_hint == LOCKED_HINTS[1]
    books.perform("archive_service_period", record_id=row, reason="r")
    after = refusal(books, "archive_service_period", record_id=row, reason="r")
    assert after.message_hint == ARCHIVED_HINTS[1]
    books.call(accept_escalations=books.summary()["plan_hash"])
    assert JANUARY not in [start for start, _, _ in books.live(line)]


def test_a_clipped_row_moves_the_boundary_by_its_days(books: Books) -> None:
    line = books.line()
    tenth = FEBRUARY.replace(day=10)
    clipped = {"activity_window_start": FEBRUARY, "activity_window_end": tenth}
    linkage = books.invoice(line, FEBRUARY, tenth)
    books.period(line, FEBRUARY, MARCH, lifecycle_state="billed", **clipped, **linkage)
    row = books.period(line, tenth, MARCH, lifecycle_state="locked")
    diagnosis = refusal(books, "skip_service_period", record_id=row, reason="r")
    assert diagnosis.message_hint == LOCKED_HINTS[0]


def test_a_detail_that_another_row_accounts_for_is_no_boundary(books: Books) -> None:
    line = books.line()
    row = books.period(line, FEBRUARY, MARCH, lifecycle_state="locked")
    linkage = books.invoice(line, JANUARY, FEBRUARY.replace(day=5))
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="billed", **linkage)
    diagnosis = refusal(books, "skip_service_period", record_id=row, reason="r")
    assert diagnosis.message_hint == LOCKED_HINTS[0]
