"""delete_invoice: the invoice is gone, history keeps it. See test_withdraw for the rest."""

from tests.invoices.books import Billing
from tests.invoices.withdrawals import invoiced, withdraw


def test_the_invoice_its_charges_and_details_are_gone(books: Billing) -> None:
    given = invoiced(books)
    withdraw(books, "delete", given.invoice)
    assert books.invoices() == 0
    for table in ("invoice_charges", "invoice_charge_details"):
        found = books.database.execute(
            f"SELECT FROM billing.{table} WHERE tenant = %s", (books.tenant,)
        )
        assert found.fetchall() == []


def test_after_it_was_reversed(books: Billing) -> None:
    given = invoiced(books)
    withdraw(books, "reverse", given.invoice, "first")
    (reversed_,) = books.history()
    again = books.generate(given.client)["o_invoice_id"]
    result = withdraw(books, "delete", given.invoice, "second")
    assert result == {"o_status": "deleted", "o_rows": 0}
    assert books.invoices() == 1
    assert len(books.lines(again)) == 2
    shown = {row["invoice_id"]: row for row in books.history()}
    deleted = shown[given.invoice]
    assert (deleted["status"], deleted["withdrawal_reason"]) == ("deleted", "second")
    assert deleted["service_periods"] == reversed_["service_periods"]
    assert len(deleted["service_periods"]) == 2
    assert withdraw(books, "delete", given.invoice)["o_status"] == "already_deleted"
