"""reverse_invoice: it stays, cancelled. See test_withdraw_invoice for the rest."""

from datetime import UTC

from tests.invoices.books import WINDOW, Billing, refused
from tests.invoices.withdrawals import inserted_anew, invoiced, withdraw


def test_the_invoice_stays_cancelled_and_bills_nothing(books: Billing) -> None:
    given = invoiced(books)
    header, lines = books.header(given.invoice), books.lines(given.invoice)
    withdraw(books, "reverse", given.invoice)
    assert books.header(given.invoice) == header | {"status": "cancelled"}
    kept = {line["obligation_id"]: line | {"record_id": None} for line in lines}
    assert {line["obligation_id"]: line for line in books.lines(given.invoice)} == kept
    found = books.database.execute(
        "SELECT DISTINCT is_reversed FROM billing.invoice_charge_details WHERE tenant = %s",
        (books.tenant,),
    ).fetchall()
    assert found == [(True,)]
    for check in ("unlinked_detail", "escalation", "double_billed"):
        assert books.findings(check) == []


def test_a_deleted_invoice_is_said_to_be(books: Billing) -> None:
    given = invoiced(books)
    withdraw(books, "reverse", given.invoice)
    withdraw(books, "delete", given.invoice)
    (shown,) = books.history()
    diagnosis = refused(books, "reverse_invoice", invoice_id=given.invoice, reason="r")
    assert diagnosis.sqlstate == "DC003"
    assert diagnosis.message_primary == "what an argument names is unknown"
    when = shown["withdrawn_at"].astimezone(UTC)
    assert diagnosis.message_detail == (
        f"invoice {given.invoice} of tenant {books.tenant}, "
        f"deleted at {when:%Y-%m-%d %H:%M:%S} UTC by {shown['withdrawn_by']}"
    )
    reading = (diagnosis.message_hint or "").partition(" shows ")[0]
    found = books.database.execute(reading.encode()).fetchall()
    assert [row[1] for row in found] == [given.invoice]


def test_inserted_anew_it_is_reversed_like_any_other(books: Billing) -> None:
    given = invoiced(books)
    withdraw(books, "reverse", given.invoice)
    withdraw(books, "delete", given.invoice)
    inserted_anew(books, given.invoice, whole=True)
    assert withdraw(books, "reverse", given.invoice)["o_status"] == "reversed"
    assert withdraw(books, "reverse", given.invoice)["o_status"] == "already_reversed"
    (shown,) = books.history()
    assert (shown["status"], shown["withdrawal"]) == ("cancelled", "reversed")
    assert len(shown["service_periods"]) == 2


def test_one_of_two_invoices_of_a_window(books: Billing) -> None:
    given = invoiced(books)
    added = books.priced(given.client)
    books.period(added, *WINDOW)
    second = books.generate(given.client)["o_invoice_id"]
    assert withdraw(books, "reverse", given.invoice)["o_rows"] == 2
    assert len(books.lines(second)) == 1
    assert books.generate(given.client)["o_reason"] == "some_already_invoiced"
