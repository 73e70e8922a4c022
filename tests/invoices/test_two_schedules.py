"""A day that two schedules of one line claim, as after a change of timing, is billed once."""

from dataclasses import replace
from datetime import date
from uuid import UUID

import pytest

from tests.invoices.books import Billing
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Line

MID_MARCH = date(2025, 3, 16)
FIRST, SECOND = (FEBRUARY, MARCH), (MARCH, APRIL)


def claim(books: Billing, *windows: tuple[date, date]) -> tuple[UUID, list[UUID]]:
    """Add a line whose old schedule reaches into the March of its new; return client and rows."""
    line = books.priced(timing="arrears")
    old = replace(
        line, timing="advance", schedule_key=line.schedule_key.replace("arrears", "advance")
    )
    claims: list[tuple[Line, date, date]] = [(old, FEBRUARY, MID_MARCH), (line, MARCH, APRIL)]
    rows = [
        books.period(*days, invoice_window_start=window[0], invoice_window_end=window[1])
        for days, window in zip(claims, windows, strict=True)
    ]
    return line.client, rows


@pytest.mark.parametrize("order", [(FIRST, SECOND), (SECOND, FIRST)])
def test_what_is_invoiced_first_is_billed(
    books: Billing, order: tuple[tuple[date, date], tuple[date, date]]
) -> None:
    client, _ = claim(books, FIRST, SECOND)
    one, other = order
    first = books.generate(client, one)
    assert first["o_status"] == "generated"
    refused = books.generate(client, other)
    assert (refused["o_status"], refused["o_reason"]) == ("refused", "days_already_billed")
    books.perform("delete_invoice", invoice_id=first["o_invoice_id"], reason="test")
    assert books.generate(client, other)["o_status"] == "generated"
    assert books.generate(client, one)["o_reason"] == "days_already_billed"
    assert books.findings("double_billed") == []


def test_of_two_in_one_window_none_is_guessed(books: Billing) -> None:
    client, rows = claim(books, SECOND, SECOND)
    refused = books.generate(client, SECOND)
    assert (refused["o_status"], refused["o_reason"]) == ("refused", "days_due_twice")
    [candidate] = books.candidates(as_of=APRIL)
    assert (candidate["can_generate"], candidate["blocked_reason"]) == (False, "days_due_twice")
    keys = [row["execution_identity_key"] for row in books.due() if row["record_id"] == rows[1]]
    assert books.generate(client, SECOND, execution_identity_keys=keys)["o_status"] == "generated"
    again = books.generate(client, SECOND)
    assert (again["o_status"], again["o_reason"]) == ("already_invoiced", "days_already_billed")
    assert books.findings("double_billed") == []


def test_neighbours_in_two_schedules_go_on_one_invoice(books: Billing) -> None:
    line = books.priced(timing="arrears")
    old = replace(
        line, timing="advance", schedule_key=line.schedule_key.replace("arrears", "advance")
    )
    for schedule, end in ((line, FEBRUARY), (old, MARCH)):
        start = JANUARY if end == FEBRUARY else FEBRUARY
        books.period(schedule, start, end, invoice_window_start=FEBRUARY, invoice_window_end=MARCH)
    result = books.generate(line.client, FIRST)
    assert result["o_status"] == "generated"
    assert len(books.lines(result["o_invoice_id"])) == 2
