"""What lines cost, to the cent: decision I9. ``generate`` compares each with its preview."""

import math
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import psycopg
import pytest

from tests.invoices.books import WINDOW, Billing, refused
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, Line, Row

FIRSTS = {28: date(2025, 2, 1), 29: date(2024, 2, 1), 30: date(2025, 4, 1), 31: date(2025, 1, 1)}


def rounded(value: Fraction) -> int:
    """Round to whole cents; a half goes away from zero."""
    return math.floor(value + Fraction(1, 2))


def only_line(books: Billing, line: Line, window: tuple[date, date] = WINDOW) -> Row:
    """Generate an invoice of one line; return that."""
    result = books.generate(line.client, window)
    assert (result["o_status"], result["o_reason"]) == ("generated", None)
    (written,) = books.lines(result["o_invoice_id"])
    header = books.header(result["o_invoice_id"])
    assert header["subtotal_cents"] == header["total_cents"] == written["total_price_cents"]
    return written


@pytest.mark.parametrize("days", FIRSTS)
@pytest.mark.parametrize("covered", [1, 14, 15, 27])
@pytest.mark.parametrize("side", ["start", "end"])
def test_proration(books: Billing, days: int, covered: int, side: str) -> None:
    first = FIRSTS[days]
    last = first + timedelta(days)
    bounds = (
        {"start": last - timedelta(covered)}
        if side == "start"
        else {"start": first - timedelta(days=40), "end": first + timedelta(covered)}
    )
    prices = ((10_000, Decimal(1)), (15, Decimal(1)), (3, Decimal("0.5")), (99_999, Decimal("7.3")))
    client = books.named("Client")
    expected = {}
    for cents, quantity in prices:
        line = books.priced(client, cents, quantity=quantity, enable_proration=True, **bounds)
        expected[line.obligation] = rounded(Fraction(cents) * Fraction(quantity) * covered / days)
    books.call(as_of=first)
    result = books.generate(client, (first, last))
    lines = books.lines(result["o_invoice_id"])
    assert {row["obligation_id"]: row["total_price_cents"] for row in lines} == expected
    assert {row["service_period_end"] - row["service_period_start"] for row in lines} == {
        timedelta(covered)
    }
    assert books.header(result["o_invoice_id"])["total_cents"] == sum(expected.values())


def test_proration_at_both_ends(books: Billing) -> None:
    line = books.priced(
        None, 3100, start=date(2025, 1, 11), end=date(2025, 1, 21), enable_proration=True
    )
    books.call()
    written = only_line(books, line)
    assert written["total_price_cents"] == 1000
    assert (written["service_period_start"], written["service_period_end"]) == (
        date(2025, 1, 11),
        date(2025, 1, 21),
    )
    assert (written["quantity"], written["unit_price_cents"]) == (1, 3100)


def test_without_proration_a_part_costs_the_whole(books: Billing) -> None:
    line = books.priced(None, 3100, start=date(2025, 1, 31))
    books.call()
    assert only_line(books, line)["total_price_cents"] == 3100


@pytest.mark.parametrize(
    ("cents", "quantity", "expected"),
    [
        (1, "0.5", 1),
        (1, "1.5", 2),
        (1, "2.5", 3),
        (5, "0.3", 2),
        (1, "0.4999999999999999999999", 0),
        (333, "0.333", 111),
        (0, "3", 0),
        (100, "0", 0),
        (2**63 - 1, "1", 2**63 - 1),
    ],
)
def test_halves_go_away_from_zero(books: Billing, cents: int, quantity: str, expected: int) -> None:
    line = books.priced(None, cents, quantity=Decimal(quantity))
    books.period(line, *WINDOW)
    assert only_line(books, line)["total_price_cents"] == expected


def test_half_a_cent_of_a_day(books: Billing) -> None:
    """A thirtieth has no end as a decimal number; a thirtieth of 15 cents is half a cent."""
    line = books.priced(None, 15, start=date(2025, 4, 30), enable_proration=True)
    books.call(as_of=APRIL)
    assert only_line(books, line, (APRIL, date(2025, 5, 1)))["total_price_cents"] == 1


