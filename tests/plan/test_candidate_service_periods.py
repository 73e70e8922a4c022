"""Candidates: the periods that ought to exist."""

from datetime import date

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
