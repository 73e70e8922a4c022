"""Invoice candidates: due work of a client and window, and what generate_invoice makes of it."""

from datetime import date
from typing import Any
from uuid import UUID

import pytest

from tests.invoices.books import FALLBACK, LATE, WINDOW, Billing, identity
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Line, Row


def only(rows: list[Row]) -> Row:
    """Return the one row."""
    (row,) = rows
    return row


def assigned(books: Billing, client: UUID, /, *, po_required: bool) -> Line:
    """Add a line with a January row, under an assignment that may ask for purchase orders."""
    line = books.line(client)
    books.period(line, *WINDOW)
    books.database.execute(
        "UPDATE billing.client_contracts SET po_required = %s"
        " WHERE tenant = %s AND contract_id = %s",
        (po_required, books.tenant, line.contract),
    )
    return line


def in_currency(books: Billing, line: Line, currency: str) -> None:
    """Change the currency of a line's contract."""
    books.database.execute(
        "UPDATE billing.contracts SET currency = %s WHERE tenant = %s AND contract_id = %s",
        (currency, books.tenant, line.contract),
    )


def agrees(books: Billing, candidate: Row, **arguments: Any) -> bool:
    """Check that preview and generate say what the candidate says, without leaving a trace."""
    window = candidate["invoice_window_start"], candidate["invoice_window_end"]
    if candidate["candidate_key"].count(":") > 3:
        arguments["execution_identity_keys"] = candidate["execution_identity_keys"]
    with books.database.transaction(force_rollback=True):
        result = books.generate(candidate["client_id"], window, **arguments)
    if candidate["can_generate"]:
        return bool(result["o_status"] == "generated")
    expected = candidate["blocked_reason"] or "not_yet_due"
    return (result["o_status"], result["o_reason"]) == ("refused", expected)


def test_a_candidate_is_a_client_and_window(books: Billing) -> None:
    client = books.named("Client")
    advance, contract = books.line(client), books.line(client, owner="contract")
    arrears = books.line(client, date(2024, 12, 1), timing="arrears")
    window = {"invoice_window_start": JANUARY, "invoice_window_end": FEBRUARY}
    records = [
        books.period(arrears, date(2024, 12, 1), JANUARY, **window),
        books.period(advance, *WINDOW),
        books.period(contract, *WINDOW),
    ]
    books.period(advance, FEBRUARY, MARCH)
    books.period(books.line(), *WINDOW)
    identities = [
        identity(arrears, date(2024, 12, 1), JANUARY, WINDOW),
        identity(advance, *WINDOW),
        identity(contract, *WINDOW),
    ]
    joined = "|".join(sorted(identities))
    candidate = only([row for row in books.candidates(client_id=client) if row["can_generate"]])
    assert candidate.pop("page_key").startswith('["2025-02-01", "2025-01-01", "Client"')
    assert candidate == {
        "tenant": books.tenant,
        "candidate_key": f"invoice-candidate:{client}:2025-01-01:2025-02-01",
        "client_id": client,
        "client_name": "Client",
        "invoice_window_start": JANUARY,
        "invoice_window_end": FEBRUARY,
        "service_period_start": date(2024, 12, 1),
        "service_period_end": FEBRUARY,
        "cadence_owners": ["client", "contract"],
        "contract_id": None,
        "contract_name": None,
        "member_count": 3,
        "fallback_count": 0,
        "split_reasons": ["single_contract"],
        "due_state": "due",
        "available_on": JANUARY,
        "can_generate": True,
        "blocked_reason": None,
        "currency": "USD",
        "execution_identity_keys": identities,
        "record_ids": records,
        "selection_key": f"recurring-run-selection:{joined}",
        "retry_key": f"recurring-run-retry:{joined}",
    }


def test_a_unanimous_contract_is_named(books: Billing) -> None:
    line = books.line()
    books.period(line, *WINDOW)
    candidate = only(books.candidates())
    assert (candidate["contract_id"], candidate["contract_name"]) == (line.contract, "Contract")
    assert candidate["split_reasons"] == []


def test_two_assignments(books: Billing) -> None:
    client = books.named("Client")
    assigned(books, client, po_required=False), assigned(books, client, po_required=False)
    assert only(books.candidates())["split_reasons"] == ["single_contract"]


