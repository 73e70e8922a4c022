"""Retiring a schedule: its untouched future goes, whatever is preserved stays."""

from datetime import date
from typing import Any

import psycopg
import pytest

from tests.notices import Notices
from tests.service_periods.books import APRIL, AS_OF, FEBRUARY, JANUARY, MARCH, Books, Line, Row
from tests.service_periods.edits import assert_refused, events, refusal

MAY, JUNE, JULY = (date(2025, month, 1) for month in (5, 6, 7))
LIVE = "the schedule is that of a live obligation: a backfill makes its rows again"


def retire(books: Books, line: Line, /, **arguments: object) -> Row:
    given = {"schedule_key": line.schedule_key, "as_of": AS_OF, "reason": "gone", **arguments}
    return books.perform("retire_schedule", **given)


def test_untouched_rows_of_the_future_are_superseded(books: Books) -> None:
    line, other = books.line(), books.line()
    books.call()
    before = {row["record_id"]: row for row in books.ledger(line)}
    assert retire(books, line) == {"o_superseded": 6, "o_kept": 0}
    assert books.live(line) == [(JANUARY, FEBRUARY, "generated")]
    assert len(books.live(other)) == 7
    recorded = events(books)
    assert [event["event_kind"] for event in recorded] == ["retired"] * 6
    for event in recorded:
        row = before[event["record_id"]]
        assert event["reason"] == "gone"
        assert event["row_before"]["lifecycle_state"] == "generated"
        assert event["row_after"]["lifecycle_state"] == "superseded"
        assert event["row_before"]["service_period_start"] == str(row["service_period_start"])
        assert event["row_before"]["updated_at"] < event["row_after"]["updated_at"]


@pytest.mark.parametrize(("day", "superseded"), [(AS_OF.day, 0), (AS_OF.day + 1, 1)])
def test_a_row_starts_with_its_days(books: Books, day: int, superseded: int) -> None:
    line = books.line()
    late = {"activity_window_start": JANUARY.replace(day=day), "activity_window_end": FEBRUARY}
    books.period(line, JANUARY, FEBRUARY, **late)
    assert retire(books, line) == {"o_superseded": superseded, "o_kept": 0}


def test_a_second_call_writes_nothing(books: Books) -> None:
    line = books.line()
    books.call()
    retire(books, line)
    before = books.ledger(line)
    assert retire(books, line) == {"o_superseded": 0, "o_kept": 0}
    assert books.ledger(line) == before
    assert len(events(books)) == 6


def test_preserved_rows_stay_and_are_counted(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="locked")
    books.period(line, FEBRUARY, MARCH, lifecycle_state="edited")
    books.period(line, MARCH, APRIL, lifecycle_state="skipped")
    books.billed(line, APRIL, MAY)
    books.period(line, MAY, JUNE, provenance_kind="repair")
    books.period(line, JUNE, JULY)
    assert retire(books, line) == {"o_superseded": 1, "o_kept": 4}
    assert [state for _, _, state in books.live(line)] == [
        "locked", "edited", "skipped", "billed", "generated"
    ]  # fmt: skip


def test_the_day_itself_is_history(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    assert retire(books, line, as_of=JANUARY) == {"o_superseded": 0, "o_kept": 0}
    assert retire(books, line, as_of=date(2024, 12, 31)) == {"o_superseded": 1, "o_kept": 0}


def test_another_schedule_of_the_obligation_stays(books: Books) -> None:
    line = books.line()
    books.call()
    old = line.schedule_key.replace(":advance", ":arrears")
    books.period(line, FEBRUARY, MARCH, schedule_key=old, due_position="arrears")
    retire(books, line, schedule_key=old)
    assert len(books.live(line)) == 7
    assert [event["row_before"]["schedule_key"] for event in events(books)] == [old]


def test_a_row_in_quarantine_goes_and_one_that_waited_comes(books: Books) -> None:
    line = books.line()
    books.period(line, FEBRUARY, MARCH)
    edited = books.period(
        line, FEBRUARY, MARCH, lifecycle_state="edited", quarantine_reason="overlap", revision=2
    )
    books.period(line, APRIL, MAY, quarantine_reason="unknown_obligation")
    assert retire(books, line) == {"o_superseded": 2, "o_kept": 1}
    assert books.live(line) == [(FEBRUARY, MARCH, "edited")]
    assert {row["quarantine_reason"] for row in books.ledger(line)} == {None}
    assert edited in {row["record_id"] for row in books.ledger(line)}


@pytest.mark.parametrize("is_active", [True, False])
def test_a_notice_says_when_a_backfill_will_make_them_again(books: Books, is_active: bool) -> None:
    line = books.line()
    books.call()
    books.database.execute(
        "UPDATE billing.contract_lines SET is_active = %s WHERE tenant = %s",
        (is_active, books.tenant),
    )
    heard = Notices(books.database)
    retire(books, line)
    assert heard.messages == ([LIVE] if is_active else [])
    assert [detail["schedule_key"] for detail in heard.details] == [line.schedule_key] * is_active
    assert books.call()["o_rows"] == (6 if is_active else 0)


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"schedule_key": None}, "p_schedule_key is null"),
        ({"reason": None}, "p_reason is null or blank"),
        ({"reason": " "}, "p_reason is null or blank"),
        ({"tenant": None}, "p_tenant is null"),
        ({"as_of": None}, "p_as_of is null"),
        ({"as_of": "infinity"}, "p_as_of is infinity, not a day of the years 1 to 9999"),
    ],
)
def test_an_argument_that_is_missing(books: Books, arguments: dict[str, Any], detail: str) -> None:
    line = books.line()
    books.period(line, FEBRUARY, MARCH)
    given = {"schedule_key": line.schedule_key, "as_of": AS_OF, "reason": "r", **arguments}
    diagnosis = refusal(books, "retire_schedule", **given)
    assert (diagnosis.sqlstate, diagnosis.message_detail) == ("DC001", detail)
    assert diagnosis.message_hint


def test_every_argument_but_the_tenant_has_a_default(books: Books) -> None:
    assert refusal(books, "retire_schedule").message_detail == "p_schedule_key is null"


def test_an_unknown_schedule(books: Books) -> None:
    other = Books(books.database).line()
    for key in (other.schedule_key, "", "o'Brien 💸"):
        diagnosis = refusal(books, "retire_schedule", schedule_key=key, as_of=AS_OF, reason="r")
        assert_refused(
            diagnosis,
            "DC003",
            "what an argument names is unknown",
            f"schedule {key} of tenant {books.tenant}",
            f"SELECT * FROM billing.recurring_obligations WHERE tenant = '{books.tenant}'"
            " shows the schedules.",
        )


def test_inside_a_transaction_that_is_rolled_back(books: Books) -> None:
    line = books.line()
    books.call()
    with books.database.transaction(force_rollback=True):
        assert retire(books, line)["o_superseded"] == 6
    assert len(books.live(line)) == 7
    assert events(books) == []


def test_a_read_only_transaction(books: Books) -> None:
    line = books.line()
    with books.database.transaction(force_rollback=True):
        books.database.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            retire(books, line)
