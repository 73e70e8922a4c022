"""Invoiced history: what was billed, also after it was deleted or reversed."""

from datetime import date
from uuid import uuid4

import psycopg
import pytest

from tests.invoices.books import WINDOW, Billing, identity
from tests.invoices.withdrawals import imported, invoiced, withdraw
from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Row


def comparable(row: Row) -> Row:
    """Return a row of history without what a withdrawal adds to it."""
    return {name: value for name, value in row.items() if not name.startswith("withdraw")} | {
        "status": None
    }


def test_an_invoice_says_all(books: Billing) -> None:
    line = books.priced(timing="arrears", start=date(2025, 1, 5))
    books.call()
    window = (FEBRUARY, MARCH)
    invoice = books.generate(line.client, window, invoice_number="R-1")["o_invoice_id"]
    assert books.history() == books.history(line.client)
    (shown,) = books.history()
    assert shown == {
        "tenant": books.tenant,
        "invoice_id": invoice,
        "invoice_number": "R-1",
        "client_id": line.client,
        "status": "draft",
        "invoice_date": FEBRUARY,
        "invoice_window_start": FEBRUARY,
        "invoice_window_end": MARCH,
        "service_period_start": JANUARY,
        "service_period_end": FEBRUARY,
        "cadence_owner": "client",
        "billing_cycle_id": None,
        "currency": "USD",
        "total_cents": 1000,
        "service_periods": [
            {
                "record_id": str(books.ledger(line)[0]["record_id"]),
                "schedule_key": line.schedule_key,
                "period_key": "period:2025-01-01:2025-02-01",
                "execution_identity_key": identity(line, *WINDOW, window),
                "service_period_start": "2025-01-01",
                "service_period_end": "2025-02-01",
            }
        ],
        "withdrawal": None,
        "withdrawn_at": None,
        "withdrawn_by": None,
        "withdrawal_reason": None,
    }


@pytest.mark.parametrize(("procedure", "status"), [("delete", "deleted"), ("reverse", "cancelled")])
def test_a_withdrawn_invoice_shows_what_it_billed(
    books: Billing, procedure: str, status: str
) -> None:
    given = invoiced(books)
    (before,) = books.history()
    withdraw(books, procedure, given.invoice)
    (after,) = books.history(given.client)
    assert comparable(after) == comparable(before)
    assert {row["execution_identity_key"] for row in after["service_periods"]} == {
        row["execution_identity_key"] for row in given.due
    }
    ((me,),) = books.database.execute("SELECT session_user").fetchall()
    assert (after["status"], after["withdrawal"], after["withdrawn_by"]) == (
        status,
        f"{procedure}d",
        me,
    )
    assert after["withdrawal_reason"] == "wrong price"
    again = books.generate(given.client)["o_invoice_id"]
    assert {row["invoice_id"]: row["withdrawal"] for row in books.history()} == {
        given.invoice: f"{procedure}d",
        again: None,
    }


def test_days_that_only_details_tell_of(books: Billing) -> None:
    books.invoice(books.line(), *WINDOW)
    (shown,) = books.history()
    assert (shown["cadence_owner"], shown["total_cents"]) == (None, 0)
    assert shown["service_periods"] == [
        {
            "record_id": None,
            "schedule_key": None,
            "period_key": None,
            "execution_identity_key": None,
            "service_period_start": "2025-01-01",
            "service_period_end": "2025-02-01",
        }
    ]


def test_a_charge_of_several_details_is_one_period(books: Billing) -> None:
    imported(books, details=3)
    (shown,) = books.history()
    assert len(shown["service_periods"]) == 1


def test_an_invoice_of_nothing_recurring_is_left_out(books: Billing) -> None:
    books.invoice(books.line())
    assert books.history() == []


def test_the_latest_windows_come_first(books: Billing) -> None:
    given = invoiced(books)
    later = books.generate(given.client, (FEBRUARY, MARCH))["o_invoice_id"]
    withdraw(books, "delete", given.invoice)
    again = books.generate(given.client)["o_invoice_id"]
    january = sorted([given.invoice, again], reverse=True)
    assert [row["invoice_id"] for row in books.history()] == [later, *january]


def test_of_one_client_or_tenant_only(books: Billing) -> None:
    given = invoiced(books)
    other = books.priced()
    books.period(other, *WINDOW)
    books.generate(other.client)
    foreign = Billing(books.database)
    assert foreign.history() == []
    assert {row["client_id"] for row in books.history(given.client)} == {given.client}
    assert len(books.history()) == 2


@pytest.mark.parametrize(
    ("arguments", "sqlstate"),
    [((None, None), "DC001"), ((uuid4(), None), "DC002"), (("own", uuid4()), "DC003")],
)
def test_bad_arguments(books: Billing, arguments: tuple[object, object], sqlstate: str) -> None:
    tenant, client = arguments
    with pytest.raises(psycopg.Error) as raised:
        books.database.execute(
            "SELECT FROM billing.invoiced_history(%s, %s)",
            (books.tenant if tenant == "own" else tenant, client),
        )
    assert raised.value.sqlstate == sqlstate
    assert raised.value.diag.message_hint
