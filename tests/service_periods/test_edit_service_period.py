"""A boundary adjustment: a superseding revision, or a refusal that says why."""

from datetime import date
from uuid import UUID

import psycopg
import pytest

from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Books
from tests.service_periods.edits import (
    ARCHIVED_HINTS,
    INVALID,
    LOCKED_HINTS,
    NOT_PERMITTED,
    Months,
    assert_refused,
    assert_revised,
    events,
    months,
    refusal,
    state,
)

MAY = date(2025, 5, 1)
INVALID_HINT = (
    "Give dates that change something, each start before its end, the activity window inside the"
    " service period."
)


def edit(given: Months, record: UUID | None = None, /, **arguments: object) -> UUID:
    """Edit February, or another row; return the new revision."""
    result = given.books.perform(
        "edit_service_period", record_id=record or given.february, reason="because", **arguments
    )
    new: UUID = result["o_record_id"]
    return new


def test_a_moved_invoice_window(books: Books) -> None:
    given = months(books)
    new = edit(given, invoice_window_start=MARCH, invoice_window_end=APRIL)
    row = assert_revised(
        given,
        new,
        {
            "lifecycle_state": "edited",
            "reason_code": "invoice_window_adjustment",
            "source_run_key": "edit:boundary_adjusted",
            "invoice_window_start": MARCH,
            "invoice_window_end": APRIL,
        },
    )
    (event,) = events(books)
    ((me,),) = books.database.execute("SELECT session_user")
    assert event["record_id"] == given.february
    assert (event["event_kind"], event["acted_by"]) == ("boundary_adjusted", me)
    assert (event["reason"], event["acted_at"]) == ("because", row["created_at"])
    assert event["row_before"]["lifecycle_state"] == "generated"
    assert event["row_after"]["record_id"] == str(new)
    assert event["row_before"].keys() == row.keys() == event["row_after"].keys()


def test_a_moved_service_period_at_the_end(books: Books) -> None:
    given = months(books)
    new = edit(given, given.march, service_period_end=MAY)
    row = given.row(new)
    assert row["reason_code"] == "boundary_adjustment"
    assert (row["service_period_start"], row["service_period_end"]) == (MARCH, MAY)
    assert row["period_key"] == given.row(given.march)["period_key"]
    assert (row["invoice_window_start"], row["invoice_window_end"]) == (MARCH, APRIL)


@pytest.mark.parametrize(
    ("dates", "is_part"),
    [
        ({"activity_window_start": date(2025, 3, 5), "activity_window_end": APRIL}, True),
        ({"service_period_start": date(2025, 3, 3)}, True),
        ({"service_period_start": date(2025, 3, 2), "service_period_end": MAY}, True),
        ({"service_period_start": MARCH, "service_period_end": date(2025, 4, 30)}, True),
        ({"service_period_start": MARCH, "service_period_end": MAY}, False),
        ({"service_period_start": date(2025, 2, 28)}, False),
        ({"service_period_end": date(2025, 5, 2)}, False),
        ({"service_period_start": FEBRUARY, "service_period_end": MARCH}, False),
    ],
)
def test_a_part_stays_one_within_its_whole_period(
    books: Books, dates: dict[str, date], is_part: bool
) -> None:
    line = books.line()
    whole = {"whole_period_start": MARCH, "whole_period_end": MAY}
    record = books.period(line, date(2025, 3, 5), APRIL, **whole)
    changes = {"record_id": record, "reason": "because", **dates}
    new = books.perform("edit_service_period", **changes)["o_record_id"]
    [row] = [row for row in books.ledger(line) if row["record_id"] == new]
    assert {name: row[name] for name in whole} == (whole if is_part else dict.fromkeys(whole))


def test_an_activity_window_comes_and_goes(books: Books) -> None:
    given = months(books)
    tenth = date(2025, 2, 10)
    clipped = edit(given, activity_window_start=tenth, activity_window_end=MARCH)
    changes = {
        "lifecycle_state": "edited",
        "reason_code": "activity_window_adjustment",
        "source_run_key": "edit:boundary_adjusted",
        "activity_window_start": tenth,
        "activity_window_end": MARCH,
    }
    assert_revised(given, clipped, changes)
    kept = edit(given, clipped, activity_window_end=date(2025, 2, 20))
    assert given.row(kept)["activity_window_start"] == tenth
    whole = edit(given, kept, clear_activity_window=True)
    assert given.row(whole)["activity_window_start"] is None
    assert given.row(whole)["revision"] == 4
    assert [event["event_kind"] for event in events(books)] == ["boundary_adjusted"] * 3
    assert books.live(given.line)[1] == (FEBRUARY, MARCH, "edited")


