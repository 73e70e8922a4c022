"""Billing cycles are chained to the anchors, and what cannot be continued is left alone."""

from datetime import date
from itertools import pairwise

import pytest

from tests.invoices.books import Billing
from tests.invoices.cycles import CYCLES, DECEMBER, advance, chain, cycles_of, day
from tests.notices import Notices
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, MARCH


@pytest.mark.parametrize(
    ("cycle", "anchors", "as_of", "expected"),
    [
        ("weekly", {}, day(1, 10), [day(1), day(1, 8), day(1, 15)]),
        ("weekly", {"day_of_week": 5}, day(1, 10), [day(1), day(1, 3), day(1, 10), day(1, 17)]),
        ("bi-weekly", {}, day(1, 20), [day(1), day(1, 15), day(1, 29)]),
        ("bi-weekly", {"reference_date": day(3, 3)}, day(1, 10), [day(1), day(1, 6), day(1, 20)]),
        ("monthly", {}, day(2), [day(1), day(2), day(3)]),
        ("monthly", {"day_of_month": 28}, day(1, 10), [day(1), day(1, 28)]),
        ("Monthly", {"day_of_month": 1}, day(1, 31), [day(1), day(2)]),
        ("quarterly", {"month_of_year": 11}, day(3), [day(1), day(2), day(5)]),
        ("semi-annually", {"month_of_year": 7}, day(7), [day(1), day(7), day(1, year=2026)]),
        ("annually", {"month_of_year": 3, "day_of_month": 15}, day(1, 10), [day(1), day(3, 15)]),
    ],
)
def test_every_cycle_from_the_end_of_the_last_one(
    books: Billing, cycle: str, anchors: dict[str, object], as_of: date, expected: list[date]
) -> None:
    client = books.client(cycle, **anchors)
    books.cycle(client, DECEMBER, JANUARY)
    assert advance(books, as_of) == (len(expected) - 1, 0, "done")
    assert cycles_of(books, client) == chain(DECEMBER, *expected)
    new = books._query(CYCLES, client)[-1]
    assert (new["billing_cycle"], new["effective_date"]) == (cycle, new["period_start_date"])
    assert advance(books, as_of) == (0, 0, "nothing_to_do")


def test_the_day_that_a_cycle_ends_is_in_the_next(books: Billing) -> None:
    client = books.client()
    books.cycle(client, DECEMBER, JANUARY)
    assert advance(books, day(12, 31, 2024))[0] == 0
    assert advance(books, JANUARY)[0] == 1
    assert advance(books, day(1, 31))[0] == 0
    assert cycles_of(books, client) == chain(DECEMBER, JANUARY, FEBRUARY)


def test_one_transition_cycle_after_a_change_of_anchor_and_cycle(books: Billing) -> None:
    client = books.client("quarterly", day_of_month=15, month_of_year=2)
    books.cycles(client, DECEMBER, JANUARY)
    assert advance(books, day(6)) == (3, 0, "done")
    assert cycles_of(books, client) == chain(DECEMBER, JANUARY, day(2, 15), day(5, 15), day(8, 15))


def test_a_long_pause_is_caught_up(books: Billing) -> None:
    client = books.client("weekly", day_of_week=1)
    books.cycle(client, day(1, 1, 2010), day(1, 4, 2010))
    assert advance(books, AS_OF) == (784, 0, "done")
    found = cycles_of(books, client)
    assert all(one[1] == other[0] for one, other in pairwise(found))
    assert found[-1][0] <= AS_OF < found[-1][1]


def test_more_than_a_thousand_are_left_alone(books: Billing) -> None:
    client = books.named("Old", "weekly")
    books.cycle(client, day(1, 1, 2005), day(1, 8, 2005))
    notices = Notices(books.database)
    assert advance(books) == (0, 0, "escalated")
    assert len(cycles_of(books, client)) == 1
    assert notices.messages == [
        f"billing cycles of client Old ({client}) are left alone: "
        "it lacks 1044 cycles, more than 1000"
    ]
    assert notices.details[0]["client_id"] == str(client)


def test_each_billing_profile_has_a_chain_of_its_own(books: Billing) -> None:
    client = books.client()
    one, other = sorted(books.new_id() for _ in range(2))
    books.cycle(client, DECEMBER, JANUARY, billing_profile_id=one)
    books.cycle(client, day(11, 15, 2024), day(12, 15, 2024), billing_profile_id=other)
    books.cycle(client, JANUARY, FEBRUARY, billing_profile_id=other, is_active=False)
    assert advance(books)[0] == 3
    found = [
        (row["billing_profile_id"], row["period_start_date"], row["period_end_date"])
        for row in books._query(CYCLES, client)
        if row["is_active"] and row["period_start_date"] >= day(12, 15, 2024)
    ]
    assert found == [
        (one, JANUARY, FEBRUARY),
        (other, day(12, 15, 2024), JANUARY),
        (other, JANUARY, FEBRUARY),
    ]


def test_a_client_without_cycles_gets_the_one_of_the_day(books: Billing) -> None:
    billed, unbilled, by_contract = (books.client() for _ in range(3))
    books.line(billed)
    books.line(by_contract, owner="contract")
    assert advance(books, day(3, 10)) == (1, 18, "done")
    assert cycles_of(books, billed) == [(MARCH, day(4))]
    assert cycles_of(books, unbilled) == cycles_of(books, by_contract) == []


def test_a_rolling_cycle_without_any_begins_with_the_obligation(books: Billing) -> None:
    client = books.client("weekly")
    books.line(client, day(1, 2))
    assert advance(books)[0] == 1
    assert cycles_of(books, client) == [(day(1, 9), day(1, 16))]


def test_each_client_of_successive_assignments_gets_a_cycle(books: Billing) -> None:
    first, second, nobody = (books.client("weekly") for _ in range(3))
    line = books.line(first, day(1, 2), day(1, 10))
    books.assign(line, day(1, 10), client_id=second)
    books.assign(line, day(1, 20), day(1, 20), client_id=nobody)
    assert advance(books)[0] == 2
    assert cycles_of(books, first) == [(day(1, 9), day(1, 16))]
    assert cycles_of(books, second) == [(day(1, 10), day(1, 17))]
    assert cycles_of(books, nobody) == []


@pytest.mark.parametrize(
    ("cycle", "anchors", "end", "problem"),
    [
        ("monthly", {}, None, "its last cycle has no end"),
        ("daily", {}, JANUARY, "unsupported_billing_cycle"),
        ("monthly", {"day_of_month": 31}, JANUARY, "invalid_anchor_day"),
    ],
)
def test_what_cannot_be_continued_is_left_alone(
    books: Billing, cycle: str, anchors: dict[str, object], end: date | None, problem: str
) -> None:
    client, sound = books.client(cycle, **anchors), books.client()
    books.cycle(client, DECEMBER, end)
    books.cycle(sound, DECEMBER, JANUARY)
    books.line(client, owner="contract")
    notices = Notices(books.database)
    assert advance(books) == (1, 7, "escalated")
    assert len(cycles_of(books, client)) == 1
    assert notices.messages == [
        f"billing cycles of client Client ({client}) are left alone: {problem}"
    ]


def test_an_open_cycle_that_is_not_the_last_is_no_matter(books: Billing) -> None:
    client = books.client()
    books.cycle(client, day(11, 1, 2024), None)
    books.cycle(client, DECEMBER, JANUARY)
    assert advance(books)[0] == 1