def test_two_assignments_with_purchase_orders(books: Billing) -> None:
    client = books.named("Client")
    assigned(books, client, po_required=True), assigned(books, client, po_required=True)
    expected = ["single_contract", "purchase_order_scope"]
    assert only(books.candidates())["split_reasons"] == expected


def test_several_currencies_are_a_candidate_each(books: Billing) -> None:
    client = books.named("Client")
    lines = {name: assigned(books, client, po_required=False) for name in ("USD", "EUR", "GBP")}
    lines["again"] = assigned(books, client, po_required=False)
    for name, currency in (("EUR", "EUR"), ("GBP", "GBP"), ("again", "EUR")):
        in_currency(books, lines[name], currency)
    credit = books.line(client, contract_line_type="credit")
    books.period(credit, *WINDOW)
    in_currency(books, credit, "CHF")
    found = {row["currency"]: row for row in books.candidates()}
    assert list(found) == ["CHF", "EUR", "GBP", "USD"]
    key = f"invoice-candidate:{client}:2025-01-01:2025-02-01"
    members = {
        "USD": [lines["USD"]],
        "EUR": [lines["EUR"], lines["again"]],
        "GBP": [lines["GBP"]],
        "CHF": [credit],
    }
    for currency, row in found.items():
        identities = sorted(identity(line, *WINDOW) for line in members[currency])
        assert row["candidate_key"] == f"{key}:{currency}"
        assert sorted(row["execution_identity_keys"]) == identities
        assert row["selection_key"] == f"recurring-run-selection:{'|'.join(identities)}"
        assert row["retry_key"] == f"recurring-run-retry:{'|'.join(identities)}"
        assert row["member_count"] == len(row["record_ids"]) == len(identities)
        assert row["split_reasons"][-1] == "financial_constraint"
        assert (row["can_generate"], row["blocked_reason"]) == (
            (False, "credit_line") if currency == "CHF" else (True, None)
        )
        assert agrees(books, row)
    assert books.generate(client)["o_reason"] == "several_currencies"
    for size in range(1, 6):
        assert list(books.pages("invoice_candidates", size)) == list(found.values())

    for currency in ("USD", "EUR"):
        keys = found[currency]["execution_identity_keys"]
        result = books.generate(client, execution_identity_keys=keys)
        assert result["o_status"] == "generated"
        assert books.header(result["o_invoice_id"])["currency"] == currency
    left = only(books.candidates())
    assert (left["candidate_key"], left["currency"]) == (key, None)
    assert left["split_reasons"] == ["single_contract", "financial_constraint"]
    assert books.generate(client)["o_status"] == "generated"


def test_pages_of_many_windows_in_two_currencies(books: Billing) -> None:
    """So many rows that a page first looks for the clients that are on it."""
    for number in range(60):
        client = books.named(f"Client {number % 7}")
        lines = [books.line(client) for _ in range(3)]
        for start, end in ((JANUARY, FEBRUARY), (FEBRUARY, MARCH)):
            for line in lines:
                books.period(line, start, end)
        if number % 2:
            in_currency(books, lines[0], "EUR")
    whole = books.candidates(as_of=MARCH)
    assert len(whole) == 60 * 2 + 30 * 2
    for size in (1, 2, 3, 50):
        assert list(books.pages("invoice_candidates", size, as_of=MARCH)) == whole


def test_an_early_window_is_split_as_well(books: Billing) -> None:
    client = books.named("Client")
    assigned(books, client, po_required=False)
    in_currency(books, assigned(books, client, po_required=False), "EUR")
    early = books.candidates(as_of=date(2024, 12, 31))
    assert [(row["currency"], row["due_state"]) for row in early] == [
        ("EUR", "early"),
        ("USD", "early"),
    ]
    assert [row["candidate_key"] for row in early] == [
        row["candidate_key"] for row in books.candidates()
    ]


