"""Due work: ledger rows that an invoice may take, and what is said of them."""

from datetime import date

import pytest

from tests.invoices.books import LATE, Billing, identity
from tests.permissions.roles import roles_of
from tests.service_periods.books import APRIL, AS_OF, FEBRUARY, JANUARY, MARCH, Row


def keys(rows: list[Row]) -> list[str]:
    """Return the execution identities of some due work."""
    return [row["execution_identity_key"] for row in rows]


@pytest.mark.parametrize("state", ["generated", "edited", "locked"])
def test_unbilled_rows_are_due(books: Billing, state: str) -> None:
    line = books.line()
    row = books.period(line, JANUARY, FEBRUARY, lifecycle_state=state)
    (due,) = books.due()
    assert (due["record_id"], due["lifecycle_state"], due["reason"]) == (row, state, None)


@pytest.mark.parametrize("state", ["skipped", "superseded", "archived"])
def test_other_rows_are_not(books: Billing, state: str) -> None:
    books.period(books.line(), JANUARY, FEBRUARY, lifecycle_state=state)
    assert books.due() == []


def test_billed_and_quarantined_rows_are_not(books: Billing) -> None:
    books.billed(books.line(), JANUARY, FEBRUARY)
    books.period(books.line(), JANUARY, FEBRUARY, quarantine_reason="overlap")
    assert books.due() == []


def test_a_row_of_client_cadence_says_all(books: Billing) -> None:
    client = books.named("Cl'ient", currency="GBP")
    line = books.line(client, timing="arrears")
    row = books.period(
        line,
        JANUARY,
        FEBRUARY,
        activity_window_start=date(2025, 1, 5),
        activity_window_end=FEBRUARY,
        invoice_window_start=FEBRUARY,
        invoice_window_end=MARCH,
    )
    ((assignment,),) = books.database.execute(
        "SELECT client_contract_id FROM billing.client_contracts WHERE tenant = %s", (books.tenant,)
    ).fetchall()
    key = identity(line, JANUARY, FEBRUARY, (FEBRUARY, MARCH))
    (due,) = books.due()
    assert due.pop("page_key").startswith('["2025-03-01", "2025-02-01", "2025-02-01", "2025-01-01"')
    assert due == {
        "tenant": books.tenant,
        "execution_identity_key": key,
        "row_key": f"recurring-due-row:{key}",
        "selection_key": f"recurring-run-selection:{key}",
        "retry_key": f"recurring-run-retry:{key}",
        "reason": None,
        "record_id": row,
        "billing_cycle_id": None,
        "client_id": client,
        "client_name": "Cl'ient",
        "contract_id": line.contract,
        "contract_name": "Contract",
        "client_contract_id": assignment,
        "purchase_order_scope_id": None,
        "obligation_id": line.obligation,
        "contract_line_name": "Line",
        "obligation_type": "client_contract_line",
        "schedule_key": line.schedule_key,
        "period_key": "period:2025-01-01:2025-02-01",
        "cadence_owner": "client",
        "due_position": "arrears",
        "charge_family": "fixed",
        "lifecycle_state": "generated",
        "revision": 1,
        "service_period_start": JANUARY,
        "service_period_end": FEBRUARY,
        "invoice_window_start": FEBRUARY,
        "invoice_window_end": MARCH,
        "activity_window_start": date(2025, 1, 5),
        "activity_window_end": FEBRUARY,
        "due_state": "early",
        "available_on": FEBRUARY,
        "can_generate": False,
        "blocked_reason": None,
        "currency": "USD",
        "whole_period_start": None,
        "whole_period_end": None,
        "total_price_cents": None,
    }


def test_a_part_of_a_period_says_of_which(books: Billing) -> None:
    line = books.priced(None, 3100)
    whole = {"whole_period_start": JANUARY, "whole_period_end": FEBRUARY}
    books.period(line, date(2025, 1, 22), FEBRUARY, **whole)
    (due,) = books.due(as_of=FEBRUARY)
    (promised,) = books.preview(line.client, (date(2025, 1, 22), FEBRUARY))
    assert {name: due[name] for name in whole} == {name: promised[name] for name in whole} == whole
    assert due["total_price_cents"] == promised["total_price_cents"] == 1000


