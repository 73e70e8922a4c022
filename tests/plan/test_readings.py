"""Readings read: each works in a READ ONLY transaction, at every level, and changes nothing."""

from datetime import date

import pytest
from psycopg import IsolationLevel

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books, fill, fingerprint
from tests.service_periods.test_bad_input import READINGS
from tests.service_periods.test_reviewed_plans import conflicting


@pytest.mark.parametrize("function", READINGS)
@pytest.mark.parametrize("level", [None, IsolationLevel.SERIALIZABLE])
def test_a_reading_works_read_only(
    books: Books, function: str, level: IsolationLevel | None
) -> None:
    fill(books, 5)
    conflicting(books)
    before = fingerprint(books.database)
    books.database.isolation_level = level
    books.database.read_only = True
    try:
        with books.database.transaction():
            assert books.select(function, **READINGS[function])
    finally:
        books.database.read_only = books.database.isolation_level = None
    assert fingerprint(books.database) == before


def test_coverage_of_schedules_with_and_without_rows(books: Books) -> None:
    covered, empty, short = books.line(), books.line(), books.line(end=MARCH)
    books.call(schedule_key=covered.schedule_key)
    books.call(schedule_key=short.schedule_key)
    rows = {row["obligation_id"]: row for row in books.select("assess_coverage")}
    names = ("furthest_generated_end", "meets_target_horizon", "needs_replenishment")
    assert [rows[covered.obligation][name] for name in names] == [date(2025, 8, 1), True, False]
    assert [rows[empty.obligation][name] for name in names] == [None, False, True]
    assert [rows[short.obligation][name] for name in names] == [MARCH, True, False]
    assert rows[empty.obligation]["target_horizon_end"] == date(2025, 7, 9)
    assert rows[empty.obligation]["replenishment_threshold_end"] == date(2025, 2, 24)


def test_coverage_shows_gaps_and_overlaps(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    books.period(line, MARCH, date(2025, 4, 1))
    books.period(line, date(2025, 3, 20), date(2025, 5, 1), quarantine_reason="overlap")
    (row,) = books.select("assess_coverage")
    assert row["continuity_issues"] == [
        {"kind": "gap", "previous_end": "2025-02-01", "next_start": "2025-03-01"},
        {"kind": "overlap", "previous_end": "2025-04-01", "next_start": "2025-03-20"},
    ]


def test_candidates_are_what_a_backfill_of_nothing_makes(books: Books) -> None:
    fill(books, 4)
    candidates = books.select("candidate_service_periods")
    books.call()
    made = {row["record_id"]: row for row in books.ledger()}
    assert len(candidates) == len(made) == 28
    for candidate in candidates:
        assert candidate.items() <= made[candidate["record_id"]].items()


def test_an_escalation_says_why_what_and_what_to_do(books: Books) -> None:
    line = conflicting(books)
    books.line(owner="contract", frequency="daily")
    books.line(books.client(day_of_month=31))
    rows = books.select("escalations")
    assert {row["reason"]: row["acceptable"] for row in rows} == {
        "override_conflict": True,
        "unsupported_frequency": False,
        "invalid_anchor": False,
    }
    assert all(row["detail"] and row["hint"] for row in rows)
    (conflict,) = (row for row in rows if row["acceptable"])
    (kept,) = books.ledger(line)
    assert [row["record_id"] for row in conflict["captured_rows"]] == [str(kept["record_id"])]
    assert conflict["schedule_key"] == line.schedule_key


def test_a_plan_shows_before_and_after(books: Books) -> None:
    line = conflicting(books)
    rows = books.select("plan_service_periods", mode="backfill")
    assert [row["action"] for row in rows] == ["escalate", "conflict"]
    assert rows[0]["proposed_action"] == "preserve"
    assert rows[1]["conflict_kind"] == "service_period_mismatch"
    (candidate, *_) = books.select("candidate_service_periods")
    assert rows[1]["candidate_record_id"] == candidate["record_id"]
    accepted = books.select("plan_service_periods", mode="backfill", assume_accepted=True)
    assert [row["action"] for row in accepted] == ["preserve", "conflict", *["backfill"] * 6]
    assert accepted[2]["row_before"] is None
    assert {row["obligation_id"] for row in accepted} == {line.obligation}


def test_a_horizon_names_how_far(books: Books) -> None:
    books.line(books.client("weekly"))
    counts = [books.summary(target_horizon_days=days)["backfilled"] for days in (46, 100, 6000)]
    assert counts == [8, 16, 859]
    limited = books.summary(target_horizon_days=6000, max_periods_per_schedule=858)
    assert limited["escalations"] == {"too_many_periods": 1}