@pytest.mark.parametrize("kind", ["Hourly", "time", "usage", "bucket"])
def test_records_of_the_covered_days(books: Billing, kind: str) -> None:
    line = books.priced(
        None, 7, start=date(2025, 1, 10), contract_line_type=kind, enable_proration=True
    )
    books.call()
    for day in (9, 10, 31):
        books.record(line, date(2025, 1, day), 250, Decimal("1.5"))
    books.record(line, FEBRUARY, 250)
    written = only_line(books, line)
    assert (written["quantity"], written["unit_price_cents"]) == (3, 250)
    assert written["total_price_cents"] == 750


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        ([(100, "1"), (200, "1.5")], (1, 400, 400)),
        ([(1, "0.5"), (3, "0.5")], (1, 2, 2)),
        ([(1, "0.25"), (1, "0.25")], (Decimal("0.5"), 1, 1)),
        ([(100, "3"), (100, "-1")], (2, 100, 200)),
        ([(0, "5"), (100, "1")], (1, 100, 100)),
    ],
)
def test_records_are_summed_and_rounded_once(
    books: Billing, records: list[tuple[int, str]], expected: tuple[object, int, int]
) -> None:
    line = books.line(contract_line_type="usage")
    books.period(line, *WINDOW, charge_family="usage")
    for cents, quantity in records:
        books.record(line, JANUARY, cents, Decimal(quantity))
    written = only_line(books, line)
    found = written["quantity"], written["unit_price_cents"], written["total_price_cents"]
    assert found == expected


@pytest.mark.parametrize(
    "records",
    [
        [(100, "0")],
        [(0, "5")],
        [(1, "0.4")],
        [(100, "1"), (100, "-1")],
        [(100, "1"), (100, "-3")],
        [(1, "-0.5")],
    ],
)
def test_records_that_amount_to_nothing_or_less_are_never_a_line(
    books: Billing, records: list[tuple[int, str]]
) -> None:
    line = books.line(contract_line_type="usage")
    books.period(line, *WINDOW, charge_family="usage")
    for cents, quantity in records:
        books.record(line, JANUARY, cents, Decimal(quantity))
    (due,), (candidate,) = books.due(), books.candidates()
    assert due["blocked_reason"] == candidate["blocked_reason"] == "nothing_billable"
    result = books.generate(line.client)
    assert (result["o_status"], result["o_reason"]) == ("refused", "nothing_billable")
    books.record(line, JANUARY, 1000)
    assert only_line(books, line)["total_price_cents"] > 0


def test_nothing_billable_stays_due_and_the_rest_is_billed(books: Billing) -> None:
    client = books.named("Client")
    fixed, free = books.priced(client), books.priced(client, 0)
    hourly = books.line(client, contract_line_type="hourly")
    credit = books.line(client, contract_line_type="credit")
    books.call()
    result = books.generate(client)
    assert (result["o_status"], result["o_reason"]) == ("generated", "credit_line")
    assert {
        row["obligation_id"]: row["total_price_cents"]
        for row in books.lines(result["o_invoice_id"])
    } == {fixed.obligation: 1000, free.obligation: 0}
    left = {row["obligation_id"]: row["blocked_reason"] for row in books.due(due_only=True)}
    assert left == {hourly.obligation: "nothing_billable", credit.obligation: "credit_line"}
    books.record(hourly, date(2025, 1, 31), 500)
    result = books.generate(client)
    assert result["o_status"] == "generated"
    assert [row["total_price_cents"] for row in books.lines(result["o_invoice_id"])] == [500]


def test_only_unbillable_rows_are_refused_with_the_reason(books: Billing) -> None:
    line = books.line(contract_line_type="bucket")
    books.call()
    result = books.generate(line.client)
    assert (result["o_status"], result["o_reason"]) == ("refused", "nothing_billable")
    assert books.invoices() == 0


@pytest.mark.parametrize("prices", [[(2**63 - 1, "2")], [(2**63 - 1, "1"), (1, "1")]])
def test_beyond_64_bits_nothing_is_written(books: Billing, prices: list[tuple[int, str]]) -> None:
    client = books.named("Client")
    for cents, quantity in prices:
        books.period(books.priced(client, cents, quantity=Decimal(quantity)), *WINDOW)
    start, end = WINDOW
    diagnosis = refused(
        books, "generate_invoice", client_id=client, window_start=start, window_end=end
    )
    assert diagnosis.sqlstate == "22003"
    if len(prices) == 1:
        with pytest.raises(psycopg.errors.NumericValueOutOfRange):
            books.preview(client)