def test_a_revision_goes_above_all_that_the_slot_has_had(books: Books) -> None:
    line = books.line()
    books.period(line, FEBRUARY, MARCH, lifecycle_state="superseded", revision=7)
    live = books.period(line, FEBRUARY, MARCH, revision=3)
    new = books.perform(
        "edit_service_period", record_id=live, service_period_end=APRIL, reason="r"
    )["o_record_id"]
    (row,) = (row for row in books.ledger(line) if row["record_id"] == new)
    assert (row["revision"], row["supersedes_record_id"]) == (8, live)


def test_a_skipped_row_comes_back(books: Books) -> None:
    given = state(books, "skipped")
    new = edit(given, activity_window_start=FEBRUARY, activity_window_end=MARCH)
    assert given.row(new)["lifecycle_state"] == "edited"


@pytest.mark.parametrize(
    ("dates", "issue"),
    [
        ({}, "no_changes (operation)"),
        ({"service_period_start": FEBRUARY}, "no_changes (operation)"),
        ({"clear_activity_window": True}, "no_changes (operation)"),
        ({"service_period_end": FEBRUARY}, "invalid_service_period_range (service_period)"),
        ({"invoice_window_end": JANUARY}, "invalid_invoice_window_range (invoice_window)"),
        ({"activity_window_start": FEBRUARY}, "invalid_activity_window_range (activity_window)"),
        ({"activity_window_end": MARCH}, "invalid_activity_window_range (activity_window)"),
        (
            {"activity_window_start": MARCH, "activity_window_end": FEBRUARY},
            "invalid_activity_window_range (activity_window)",
        ),
        (
            {"activity_window_start": JANUARY, "activity_window_end": MARCH},
            "invalid_activity_window_range (activity_window)",
        ),
        (
            {"activity_window_start": FEBRUARY, "activity_window_end": APRIL},
            "invalid_activity_window_range (activity_window)",
        ),
    ],
)
def test_invalid_dates(books: Books, dates: dict[str, date], issue: str) -> None:
    given = months(books)
    diagnosis = refusal(books, "edit_service_period", record_id=given.february, reason="r", **dates)
    after = {
        "service_period_start": FEBRUARY,
        "service_period_end": MARCH,
        "invoice_window_start": FEBRUARY,
        "invoice_window_end": MARCH,
        "activity_window_start": "null",
        "activity_window_end": "null",
    } | dates
    detail = (
        "{issue}: row {row} with service period {service_period_start} to {service_period_end},"
        " invoice window {invoice_window_start} to {invoice_window_end},"
        " activity window {activity_window_start} to {activity_window_end}"
    ).format(issue=issue, row=given.february, **after)
    assert_refused(diagnosis, "DC102", INVALID, detail, INVALID_HINT)


def test_a_kept_activity_window_is_looked_at_too(books: Books) -> None:
    given = months(books, activity_window_start=FEBRUARY, activity_window_end=date(2025, 2, 20))
    diagnosis = refusal(
        books,
        "edit_service_period",
        record_id=given.february,
        service_period_end=date(2025, 2, 15),
        reason="r",
    )
    assert diagnosis.sqlstate == "DC102"
    assert (diagnosis.message_detail or "").startswith("invalid_activity_window_range ")


@pytest.mark.parametrize(
    ("start", "end", "issues"),
    [
        (date(2025, 2, 2), MARCH, "continuity_gap_before (service_period)"),
        (date(2025, 1, 31), MARCH, "continuity_overlap_before (service_period)"),
        (FEBRUARY, date(2025, 2, 28), "continuity_gap_after (service_period)"),
        (FEBRUARY, date(2025, 3, 2), "continuity_overlap_after (service_period)"),
        (
            date(2025, 1, 31),
            date(2025, 2, 28),
            "continuity_overlap_before (service_period), continuity_gap_after (service_period)",
        ),
    ],
)
def test_a_period_must_meet_its_neighbours(
    books: Books, start: date, end: date, issues: str
) -> None:
    given = months(books)
    diagnosis = refusal(
        books,
        "edit_service_period",
        record_id=given.february,
        service_period_start=start,
        service_period_end=end,
        reason="r",
    )
    assert_refused(
        diagnosis,
        "DC103",
        "the edit would leave a gap or an overlap in its schedule",
        f"{issues}: row {given.february} with service period {start} to {end},"
        f" invoice window {FEBRUARY} to {MARCH}, activity window null to null",
        "Begin where the period before ends and end where the next one begins.",
    )


def test_dead_and_quarantined_neighbours_do_not_count(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY, quarantine_reason="overlap")
    books.period(line, MARCH, APRIL, lifecycle_state="superseded")
    february = books.period(line, FEBRUARY, MARCH)
    books.perform(
        "edit_service_period",
        record_id=february,
        service_period_start=date(2025, 2, 3),
        service_period_end=MAY,
        reason="r",
    )
    assert (date(2025, 2, 3), MAY, "edited") in books.live(line)


