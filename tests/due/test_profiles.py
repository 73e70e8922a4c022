"""Fallbacks by billing profile: of the one that an assignment names, and no day of a line twice."""

from datetime import date
from itertools import pairwise
from uuid import UUID, uuid4

import pytest

from tests.invoices.books import Billing
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Line

OCTOBER, DECEMBER = date(2024, 10, 1), date(2024, 12, 1)
MONTHLY, QUARTERLY = UUID(int=1), UUID(int=2)

Days = tuple[date, date]


def line_of(books: Billing, client: UUID, profile: UUID | None, timing: str = "advance") -> Line:
    """Add a line whose assignment names a billing profile, or none."""
    line = books.line(client, OCTOBER, timing=timing)
    books.database.execute(
        "UPDATE billing.client_contracts SET billing_profile_id = %s"
        " WHERE tenant = %s AND contract_id = %s",
        (profile, books.tenant, line.contract),
    )
    return line


def fallbacks(books: Billing, line: Line) -> list[Days]:
    """Return the service periods that a line lacks; whole and by pages they are the same."""
    whole = books.due(as_of=MARCH)
    assert list(books.pages("due_work", 1, as_of=MARCH)) == whole
    mine = [row for row in whole if row["obligation_id"] == line.obligation]
    return sorted((row["service_period_start"], row["service_period_end"]) for row in mine)


def two_profiles(books: Billing, cycle: str) -> UUID:
    """Add a client with a monthly and a quarterly profile, from October to March."""
    client = books.named("Client", cycle)
    november = date(2024, 11, 1)
    for days in pairwise((OCTOBER, november, DECEMBER, JANUARY, FEBRUARY, MARCH)):
        books.cycle(client, *days, billing_profile_id=MONTHLY)
    for days in pairwise((OCTOBER, JANUARY, APRIL)):
        books.cycle(client, *days, billing_profile_id=QUARTERLY, billing_cycle="quarterly")
    return client


@pytest.mark.parametrize("cycle", ["monthly", "quarterly"])
def test_fallbacks_are_of_the_profile_that_the_assignment_names(books: Billing, cycle: str) -> None:
    client = two_profiles(books, cycle)
    monthly, quarterly = (line_of(books, client, name) for name in (MONTHLY, QUARTERLY))
    other = line_of(books, client, uuid4())
    arrears = line_of(books, client, QUARTERLY, "arrears")
    assert len(fallbacks(books, monthly)) == 5
    assert fallbacks(books, quarterly) == [(OCTOBER, JANUARY), (JANUARY, APRIL)]
    assert fallbacks(books, other) == []
    assert fallbacks(books, arrears) == [(OCTOBER, JANUARY)]


@pytest.mark.parametrize(("cycle", "expected"), [("monthly", 5), ("quarterly", 2)])
@pytest.mark.parametrize("timing", ["advance", "arrears"])
def test_without_a_profile_the_cycles_of_the_clients_own_kind(
    books: Billing, cycle: str, expected: int, timing: str
) -> None:
    line = line_of(books, two_profiles(books, cycle), None, timing)
    assert len(fallbacks(books, line)) == expected - (timing == "arrears")


def test_cycles_with_the_same_dates_make_one_fallback(books: Billing) -> None:
    client = books.named("Client")
    books.line(client)
    first = books.cycle(client, JANUARY, FEBRUARY)
    books.cycle(client, JANUARY, FEBRUARY, billing_profile_id=uuid4())
    (due,) = books.due()
    assert due["billing_cycle_id"] == first
    (candidate,) = books.candidates()
    assert candidate["member_count"] == 1


def test_a_cycle_between_two_others_hides_neither(books: Billing) -> None:
    client = books.named("Client")
    line = books.line(client)
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    books.cycle(client, date(2025, 1, 11), date(2025, 2, 11))
    assert fallbacks(books, line) == [(JANUARY, FEBRUARY), (FEBRUARY, MARCH)]


@pytest.mark.parametrize("word", ["annual", "Annually"])
def test_two_spellings_are_one_kind(books: Billing, word: str) -> None:
    """Of cycles that overlap none stays that overlaps one of the client's own kind."""
    client = books.named("Client", "annual")
    line = books.line(client)
    year = JANUARY, date(2026, 1, 1)
    books.cycle(client, *year, billing_cycle=word)
    books.cycle(client, date(2025, 2, 15), date(2026, 2, 15))
    assert fallbacks(books, line) == [year]


def test_a_profile_without_cycles_gets_the_one_of_the_day(books: Billing) -> None:
    client = two_profiles(books, "monthly")
    new = uuid4()
    line_of(books, client, MONTHLY), line_of(books, client, None), line_of(books, client, new)
    books.perform("advance_billing_cycles", as_of=date(2025, 2, 20))
    made = books._query(
        "SELECT billing_profile_id, period_start_date, period_end_date"
        " FROM billing.client_billing_cycles WHERE tenant = %s AND effective_date = %s",
        FEBRUARY,
    )
    assert [tuple(row.values()) for row in made if row["billing_profile_id"] == new] == [
        (new, FEBRUARY, MARCH)
    ]
