"""delete_invoice: the invoice is gone, history keeps it. See test_withdraw_invoice for the rest."""

import pytest

from tests.invoices.books import Billing
from tests.invoices.linkage import plan, repair
from tests.invoices.withdrawals import inserted_anew, invoiced, withdraw


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


@pytest.mark.parametrize("whole", [False, True])
def test_inserted_anew_it_is_deleted_again(books: Billing, whole: bool) -> None:
    given = invoiced(books)
    withdraw(books, "delete", given.invoice, "first")
    (deleted,) = books.history()
    inserted_anew(books, given.invoice, whole=whole)
    (shown,) = books.history()
    assert (shown["status"], shown["withdrawal"]) == ("draft", "deleted")
    assert shown["service_periods"] == deleted["service_periods"]
    assert withdraw(books, "delete", given.invoice, "second") == {
        "o_status": "deleted",
        "o_rows": 0,
    }
    assert books.invoices() == 0
    (shown,) = books.history()
    assert shown["service_periods"] == deleted["service_periods"]
    assert (shown["status"], shown["withdrawal_reason"]) == ("deleted", "second")
    assert withdraw(books, "delete", given.invoice)["o_status"] == "already_deleted"
    assert [
        (reason, len(rows))
        for reason, rows in books.database.execute(
            "SELECT reason, service_periods FROM billing.withdrawn_invoices WHERE tenant = %s"
            " ORDER BY withdrawn_at",
            (books.tenant,),
        )
    ] == [("first", 2), ("second", 0)]
    assert given.again() == given.due


def test_inserted_anew_it_is_linked_once_and_deleted_again(books: Billing) -> None:
    given = invoiced(books)
    withdraw(books, "delete", given.invoice)
    inserted_anew(books, given.invoice, whole=True)
    assert [action for _, _, action, _ in plan(books)] == ["relink", "relink"]
    assert repair(books) == (2, "done")
    assert repair(books) == (0, "nothing_to_do")
    (shown,) = books.history()
    assert len(shown["service_periods"]) == 2
    assert withdraw(books, "delete", given.invoice)["o_rows"] == 2
    assert (plan(books), repair(books)) == ([], (0, "nothing_to_do"))
    (shown,) = books.history()
    assert len(shown["service_periods"]) == 2
    assert given.again() == given.due


def test_inserted_anew_beside_the_one_that_bills_its_days_since(books: Billing) -> None:
    """A row that another invoice bills is not linked back, and stays with that."""
    given = invoiced(books)
    withdraw(books, "delete", given.invoice)
    again = books.generate(given.client)["o_invoice_id"]
    inserted_anew(books, given.invoice, whole=True)
    assert (plan(books), repair(books)) == ([], (0, "nothing_to_do"))
    assert len(books.findings("day_twice")) > 0
    assert withdraw(books, "delete", given.invoice)["o_rows"] == 0
    assert len(books.lines(again)) == 2
    assert books.findings("day_twice") == []


def test_twice_in_a_transaction(books: Billing) -> None:
    given = invoiced(books)
    with books.database.transaction():
        withdraw(books, "reverse", given.invoice)
        withdraw(books, "delete", given.invoice)
        inserted_anew(books, given.invoice, whole=False)
        assert withdraw(books, "reverse", given.invoice)["o_status"] == "reversed"
        assert withdraw(books, "reverse", given.invoice)["o_status"] == "already_reversed"
        assert withdraw(books, "delete", given.invoice)["o_status"] == "deleted"
    (shown,) = books.history()
    assert len(shown["service_periods"]) == 2