def test_a_line_without_a_contract_is_in_its_clients_currency(books: Billing) -> None:
    """It never gets on the invoice of a contract in another."""
    client = books.named("Client", currency="GBP")
    euro, loose = (assigned(books, client, po_required=False) for _ in range(2))
    in_currency(books, euro, "EUR")
    books.database.execute(
        "UPDATE billing.contract_lines SET contract_id = NULL"
        " WHERE tenant = %s AND contract_line_id = %s",
        (books.tenant, loose.obligation),
    )
    found = {row["currency"]: row for row in books.candidates()}
    assert {row["currency"] for row in books.due()} == set(found) == {"EUR", "GBP"}
    assert books.generate(client)["o_reason"] == "several_currencies"
    for currency, row in found.items():
        keys = row["execution_identity_keys"]
        assert [
            line["currency"] for line in books.preview(client, execution_identity_keys=keys)
        ] == [currency]
        result = books.generate(client, execution_identity_keys=keys)
        assert books.header(result["o_invoice_id"])["currency"] == currency


def test_a_fallback_blocks_only_its_own_currency(books: Billing) -> None:
    client = books.named("Client")
    for currency in ("USD", "EUR"):
        in_currency(books, assigned(books, client, po_required=False), currency)
    missing = books.line(client)
    in_currency(books, missing, "EUR")
    books.cycle(client, *WINDOW)
    euro, dollar = books.candidates()
    assert (euro["currency"], euro["blocked_reason"]) == ("EUR", "partially_materialized")
    assert (dollar["can_generate"], agrees(books, dollar)) == (True, True)


def test_a_currency_that_bills_nothing_blocks_nothing(books: Billing) -> None:
    client = books.named("Client")
    assigned(books, client, po_required=False)
    hourly = books.line(client, contract_line_type="Hourly")
    books.period(hourly, *WINDOW, charge_family="hourly")
    in_currency(books, hourly, "EUR")
    candidate = only(books.candidates())
    assert candidate["can_generate"]
    assert candidate["split_reasons"] == ["single_contract", "financial_constraint"]
    assert agrees(books, candidate)


def test_a_fallback_blocks_the_whole_window(books: Billing) -> None:
    client = books.named("Client")
    there, missing = books.line(client), books.line(client)
    books.period(there, *WINDOW)
    books.cycle(client, *WINDOW)
    candidate = only(books.candidates())
    assert (candidate["member_count"], candidate["fallback_count"]) == (2, 1)
    assert (candidate["can_generate"], candidate["blocked_reason"]) == (
        False,
        "partially_materialized",
    )
    assert candidate["record_ids"] == [books.ledger(there)[0]["record_id"]]
    assert set(candidate["execution_identity_keys"]) == {
        identity(there, *WINDOW),
        identity(missing, *WINDOW),
    }
    assert agrees(books, candidate)


@pytest.mark.parametrize("state", [None, "billed", "skipped"])
def test_only_fallbacks_left(books: Billing, state: str | None) -> None:
    client = books.named("Client")
    books.line(client)
    books.cycle(client, *WINDOW)
    if state == "billed":
        books.billed(books.line(client), *WINDOW)
    elif state:
        books.period(books.line(client), *WINDOW, lifecycle_state=state)
    candidate = only(books.candidates())
    assert candidate["blocked_reason"] == FALLBACK
    assert candidate["record_ids"] == []
    assert agrees(books, candidate)


def test_an_early_candidate_is_available_later(books: Billing) -> None:
    """Arrears before its window; ready once the window has begun."""
    line = books.line(timing="arrears")
    window = {"invoice_window_start": FEBRUARY, "invoice_window_end": MARCH}
    books.period(line, *WINDOW, **window)
    early = only(books.candidates(as_of=date(2025, 1, 31)))
    assert (early["due_state"], early["available_on"]) == ("early", FEBRUARY)
    assert (early["can_generate"], early["blocked_reason"]) == (False, None)
    assert agrees(books, early, as_of=date(2025, 1, 31))
    assert books.candidates(as_of=date(2025, 1, 31), due_only=True) == []
    due = only(books.candidates(as_of=FEBRUARY, due_only=True))
    assert (due["due_state"], due["can_generate"]) == ("due", True)


def test_arrears_fall_back_from_march_to_april(books: Billing) -> None:
    client = books.named("Client")
    line = books.line(client, MARCH, timing="arrears")
    books.cycles(client, MARCH, APRIL, date(2025, 5, 1))
    candidate = only(books.candidates(as_of=APRIL))
    assert candidate["execution_identity_keys"] == [
        identity(line, MARCH, APRIL, (APRIL, date(2025, 5, 1)))
    ]


