"""Renewals, restarts and transfers: the spans of one obligation, and what an ended one owes."""

from datetime import date, timedelta
from itertools import islice

import pytest

from tests.conftest import Database
from tests.invoices.cadences import Cadence
from tests.service_periods.books import Line, Row
from tests.service_periods.changes import (
    SCHEDULES,
    START,
    TIMINGS,
    Changing,
    Schedule,
    ahead,
    periods,
    told,
)

INSIDE = START + timedelta(45)
#: By what the client is billed who takes a contract over.
OTHERS = Schedule("client", "monthly", {"day_of_month": 20})

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
both_timings = pytest.mark.parametrize("timing", TIMINGS)


@pytest.fixture
def changing(shared_database: Database) -> Changing:
    """Return a tenant without anything."""
    return Changing(shared_database)


def assign_anew(books: Changing, line: Line, schedule: Schedule, start: date, to: str) -> Cadence:
    """Assign the contract from a day on, to the same client or another; return its cadence."""
    if to == "the same client":
        books.assign(line, start)
        return schedule.cadence(start)
    other = books.named("Other")
    books.insert("billing.client_billing_settings", client_id=other)
    books.assign(line, start, client_id=other)
    if schedule.owner == "contract":
        return schedule.cadence(start)
    books.database.execute(
        "UPDATE billing.client_billing_settings SET billing_cycle_anchor_day_of_month = 20"
        " WHERE tenant = %s AND client_id = %s",
        (books.tenant, other),
    )
    return OTHERS.cadence(start)


def due(books: Changing, as_of: date) -> dict[str, Row]:
    """Return what is due on a day, by its identity."""
    found = books.due(as_of=as_of, due_only=True)
    return {row["execution_identity_key"]: row for row in found}


@every_schedule
@both_timings
@pytest.mark.parametrize("to", ["the same client", "another client"])
def test_successive_assignments_are_spans(
    changing: Changing, schedule: Schedule, timing: str, to: str
) -> None:
    line = changing.scheduled(schedule, timing, end=INSIDE)
    cadence = assign_anew(changing, line, schedule, INSIDE, to)
    assert changing.call(as_of=START)["o_status"] == "done"
    expected = [
        *periods(schedule.cadence(START), timing, START, INSIDE, exact=False),
        *ahead(periods(cadence, timing, INSIDE), START),
    ]
    rows = changing.rows(line)
    assert told(rows, expected) == [period.row for period in expected]
    cents = [period.cents(prorates=True) for period in expected]
    assert [row["total_price_cents"] for row in rows[: len(cents)]] == cents
    assert (rows[0]["client_id"] == rows[-1]["client_id"]) == (to == "the same client")
    assert changing.call(as_of=START)["o_status"] == "nothing_to_do"


@every_schedule
@both_timings
@pytest.mark.parametrize(
    ("to", "pause"),
    [("the same client", 0), ("the same client", 40), ("another client", 0), ("nobody", 0)],
)
def test_what_an_ended_assignment_owes_stays_due(
    changing: Changing, schedule: Schedule, timing: str, to: str, pause: int
) -> None:
    cadence = schedule.cadence(START)
    *_, last = islice(periods(cadence, timing, START, exact=False), 3)
    end = last.whole[1]
    line = changing.scheduled(schedule, timing, end=end)
    changing.call(as_of=end)
    changing.bill(line)
    before = due(changing, end)
    assert len(before) == 2
    changing.write("client_contracts", line, is_active=False)
    start = end + timedelta(pause)
    if to != "nobody":
        cadence = assign_anew(changing, line, schedule, start, to)
    assert changing.call(as_of=end)["o_status"] == ("nothing_to_do" if to == "nobody" else "done")
    assert before.items() <= due(changing, end).items()
    rows = changing.rows(line)
    assert len(rows) == 3 or to != "nobody"
    if to != "nobody":
        whole = cadence.period(start, start)
        exact = pause == 0 or whole[0] < end
        expected = ahead(periods(cadence, timing, start, exact=exact), start)
        assert told(rows[3:], expected) == [period.row for period in expected]
    assert changing.call(as_of=end)["o_status"] == "nothing_to_do"


def test_a_contract_that_was_restarted_after_a_pause(changing: Changing) -> None:
    """Assigned until April, again from May: on 2 April February and March are due."""
    monthly = Schedule("client", "monthly", {"day_of_month": 1})
    line = changing.scheduled(monthly, "advance", start=date(2026, 1, 1), end=date(2026, 4, 1))
    changing.call(as_of=date(2026, 1, 1))
    changing.bill(line)
    changing.write("client_contracts", line, is_active=False)
    changing.assign(line, date(2026, 5, 1))
    changing.call(as_of=date(2026, 4, 2))
    found = due(changing, date(2026, 4, 2)).values()
    assert sorted(row["service_period_start"] for row in found) == [
        date(2026, 2, 1),
        date(2026, 3, 1),
    ]
    assert changing.select("escalations", as_of=date(2026, 4, 2)) == []