def test_an_equal_start_is_the_guards_to_refuse(books: Books) -> None:
    given = months(books)
    diagnosis = refusal(
        books,
        "edit_service_period",
        record_id=given.february,
        service_period_start=JANUARY,
        reason="r",
    )
    assert diagnosis.sqlstate == "23P01"
    assert diagnosis.message_primary == (
        "two live service periods of one schedule share a day or a slot"
    )
    assert diagnosis.message_hint == "Supersede or archive one of the two first."


@pytest.mark.parametrize("lifecycle_state", ["locked", "billed", "superseded", "archived"])
def test_a_state_that_no_edit_may_change(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    diagnosis = refusal(
        books,
        "edit_service_period",
        record_id=given.february,
        invoice_window_end=APRIL,
        reason="r",
    )
    hint = {
        "locked": LOCKED_HINTS[0],
        "billed": "Delete or reverse its invoice first; the row is locked then.",
        "superseded": "Name the live row of its period; billing.plan_service_periods shows it.",
        "archived": ARCHIVED_HINTS[0],
    }[lifecycle_state]
    detail = (
        f"immutable_record (operation): edit_boundaries of row {given.february},"
        f" which is {lifecycle_state}"
    )
    assert_refused(diagnosis, "DC101", NOT_PERMITTED, detail, hint)


def test_a_window_that_is_both_given_and_cleared(books: Books) -> None:
    given = months(books)
    diagnosis = refusal(
        books,
        "edit_service_period",
        record_id=given.february,
        activity_window_start=FEBRUARY,
        clear_activity_window=True,
        reason="r",
    )
    assert diagnosis.sqlstate == "DC001"
    detail = "p_clear_activity_window is true, but an activity window is given"
    assert diagnosis.message_detail == detail


@pytest.mark.parametrize("day", ["infinity", "-infinity", "0001-12-31 BC", "10000-01-01"])
@pytest.mark.parametrize(
    "name",
    [
        f"{window}_{side}"
        for window in ("service_period", "invoice_window", "activity_window")
        for side in ("start", "end")
    ],
)
def test_a_day_that_is_none(books: Books, name: str, day: str) -> None:
    given = months(books)
    diagnosis = refusal(
        books, "edit_service_period", record_id=given.february, reason="r", **{name: day}
    )
    assert_refused(
        diagnosis,
        "DC001",
        "an argument is missing or outside its range",
        f"p_{name} is {day}, not a day of the years 1 to 9999",
        r"Call again with a value in range; \df+ shows every argument.",
    )


def test_what_is_no_date(books: Books) -> None:
    given = months(books)
    for day, sqlstate in (("2025-02-30", "22008"), ("soon", "22007")):
        diagnosis = refusal(
            books,
            "edit_service_period",
            record_id=given.february,
            service_period_end=day,
            reason="r",
        )
        assert diagnosis.sqlstate == sqlstate


def test_the_planner_keeps_what_an_operator_moved(books: Books) -> None:
    line = books.line()
    books.call()
    last = books.ledger(line)[-1]
    to = date(2025, 8, 15)
    new = books.perform(
        "edit_service_period", record_id=last["record_id"], service_period_end=to, reason="r"
    )["o_record_id"]
    (conflict,) = (
        row for row in books.select("plan_service_periods", mode="backfill")
        if row["action"] == "conflict"
    )  # fmt: skip
    assert conflict["conflict_kind"] == "service_period_mismatch"
    assert books.call()["o_status"] == "escalated"
    accepted = books.summary()["plan_hash"]
    books.call(accept_escalations=accepted)
    assert books.call()["o_status"] == "nothing_to_do"
    assert new in {row["record_id"] for row in books.ledger(line)}


def test_an_edit_makes_room_for_a_row_in_quarantine(books: Books) -> None:
    line = books.line()
    wide = books.period(line, FEBRUARY, APRIL)
    waiting = books.period(line, MARCH, APRIL, quarantine_reason="overlap")
    books.perform("edit_service_period", record_id=wide, service_period_end=MARCH, reason="r")
    reasons = {row["record_id"]: row["quarantine_reason"] for row in books.ledger(line)}
    assert reasons[waiting] is None


def test_from_plpgsql(books: Books) -> None:
    given = months(books)
    books.database.execute(
        "DO $$ DECLARE v_new uuid; BEGIN CALL billing.edit_service_period("
        f"p_tenant => '{books.tenant}', p_record_id => '{given.february}',"
        " p_invoice_window_end => '2025-04-01', p_reason => 'r', o_record_id => v_new);"
        " ASSERT v_new IS NOT NULL; END $$"
    )
    assert len(events(books)) == 1


def test_the_second_call_is_refused(books: Books) -> None:
    given = months(books)
    edit(given, invoice_window_end=APRIL)
    with pytest.raises(psycopg.Error) as raised:
        edit(given, invoice_window_end=APRIL)
    assert raised.value.sqlstate == "DC101"
