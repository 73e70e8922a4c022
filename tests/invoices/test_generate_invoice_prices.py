"""What lines cost, to the cent: decision I9. ``generate`` compares each with its preview."""

import math
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest

from tests.invoices.books import WINDOW, Billing, identity
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


@pytest.mark.parametrize(
    ("cents", "quantity", "reason"),
    [
        (100, "NaN", "quantity_not_finite"),
        (0, "NaN", "quantity_not_finite"),
        (100, "Infinity", "quantity_not_finite"),
        (100, "-Infinity", "quantity_not_finite"),
        (-100, "Infinity", "quantity_not_finite"),
        (2**63 - 1, "2", "price_out_of_range"),
        (2**63 - 1, "1.0000000000000000001", "price_out_of_range"),
        (2**63 - 1, "-2", "price_out_of_range"),
        (1, "1e40", "price_out_of_range"),
        (1, "1e131071", "price_out_of_range"),
    ],
)
@pytest.mark.parametrize("kind", ["fixed", "usage"])
def test_what_has_no_price_stays_due_and_the_rest_is_billed(
    books: Billing, cents: int, quantity: str, reason: str, kind: str
) -> None:
    """A name in due work, candidates, preview and invoice, wherever the quantity stands."""
    client = books.named("Client")
    amount = Decimal(quantity)
    if kind == "fixed":
        line = books.priced(client, cents, quantity=amount)
        books.period(line, *WINDOW)
    else:
        line = books.priced(client, -1, contract_line_type=kind, quantity=Decimal("NaN"))
        books.period(line, *WINDOW, charge_family=kind)
        books.record(line, JANUARY, 100)
        books.record(line, JANUARY, cents, amount)
    (due,), (candidate,) = books.due(), books.candidates()
    assert due["blocked_reason"] == candidate["blocked_reason"] == reason
    assert due["total_price_cents"] is None
    assert (result := books.generate(client))["o_status"] == "refused"
    assert result["o_reason"] == reason

    other = books.priced(client, 7)
    books.period(other, *WINDOW)
    result = books.generate(client)
    assert (result["o_status"], result["o_reason"]) == ("generated", reason)
    assert [row["total_price_cents"] for row in books.lines(result["o_invoice_id"])] == [7]
    assert [row["obligation_id"] for row in books.due()] == [line.obligation]


def test_a_total_beyond_64_bits_is_refused_whole(books: Billing) -> None:
    client = books.named("Client")
    lines = [books.priced(client, cents) for cents in (2**63 - 1, 1)]
    for line in lines:
        books.period(line, *WINDOW)
    (candidate,) = books.candidates()
    assert (candidate["can_generate"], candidate["blocked_reason"]) == (False, "price_out_of_range")
    result = books.generate(client)
    assert (result["o_status"], result["o_reason"]) == ("refused", "price_out_of_range")
    for line in lines:
        keys = [identity(line, *WINDOW)]
        assert books.generate(client, execution_identity_keys=keys)["o_status"] == "generated"


#: A whole period of each cadence, by the client's cycle or the contract's frequency.
PERIODS = {
    "weekly": (date(2025, 1, 6), date(2025, 1, 13)),
    "bi-weekly": (date(2025, 1, 6), date(2025, 1, 20)),
    "monthly": (FEBRUARY, date(2025, 3, 1)),
    "quarterly": (JANUARY, APRIL),
    "semi-annually": (JANUARY, date(2025, 7, 1)),
    "annual": (date(2024, 1, 1), JANUARY),
}


@pytest.mark.parametrize("prorates", [True, False])
@pytest.mark.parametrize("cycle", PERIODS)
@pytest.mark.parametrize(
    ("owner", "timing"),
    [
        ("client", "advance"),
        ("client", "arrears"),
        ("contract", "advance"),
        ("contract", "arrears"),
    ],
)
def test_parts_of_a_period_cost_their_share(
    books: Billing, owner: str, timing: str, cycle: str, *, prorates: bool
) -> None:
    """Three parts of one period, the last of which covers not all of its days: a cent each way."""
    first, last = PERIODS[cycle]
    days = (last - first).days
    whole = {"whole_period_start": first, "whole_period_end": last}
    window = {"invoice_window_start": last, "invoice_window_end": last + timedelta(days)}
    cuts = [first, first + timedelta(1), first + timedelta(days // 2), last]
    client = books.client(cycle)
    for cents, quantity in ((31_000, "1"), (100, "0.5"), (1, "3.5")):
        line = books.priced(
            client,
            cents,
            quantity=Decimal(quantity),
            owner=owner,
            timing=timing,
            frequency=cycle,
            start=first,
            enable_proration=prorates,
        )
        expected = {}
        for start, end in pairwise(cuts):
            covered = (end - start).days
            activity = {}
            if end == last:
                covered -= 1
                activity = {
                    "activity_window_start": start,
                    "activity_window_end": end - timedelta(1),
                }
            record = books.period(line, start, end, **whole, **window, **activity)
            expected[record] = rounded(Fraction(cents) * Fraction(quantity) * covered / days)
        result = books.generate(client, (last, last + timedelta(days)))
        assert result["o_status"] == "generated"
        lines = books.lines(result["o_invoice_id"])
        assert {row["record_id"]: row["total_price_cents"] for row in lines} == expected


def test_a_quotient_is_not_rounded_twice(books: Billing) -> None:
    """Less than half a cent by a part of 10^22 of a cent is nothing."""
    line = books.priced(
        None,
        1,
        quantity=Decimal("15.4999999999999999999999"),
        end=date(2025, 1, 2),
        enable_proration=True,
    )
    books.call(as_of=JANUARY)
    assert only_line(books, line)["total_price_cents"] == 0
