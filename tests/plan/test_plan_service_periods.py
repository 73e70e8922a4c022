"""The plan, a row for each ledger row or candidate that it touches."""

from collections import Counter
from datetime import date

from tests.service_periods.books import FEBRUARY, JANUARY, Books, fill
from tests.service_periods.test_reviewed_plans import LATE_START, conflicting


def test_a_plan_shows_before_and_after(books: Books) -> None:
    line = conflicting(books)
    rows = books.select("plan_service_periods", mode="backfill")
    assert [row["action"] for row in rows] == ["escalate", "conflict"]
    assert rows[0]["proposed_action"] == "preserve"
    assert rows[1]["conflict_kind"] == "service_period_mismatch"
    (candidate, *_) = books.select("candidate_service_periods")
    assert rows[1]["candidate_record_id"] == candidate["record_id"]
    accepted = books.select("plan_service_periods", mode="backfill", assume_accepted=True)
    actions = [row["action"] for row in accepted]
    assert actions == ["backfill", "preserve", "conflict", *["backfill"] * 6]
    rest = accepted[0]
    assert rest["row_before"] is None
    assert (rest["service_period_start"], rest["service_period_end"]) == (JANUARY, LATE_START)
    assert {row["obligation_id"] for row in accepted} == {line.obligation}


def test_its_actions_are_counted_by_the_summary(books: Books) -> None:
    conflicting(books)
    books.period(books.line(), JANUARY, date(2025, 1, 20))
    fill(books, 2)
    for mode in ("backfill", "regenerate", "replenish"):
        actions = Counter(row["action"] for row in books.select("plan_service_periods", mode=mode))
        summary = books.summary(mode)
        counted = {
            "backfill": "backfilled",
            "regenerate": "regenerated",
            "supersede": "superseded",
            "preserve": "preserved",
            "unchanged": "unchanged",
            "escalate": "escalated_rows",
        }
        assert {name: actions[name] for name in counted} == {
            name: summary[column] for name, column in counted.items()
        }
        keys = {row["schedule_key"] for row in books.select("plan_service_periods", mode=mode)}
        assert len(keys) <= summary["schedules"]


def test_a_stale_row_gives_way_to_its_next_revision(books: Books) -> None:
    line = books.line(end=FEBRUARY)
    stale = books.period(line, JANUARY, date(2025, 1, 20))
    old, new = books.select("plan_service_periods", mode="backfill")
    assert (old["action"], old["record_id"]) == ("supersede", stale)
    assert "generated" in old["row_before"]
    assert "superseded" in old["row_after"]
    assert (new["action"], new["revision"], new["row_before"]) == ("regenerate", 2, None)
    assert new["supersedes_record_id"] == stale
    assert new["service_period_end"] == FEBRUARY
