"""The preview of an invoice: the lines that would be written, or none."""

from datetime import date
from uuid import uuid4

import psycopg
import pytest

from tests.invoices.books import INVALID, LATE, WINDOW, Billing, identity
from tests.service_periods.books import FEBRUARY, JANUARY, MARCH


def test_a_line_says_all(books: Billing) -> None:
    client = books.named("Client")
    line = books.priced(client, 1234, contract_line_name="Hosting")
    record = books.period(line, *WINDOW)
    assert books.preview(client) == [
        {
            "execution_identity_key": identity(line, *WINDOW),
            "record_id": record,
            "obligation_id": line.obligation,
            "description": "Hosting",
            "charge_family": "fixed",
            "cadence_owner": "client",
            "service_period_start": JANUARY,
            "service_period_end": FEBRUARY,
            "billing_timing": "advance",
            "quantity": 1,
            "unit_price_cents": 1234,
            "total_price_cents": 1234,
            "currency": "USD",
            "whole_period_start": None,
            "whole_period_end": None,
        }
    ]


def test_some_of_a_window(books: Billing) -> None:
    client = books.client()
    lines = [books.priced(client) for _ in range(3)]
    records = [books.period(line, *WINDOW) for line in lines]
    keys = [identity(line, *WINDOW) for line in lines[1:]]
    rows = books.preview(client, execution_identity_keys=keys)
    assert {row["record_id"] for row in rows} == set(records[1:])
    assert len(books.preview(client)) == 3


def test_none_where_nothing_would_be_written(books: Billing) -> None:
    line = books.line(contract_line_type="bucket")
    books.period(line, *WINDOW, charge_family="bucket")
    assert books.preview(line.client) == []  # nothing billable
    assert books.preview(line.client, (FEBRUARY, MARCH)) == []  # nothing due
    dear = books.priced()
    books.period(dear, *WINDOW)
    assert books.preview(dear.client, as_of=date(2024, 12, 31)) == []  # too early
    assert len(books.preview(dear.client, as_of=LATE)) == 1
    books.generate(dear.client)
    assert books.preview(dear.client) == []  # invoiced


HINT = "Take client and window from billing.invoice_candidates."


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "detail", "hint"),
    [
        ({"client_id": None}, "DC001", "p_client_id is null", HINT),
        ({"window_start": None}, "DC001", "p_window_start is null", HINT),
        ({"window_end": JANUARY}, "DC001", "", HINT),
        ({"as_of": "infinity"}, "DC001", "p_as_of is infinity", ""),
        ({"client_id": uuid4()}, "DC003", "client ", "SELECT * FROM billing.clients"),
    ],
)
def test_what_is_refused(
    books: Billing, arguments: dict[str, object], sqlstate: str, detail: str, hint: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.preview(books.client(), **arguments)  # type: ignore[arg-type]
    assert raised.value.sqlstate == sqlstate
    assert (raised.value.diag.message_detail or "").startswith(detail)
    assert (raised.value.diag.message_hint or "").startswith(hint)
    if sqlstate == "DC001":
        assert raised.value.diag.message_primary == INVALID
