"""Holes behind what is billed: they are named, and once accepted their rows are made."""

from datetime import date, timedelta
from itertools import islice

import pytest

from tests.conftest import Database
from tests.invoices.cadences import Cadence
from tests.service_periods.books import LEDGER, Row
from tests.service_periods.changes import (
    SCHEDULES,
    START,
    TIMINGS,
    Changing,
    Expected,
    Schedule,
    periods,
    told,
)

every_schedule = pytest.mark.parametrize("schedule", SCHEDULES, ids=str)
both_timings = pytest.mark.parametrize("timing", TIMINGS)


@pytest.fixture
def changing(shared_database: Database) -> Changing:
    """Return a tenant without anything."""
    return Changing(shared_database)


def filled(books: Changing, as_of: date) -> list[Row]:
    """See that a gap is all that escalates, accept it, and return the rows that fill it."""
    before = books.ledger()
    assert books.call(as_of=as_of)["o_status"] == "escalated"
    assert books.ledger() == before
    (found,) = books.select("escalations", as_of=as_of)
    assert (found["reason"], found["acceptable"]) == ("history_gap", True)
    plan_hash = books.summary(as_of=as_of)["plan_hash"]
    assert books.call(as_of=as_of, accept_escalations=plan_hash)["o_status"] == "done"
    assert books.call(as_of=as_of)["o_status"] == "nothing_to_do"
    return [row for row in books.rows() if row["reason_code"] == "history_gap"]


def pieces(cadence: Cadence, timing: str, start: date, end: date) -> list[Expected]:
    """Return the periods of a gap, cut to it."""
    return [
        Expected(
            period.covered,
            period.covered,
            period.whole,
            period.covered if timing == "advance" else period.window,
        )
        for period in periods(cadence, timing, start, end)
    ]


def test_a_replenishment_goes_on_past_a_hole(changing: Changing) -> None:
    """It only adds at the end; the hole stays with whom reads escalations."""
    schedule = Schedule("client", "monthly")
    (_, second, third, *_) = islice(periods(schedule.cadence(START), "advance", START), 4)
    line = changing.scheduled(schedule, "advance")
    changing.call(as_of=third.whole[1])
    changing.bill(line, 2)
    changing.database.execute(
        f"DELETE FROM {LEDGER} WHERE tenant = %s AND service_period_start = %s",
        (changing.tenant, second.whole[0]),
    )
    later = third.whole[1] + timedelta(90)
    done = changing.call("replenish", as_of=later)
    assert (done["o_status"], done["o_rows"]) == ("done", 3)
    assert [row["reason"] for row in changing.select("escalations", as_of=later)] == ["history_gap"]


@every_schedule
@both_timings
@pytest.mark.parametrize("cancelled", [False, True])
def test_a_period_without_a_row(
    changing: Changing, schedule: Schedule, timing: str, cancelled: bool
) -> None:
    """An invoice that was cancelled bills none of its days either."""
    (_, second, third) = islice(periods(schedule.cadence(START), timing, START), 3)
    line = changing.scheduled(schedule, timing)
    changing.call(as_of=third.whole[1])
    changing.bill(line, 2)
    changing.bill(line, 0)
    changing.database.execute(
        f"DELETE FROM {LEDGER} WHERE tenant = %s AND service_period_start = %s",
        (changing.tenant, second.whole[0]),
    )
    if cancelled:
        invoice = changing.invoice(line, *second.whole)["invoice_id"]
        changing.database.execute(
            "UPDATE billing.invoices SET status = 'cancelled'"
            " WHERE tenant = %s AND invoice_id = %s",
            (changing.tenant, invoice),
        )
    rows = filled(changing, third.whole[1])
    assert told(rows, [second]) == [second.row]
    assert changing.bill(line, 1)["total_cents"] == second.cents(prorates=True)


@every_schedule
@both_timings
@pytest.mark.parametrize("length", [4, 40])
def test_days_that_were_assigned_afterwards(
    changing: Changing, schedule: Schedule, timing: str, length: int
) -> None:
    """The first of two assignments is extended to the second when both were billed."""
    end = START + timedelta(3)
    start = end + timedelta(length)
    line = changing.scheduled(schedule, timing, end=end)
    changing.assign(line, start)
    changing.call(as_of=start)
    for number in (0, 1):
        # In arrears one invoice may have billed both.
        if changing.rows(line)[number]["lifecycle_state"] != "billed":
            changing.bill(line, number)
    changing.database.execute(
        "UPDATE billing.client_contracts SET end_date = %s WHERE tenant = %s AND start_date = %s",
        (start, changing.tenant, START),
    )
    expected = pieces(schedule.cadence(START), timing, end, start)
    rows = filled(changing, start)
    assert len(rows) == len(expected)
    assert told(rows, expected) == [period.row for period in expected]
    cents = [period.cents(prorates=True) for period in expected]
    assert [row["total_price_cents"] for row in rows] == cents
