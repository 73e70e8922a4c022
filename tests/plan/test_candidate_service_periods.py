"""Candidates: the periods that ought to exist."""

from datetime import date

import pytest

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books, fill


def test_candidates_are_what_a_backfill_of_nothing_makes(books: Books) -> None:
    fill(books, 4)
    candidates = books.select("candidate_service_periods")
    books.call()
    made = {row["record_id"]: row for row in books.ledger()}
    assert len(candidates) == len(made) == 28
    for candidate in candidates:
        assert candidate.items() <= made[candidate["record_id"]].items()


def test_of_both_cadences_one_client_or_one_schedule(books: Books) -> None:
    line, other = books.line(end=MARCH), books.line(start=FEBRUARY, end=MARCH, owner="contract")

    def found(**arguments: object) -> list[tuple[str, date, date]]:
        names = ("schedule_key", "service_period_start", "service_period_end")
        rows = books.select("candidate_service_periods", **arguments)
        return [tuple(row[name] for name in names) for row in rows]

    months = [(line.schedule_key, JANUARY, FEBRUARY), (line.schedule_key, FEBRUARY, MARCH)]
    february = [(other.schedule_key, FEBRUARY, MARCH)]
    assert found() == months + february
    assert found(client_id=line.client) == months
    assert found(schedule_key=other.schedule_key) == february
    days = {"as_of": date(2024, 12, 31), "target_horizon_days": 2}
    assert found(schedule_key=line.schedule_key, **days) == months[:1]


@pytest.mark.parametrize(
    ("word", "months"),
    [("SemiAnnually", 6), ("Semi-Annually", 6), ("annual", 12), ("Annually", 12)],
)
@pytest.mark.parametrize("owner", ["client", "contract"])
def test_spellings_of_a_cycle(books: Books, word: str, months: int, owner: str) -> None:
    books.line(books.client(word), owner=owner, frequency=word)
    (first, *_) = books.select("candidate_service_periods")
    end = date(2025, 7, 1) if months == 6 else date(2026, 1, 1)
    assert (first["service_period_start"], first["service_period_end"]) == (JANUARY, end)
