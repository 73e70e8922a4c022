"""Coverage: how far the rows of each schedule reach, and where they do not meet."""

from datetime import date

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books


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