def test_a_row_belongs_to_the_assignment_in_which_it_begins(books: Billing) -> None:
    """An active one before an inactive one that begins with it."""
    line = books.line(end=FEBRUARY)
    ((first,),) = books.database.execute(
        "SELECT client_contract_id FROM billing.client_contracts WHERE tenant = %s", (books.tenant,)
    ).fetchall()
    second, third = (books.assign(line, FEBRUARY), books.assign(line, JANUARY, is_active=False))
    for start, end in ((JANUARY, FEBRUARY), (FEBRUARY, MARCH)):
        books.period(line, start, end)
    books.period(line, MARCH, APRIL, lifecycle_state="skipped")
    assert [row["client_contract_id"] for row in books.due()] == [second, first]
    books.database.execute(
        "UPDATE billing.client_contracts SET end_date = %s"
        " WHERE tenant = %s AND client_contract_id = %s",
        (date(2025, 1, 15), books.tenant, first),
    )
    assert [row["client_contract_id"] for row in books.due()] == [second, first]
    books.database.execute(
        "UPDATE billing.client_contracts SET end_date = start_date"
        " WHERE tenant = %s AND client_contract_id = %s",
        (books.tenant, first),
    )
    assert [row["client_contract_id"] for row in books.due()] == [second, third]


def test_the_identity_of_a_contract_window_includes_its_period(books: Billing) -> None:
    line = books.line(owner="contract")
    books.period(line, JANUARY, FEBRUARY)
    window = {"invoice_window_start": JANUARY, "invoice_window_end": FEBRUARY}
    books.period(line, FEBRUARY, MARCH, **window)
    assert keys(books.due()) == [
        identity(line, FEBRUARY, MARCH, (JANUARY, FEBRUARY)),
        identity(line, JANUARY, FEBRUARY),
    ]


def test_a_row_is_early_until_its_window_starts(books: Billing) -> None:
    books.period(books.line(), FEBRUARY, MARCH)
    (early,) = books.due(as_of=date(2025, 1, 31))
    (due,) = books.due(as_of=FEBRUARY)
    assert (early["due_state"], early["available_on"], early["can_generate"]) == (
        "early",
        FEBRUARY,
        False,
    )
    assert (due["due_state"], due["available_on"], due["can_generate"]) == ("due", FEBRUARY, True)
    assert books.due(as_of=date(2025, 1, 31), due_only=True) == []
    assert books.due(as_of=date(2025, 1, 31), due_only=True, limit=5) == []
    assert len(books.due(as_of=FEBRUARY, due_only=True, limit=5)) == 1


def test_identities_outlive_revisions_and_days(books: Billing) -> None:
    line = books.line()
    books.call()
    before = set(keys(books.due()))
    (january, *_) = books.ledger(line)
    books.perform(
        "edit_service_period",
        record_id=january["record_id"],
        activity_window_start=date(2025, 1, 3),
        activity_window_end=FEBRUARY,
        reason="later start",
    )
    books.call("regenerate")
    assert before <= set(keys(books.due(as_of=LATE)))


def test_a_row_of_a_vanished_line_is_shown_and_blocked(books: Billing) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    books.database.execute("DELETE FROM billing.contract_lines WHERE tenant = %s", (books.tenant,))
    for arguments in ({}, {"limit": 1}):
        (due,) = books.due(**arguments)
        assert (due["can_generate"], due["blocked_reason"]) == (False, "unknown_obligation")
    assert books.generate(line.client)["o_reason"] == "unknown_obligation"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (None, 5),
        ("", 5),
        ("ZEBRA", 1),
        ("_", 1),
        ("%", 1),
        ("o'b", 1),
        ('"', 1),
        ("züRICH", 1),
        ("zürich ag ", 0),
        ("\\", 0),
        ("r", 4),
    ],
)
def test_search(books: Billing, text: str | None, expected: int) -> None:
    for name in ("Zürich AG", "zebra_1", "100% Corp", "O'Brien", 'The "Quoted"'):
        books.period(books.line(books.named(name)), JANUARY, FEBRUARY)
        books.line(books.named(name), owner="contract")
    found = books.due(search=text)
    assert len(found) == 2 * expected
    assert found == list(books.pages("due_work", 2, search=text))
    assert {row["client_id"] for row in books.candidates(search=text)} == {
        row["client_id"] for row in found
    }


def test_one_client(books: Billing) -> None:
    line, _ = books.line(), books.line()
    books.call()
    found = books.due(client_id=line.client)
    assert {row["client_id"] for row in found} == {line.client}
    assert found == list(books.pages("due_work", 2, client_id=line.client))


def test_a_login_that_may_only_view_reads_all(books: Billing) -> None:
    books.period(books.line(), JANUARY, FEBRUARY)
    books.line(owner="contract")
    expected = books.due(), books.candidates()
    with roles_of(books.database) as roles:
        role = roles.make("viewer")
        roles.grant(books.tenant, role, "view")
        with roles.login(role) as login:
            viewer = Billing.__new__(Billing)
            viewer.database, viewer.tenant = login, books.tenant
            assert (viewer.due(), viewer.candidates()) == expected


DAY = '"2025-01-01"'


def test_nothing_of_another_tenant(books: Billing) -> None:
    other = Billing(books.database)
    other.period(other.line(), JANUARY, FEBRUARY)
    assert books.due() == books.due(limit=3) == []
    assert len(other.due(as_of=AS_OF)) == 1