def test_blocked_reasons(books: Billing) -> None:
    hourly = books.line(books.named("Hourly"), contract_line_type="hourly")
    books.period(hourly, *WINDOW, charge_family="hourly")
    credit = books.line(books.named("Credit"), contract_line_type="Credit")
    books.period(credit, *WINDOW)
    negative = books.priced(books.named("Negative"), -5)
    books.period(negative, *WINDOW)
    billed = books.line(books.named("Billed"))
    books.period(billed, *WINDOW)
    books.invoice(billed, date(2025, 1, 31), FEBRUARY)
    template = books.template(books.named("Template"))
    books.period(template, *WINDOW)
    found = books.candidates()
    assert {row["client_name"]: row["blocked_reason"] for row in found} == {
        "Hourly": "nothing_billable",
        "Credit": "credit_line",
        "Negative": "credit_line",
        "Billed": "days_already_billed",
        "Template": "not_an_obligation",
    }
    assert not any(row["can_generate"] for row in found)
    assert all(agrees(books, row) for row in found)
    books.record(hourly, JANUARY, 5)
    assert "Hourly" in {row["client_name"] for row in books.candidates() if row["can_generate"]}


def test_a_detail_of_another_line_accounts_for_nothing(books: Billing) -> None:
    """A charge of two lines: the row of one is linked, the days of the other are billed as well."""
    client = books.named("Client")
    linked, unlinked = books.line(client), books.line(client)
    linkage = books.invoice(linked, *WINDOW)
    books.period(linked, *WINDOW, lifecycle_state="billed", **linkage)
    books.insert(
        "billing.invoice_charge_details",
        invoice_charge_detail_id=books.new_id(),
        invoice_charge_id=linkage["invoice_charge_id"],
        contract_line_id=unlinked.obligation,
        service_period_start=JANUARY,
        service_period_end=FEBRUARY,
    )
    books.period(unlinked, *WINDOW)
    candidate = only(books.candidates())
    assert candidate["blocked_reason"] == "days_already_billed"
    assert books.generate(client)["o_status"] == "already_invoiced"


def test_candidates_and_generate_agree(books: Billing) -> None:
    for number in range(12):
        client = books.named(f"Client {number}")
        for cents in (1000, -1, 0)[: number % 3 + 1]:
            books.period(books.priced(client, cents), *WINDOW)
        hourly = books.line(client, contract_line_type="usage", owner="contract")
        books.period(hourly, *WINDOW, charge_family="usage")
        if number % 2:
            books.record(hourly, JANUARY, 100)
            in_currency(books, hourly, "EUR")
        if number % 4 == 3:
            in_currency(books, books.line(client), "EUR")
            books.cycle(client, *WINDOW)
    found = books.candidates(as_of=LATE, client_id=None)
    assert len({row["blocked_reason"] for row in found}) > 2
    for row in found:
        if row["invoice_window_end"] == FEBRUARY:
            if row["fallback_count"] and row["candidate_key"].count(":") > 3:
                row["blocked_reason"] = FALLBACK  # of which one is asked for by its name
            assert agrees(books, row), row


PROFILES = [UUID(int=number) for number in range(3)]


@pytest.mark.parametrize(
    ("named", "applies"),
    [
        ((0, 0), False),
        ((0, None), True),
        ((0, 1), True),
        ((0, 2), True),
        ((2, None), False),
        ((None, None), False),
    ],
)
def test_a_profile_that_bills_separately(
    books: Billing, named: tuple[int | None, ...], applies: bool
) -> None:
    """The first two profiles do, the third does not."""
    client = books.named("Client")
    for number, profile in enumerate(PROFILES):
        books.insert(
            "billing.client_billing_profiles",
            billing_profile_id=profile,
            client_id=client,
            profile_name=f"Profile {number}",
            bills_separately=number < 2,
        )
    for place in named:
        line = assigned(books, client, po_required=False)
        books.database.execute(
            "UPDATE billing.client_contracts SET billing_profile_id = %s"
            " WHERE tenant = %s AND contract_id = %s",
            (None if place is None else PROFILES[place], books.tenant, line.contract),
        )
    candidate = only(books.candidates())
    expected = ["single_contract", *["billing_profile"] * applies]
    assert (candidate["split_reasons"], candidate["can_generate"]) == (expected, True)
    assert agrees(books, candidate)
