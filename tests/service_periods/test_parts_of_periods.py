"""What follows a billed period when the schedule changed: a part of one, at its share."""

from dataclasses import dataclass, replace
from datetime import date, timedelta
from itertools import permutations, product

import pytest

from tests.conftest import Database
from tests.service_periods.books import Line, Row
from tests.service_periods.changes import (
    SCHEDULES,
    START,
    TIMINGS,
    Changing,
    Schedule,
    ahead,
    covered,
    periods,
    told,
)

AS_OF = date(2026, 1, 10)


@dataclass(frozen=True)
class Change:
    """What a line is until its first period is invoiced, and what after that."""

    before: Schedule
    after: Schedule
    timing: str
    prorates: bool = True
    start: date = START
    ends: tuple[date | None, date | None] = (None, None)

    def __str__(self) -> str:
        kind = "start" if self.start != START else "end" if any(self.ends) else "schedule"
        words = (kind, self.timing, "" if self.prorates else "flat", self.ends[1] or "")
        return f"{self.before}>{self.after}-" + "-".join(filter(None, map(str, words)))


CLIPPED, LATER = START + timedelta(3), START + timedelta(20)
CHANGES = [
    # Anchors, frequencies, the owner of the cadence.
    *(
        Change(before, after, timing, prorates=(number + place) % 2 == 0)
        for number, (before, after) in enumerate(permutations(SCHEDULES, 2))
        for place, timing in enumerate(TIMINGS)
    ),
    # The start, from which periods of contract cadence count.
    *(
        Change(schedule, schedule, timing, start=date(2026, 1, 20))
        for schedule, timing in product(SCHEDULES, TIMINGS)
        if schedule.owner == "contract"
    ),
    # The end, inside the period that was billed.
    *(
        Change(schedule, schedule, timing, prorates=prorates, ends=(CLIPPED, end))
        for schedule, timing, prorates, end in product(
            SCHEDULES, TIMINGS, (True, False), (None, LATER)
        )
    ),
]

Rows = dict[object, list[Row]]
Changed = tuple[Changing, dict[Change, Line], Rows, Rows]


def by_line(rows: list[Row]) -> Rows:
    """Return rows by their obligation."""
    found: Rows = {}
    for row in rows:
        found.setdefault(row["obligation_id"], []).append(row)
    return found


@pytest.fixture(scope="module")
def changed(shared_database: Database) -> Changed:
    """Bill a period of each line, change it, run; return the lines, their rows before and after."""
    books = Changing(shared_database)
    lines = {
        change: books.scheduled(
            change.before, change.timing, enable_proration=change.prorates, end=change.ends[0]
        )
        for change in CHANGES
    }
    books.call(as_of=AS_OF)
    before = by_line(books.rows())
    for change, line in lines.items():
        books.bill(line)
        books.reschedule(line, change.after)
        books.write("client_contracts", line, start_date=change.start, end_date=change.ends[1])
    assert books.call(as_of=AS_OF)["o_status"] == "done"
    assert books.call(as_of=AS_OF)["o_status"] == "nothing_to_do"
    return books, lines, before, by_line(books.rows())


@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_what_follows_a_billed_period(changed: Changed, change: Change) -> None:
    books, lines, before, after = changed
    (billed, *rows) = after[lines[change].obligation]
    assert billed["lifecycle_state"] == "billed"
    (_, through) = covered(billed)
    cadence = change.after.cadence(change.start)
    expected = ahead(periods(cadence, change.timing, through, change.ends[1]), through)
    # Dates match rows, whole periods do not: an untouched row that has those of the part stays.
    kept = replace(expected[0], whole=expected[0].period)
    if told(before[lines[change].obligation][1:], [kept]) == [kept.row]:
        expected[0] = kept
    assert told(rows, expected) == [period.row for period in expected]
    cents = [period.cents(prorates=change.prorates) for period in expected]
    assert [row["total_price_cents"] for row in rows[: len(cents)]] == cents
    assert books.bill(lines[change], 1)["total_cents"] == cents[0]


def monthly(day: int = 1) -> Schedule:
    """Return the calendar months, or those from another day on."""
    return Schedule("client", "monthly", {"day_of_month": day})


def fortnights(day: date) -> Schedule:
    """Return the two weeks that begin on a day, and so on."""
    return Schedule("client", "bi-weekly", {"reference_date": day})


@pytest.mark.parametrize("prorates", [True, False])
@pytest.mark.parametrize(
    ("before", "after", "timing", "start", "price", "part", "cents"),
    [
        (monthly(), monthly(2), "advance", date(2026, 1, 1), 31000,
         (date(2026, 2, 1), date(2026, 2, 2)), 1000),
        (fortnights(date(2026, 3, 15)), fortnights(date(2026, 3, 16)), "advance",
         date(2026, 3, 15), 14000, (date(2026, 3, 29), date(2026, 3, 30)), 1000),
        (monthly(), Schedule("contract", "monthly"), "advance", date(2026, 2, 10), 31000,
         (date(2026, 3, 1), date(2026, 3, 10)), 9964),
        (monthly(), Schedule("client", "quarterly"), "arrears", date(2026, 2, 1), 93000,
         (date(2026, 3, 1), date(2026, 4, 1)), 32033),
        (monthly(), monthly(15), "arrears", date(2025, 12, 1), 31000,
         (date(2026, 1, 1), date(2026, 1, 15)), 14000),
    ],
)  # fmt: skip
def test_a_part_costs_what_was_computed_by_hand(
    shared_database: Database,
    before: Schedule,
    after: Schedule,
    timing: str,
    start: date,
    price: int,
    part: tuple[date, date],
    cents: int,
    prorates: bool,
) -> None:
    books = Changing(shared_database)
    line = books.scheduled(
        before, timing, start=start, unit_price_cents=price, enable_proration=prorates
    )
    books.call(as_of=start)
    books.bill(line)
    books.reschedule(line, after)
    books.call(as_of=start)
    assert covered(books.rows(line)[1]) == part
    assert books.bill(line, 1)["total_cents"] == cents
