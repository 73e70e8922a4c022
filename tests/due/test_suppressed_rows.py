"""No invoice of nothing for a client who wants none: the rows stay due, and say so everywhere."""

from datetime import date
from uuid import UUID

import pytest

from tests.invoices.books import WINDOW, Billing, identity
from tests.service_periods.books import FEBRUARY, JANUARY, MARCH

SUPPRESSED = "zero_amount_suppressed"


def client_of(books: Billing, *, suppresses: bool = True, handling: str = "normal") -> UUID:
    """Add a client with billing settings."""
    client = books.named("Client")
    books.insert(
        "billing.client_billing_settings",
        client_id=client,
        suppress_zero_dollar_invoices=suppresses,
        zero_dollar_invoice_handling=handling,
    )
    return client


def reasons(books: Billing) -> dict[UUID, str | None]:
    """Return the blocked reason of each obligation that is due."""
    return {row["obligation_id"]: row["blocked_reason"] for row in books.due()}


def ended(books: Billing, client: UUID, *keys: str) -> tuple[str, str | None]:
    """Return how an invoice of January ends."""
    result = books.generate(client, execution_identity_keys=list(keys) or None)
    return result["o_status"], result["o_reason"]


@pytest.mark.parametrize(("cents", "quantity"), [(0, "1"), (100, "0"), (1, "0.4")])
def test_an_invoice_of_nothing(books: Billing, cents: int, quantity: str) -> None:
    client = client_of(books)
    lines = [books.priced(client, cents, quantity=quantity) for _ in range(2)]
    for line in lines:
        books.period(line, *WINDOW)
    assert reasons(books) == {line.obligation: SUPPRESSED for line in lines}
    (candidate,) = books.candidates()
    assert (candidate["can_generate"], candidate["blocked_reason"]) == (False, SUPPRESSED)
    assert books.preview(client) == []
    assert ended(books, client) == ("refused", SUPPRESSED)
    assert ended(books, client, identity(lines[0], *WINDOW)) == ("refused", SUPPRESSED)
    assert books.invoices() == 0
    assert {row["due_state"] for row in books.due()} == {"due"}
    assert reasons_early(books) == {None}


def reasons_early(books: Billing) -> set[str | None]:
    """Return what is said before the window begins."""
    return {row["blocked_reason"] for row in books.due(as_of=date(2024, 12, 31))}


def test_beside_what_costs_something_it_is_billed(books: Billing) -> None:
    client = client_of(books)
    free, dear = books.priced(client, 0), books.priced(client, 5)
    for line in (free, dear):
        books.period(line, *WINDOW)
    assert reasons(books) == {free.obligation: None, dear.obligation: None}
    assert ended(books, client, identity(free, *WINDOW)) == ("refused", SUPPRESSED)
    assert ended(books, client) == ("generated", None)
    assert books.due() == []


def test_what_is_left_alone_does_not_count(books: Billing) -> None:
    """Another window, client, or tenant, and what cannot be billed itself, make no amount."""
    client = client_of(books)
    free = books.priced(client, 0)
    books.period(free, *WINDOW)
    books.period(books.priced(client, 5), FEBRUARY, MARCH)
    books.period(books.priced(books.named("Other"), 5), *WINDOW)
    books.period(books.priced(client, 5, contract_line_type="credit"), *WINDOW)
    books.period(books.priced(client, 5), *WINDOW, lifecycle_state="skipped")
    assert reasons(books)[free.obligation] == SUPPRESSED
    assert ended(books, client) == ("refused", "credit_line")
    (candidate,) = books.candidates(client_id=client, due_only=True)
    assert candidate["blocked_reason"] == "credit_line"


def test_a_second_invoice_of_nothing(books: Billing) -> None:
    client = client_of(books)
    dear = books.priced(client, 5)
    books.period(dear, *WINDOW)
    assert ended(books, client) == ("generated", None)
    free = books.priced(client, 0)
    books.period(free, *WINDOW)
    assert reasons(books) == {free.obligation: SUPPRESSED}
    assert ended(books, client) == ("already_invoiced", SUPPRESSED)
    assert books.invoices() == 1


def test_of_several_currencies_each_by_itself(books: Billing) -> None:
    client = client_of(books)
    free, dear = books.priced(client, 0), books.priced(client, 5)
    for line in (free, dear):
        books.period(line, *WINDOW)
    books.database.execute(
        "UPDATE billing.contracts SET currency = 'EUR' WHERE tenant = %s AND contract_id = %s",
        (books.tenant, dear.contract),
    )
    assert reasons(books) == {free.obligation: SUPPRESSED, dear.obligation: None}
    (candidate,) = books.candidates()
    assert candidate["can_generate"]
    result = books.generate(client)
    assert (result["o_status"], result["o_reason"]) == ("generated", SUPPRESSED)
    assert books.header(result["o_invoice_id"])["currency"] == "EUR"


@pytest.mark.parametrize("handling", ["normal", "finalized"])
def test_who_does_not_say_so_gets_it(books: Billing, handling: str) -> None:
    """Beside the draft nothing else is made of an invoice of nothing."""
    for client in (client_of(books, suppresses=False, handling=handling), books.named("Other")):
        books.period(books.priced(client, 0), *WINDOW)
        assert ended(books, client) == ("generated", None)


def test_once_something_is_recorded(books: Billing) -> None:
    """Free and hourly lines together: suppressed, until there is an hour to bill."""
    client = client_of(books)
    free = books.priced(client, 0)
    hourly = books.line(client, contract_line_type="hourly")
    books.period(free, *WINDOW)
    books.period(hourly, *WINDOW, charge_family="hourly")
    assert reasons(books) == {free.obligation: SUPPRESSED, hourly.obligation: "nothing_billable"}
    assert ended(books, client) == ("refused", "nothing_billable")
    books.record(hourly, JANUARY, 5)
    assert set(reasons(books).values()) == {None}
    assert ended(books, client) == ("generated", None)
