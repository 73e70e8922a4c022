"""reverse_invoice: it stays, cancelled. See test_withdraw for the rest."""

from tests.invoices.books import WINDOW, Billing, refused
from tests.invoices.withdrawals import invoiced, withdraw


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


def test_a_deleted_invoice_is_unknown(books: Billing) -> None:
    given = invoiced(books)
    withdraw(books, "delete", given.invoice)
    diagnosis = refused(books, "reverse_invoice", invoice_id=given.invoice, reason="r")
    assert diagnosis.sqlstate == "DC003"
    assert diagnosis.message_primary == "the invoice is unknown"


def test_one_of_two_invoices_of_a_window(books: Billing) -> None:
    given = invoiced(books)
    added = books.priced(given.client)
    books.period(added, *WINDOW)
    second = books.generate(given.client)["o_invoice_id"]
    assert withdraw(books, "reverse", given.invoice)["o_rows"] == 2
    assert len(books.lines(second)) == 1
    assert books.generate(given.client)["o_reason"] == "some_already_invoiced"
