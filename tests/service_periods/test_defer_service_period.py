"""A deferral: another invoice window, the same service period."""

from datetime import date

import pytest

from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Books
from tests.service_periods.edits import (
    INVALID,
    assert_refused,
    assert_revised,
    events,
    months,
    refusal,
    state,
)


@pytest.mark.parametrize("lifecycle_state", ["generated", "edited", "skipped"])
def test_the_new_revision_has_the_window(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    result = books.perform(
        "defer_service_period",
        record_id=given.february,
        invoice_window_start=MARCH,
        invoice_window_end=APRIL,
        reason="later",
    )
    changed = {
        "lifecycle_state": "edited",
        "reason_code": "defer",
        "source_run_key": "edit:deferred",
        "invoice_window_start": MARCH,
        "invoice_window_end": APRIL,
    }
    assert_revised(given, result["o_record_id"], changed)
    (event,) = events(books)
    assert (event["event_kind"], event["reason"]) == ("deferred", "later")
    assert event["row_before"]["invoice_window_start"] == "2025-02-01"
    assert event["row_after"]["invoice_window_start"] == "2025-03-01"


@pytest.mark.parametrize(
    ("start", "end", "code"),
    [
        (None, None, "missing"),
        (MARCH, None, "missing"),
        (None, MARCH, "missing"),
        (APRIL, MARCH, "invalid"),
        (MARCH, MARCH, "invalid"),
        (FEBRUARY, MARCH, "unchanged"),
    ],
)
def test_a_window_that_is_none(
    books: Books, start: date | None, end: date | None, code: str
) -> None:
    given = months(books)
    diagnosis = refusal(
        books,
        "defer_service_period",
        record_id=given.february,
        invoice_window_start=start,
        invoice_window_end=end,
        reason="r",
    )
    detail = (
        f"{code}_deferred_invoice_window (deferred_invoice_window): row {given.february}"
        f" with service period {FEBRUARY} to {MARCH},"
        f" invoice window {start or 'null'} to {end or 'null'}, activity window null to null"
    )
    hint = (
        "Give dates that change something, each start before its end, the activity window inside"
        " the service period."
    )
    assert_refused(diagnosis, "DC102", INVALID, detail, hint)


def test_a_gap_beside_it_does_not_matter(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    march = books.period(line, MARCH, APRIL, lifecycle_state="edited")
    books.perform(
        "defer_service_period",
        record_id=march,
        invoice_window_start=APRIL,
        invoice_window_end=date(2025, 5, 1),
        reason="r",
    )
    assert len(books.live(line)) == 2


@pytest.mark.parametrize("lifecycle_state", ["locked", "billed", "superseded", "archived"])
def test_a_state_that_cannot_be_deferred(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    diagnosis = refusal(books, "defer_service_period", record_id=given.february, reason="r")
    assert diagnosis.sqlstate == "DC101"
    assert diagnosis.message_detail == (
        f"immutable_record (operation): defer of row {given.february}, which is {lifecycle_state}"
    )


def test_the_planner_reports_it_and_keeps_it(books: Books) -> None:
    line = books.line()
    books.call()
    february = books.ledger(line)[1]["record_id"]
    books.perform(
        "defer_service_period",
        record_id=february,
        invoice_window_start=MARCH,
        invoice_window_end=APRIL,
        reason="r",
    )
    before = books.ledger(line)
    assert books.call()["o_status"] == "escalated"
    assert books.summary()["escalations"] == {"override_conflict": 1}
    books.call(accept_escalations=books.summary()["plan_hash"])
    assert books.call()["o_status"] == "nothing_to_do"
    assert books.ledger(line) == before
