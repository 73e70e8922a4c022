"""generate_invoice: what is billed, linked and refused. Every call is compared with its preview."""

from datetime import date
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.invoices.books import (
    FALLBACK,
    INVALID,
    WINDOW,
    Billing,
    identity,
    refused,
)
from tests.permissions.roles import roles_of
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Line, Row, fingerprint


@pytest.fixture
def line(books: Billing) -> Line:
    """Return a line with January in the ledger."""
    line = books.priced()
    books.period(line, *WINDOW)
    return line


def ended(result: Row) -> tuple[str, str | None]:
    """Return status and reason of a call."""
    return result["o_status"], result["o_reason"]


@pytest.mark.parametrize("owner", ["client", "contract"])
def test_an_invoice_and_its_links(books: Billing, owner: str) -> None:
    line = books.priced(owner=owner, timing="arrears", start=date(2025, 1, 5))
    books.call()
    before = books.ledger(line)
    row = before[0]
    window = row["invoice_window_start"], row["invoice_window_end"]
    result = books.generate(line.client, window, as_of=APRIL, invoice_number="R-1")
    assert ended(result) == ("generated", None)
    header = books.header(result["o_invoice_id"])
    shown = ("invoice_number", "status", "invoice_date", "currency", "billing_cycle_id")
    assert [header[name] for name in shown] == ["R-1", "draft", APRIL, "USD", None]
    assert (header["invoice_window_start"], header["invoice_window_end"]) == window
    (written,) = books.lines(result["o_invoice_id"])
    assert written["service_period_start"] == date(2025, 1, 5)
    assert written["service_period_end"] == row["service_period_end"]
    after = books.ledger(line)
    billed = after[0]
    changed = {name for name in row if row[name] != billed[name]}
    assert changed == {
        "lifecycle_state",
        "invoice_id",
        "invoice_charge_id",
        "invoice_charge_detail_id",
        "invoice_linked_at",
        "updated_at",
    }
    assert billed["lifecycle_state"] == "billed"
    assert after[1:] == before[1:]
    for check in ("billed_linkage", "linkage_target", "detail_mismatch", "double_billed"):
        assert books.findings(check) == []


def test_the_number_and_date_have_defaults(books: Billing, line: Line) -> None:
    header = books.header(books.generate(line.client)["o_invoice_id"])
    assert header["invoice_date"] == JANUARY
    assert header["invoice_number"].startswith("DC-")


def test_twice_gives_the_same_invoice(books: Billing, line: Line) -> None:
    first = books.generate(line.client)
    before = books.ledger(), books.header(first["o_invoice_id"])
    second = books.generate(line.client)
    assert second == first | {"o_status": "already_invoiced"}
    assert (books.ledger(), books.header(first["o_invoice_id"])) == before
    assert books.invoices() == 1
    keys = [identity(line, *WINDOW)]
    assert books.generate(line.client, execution_identity_keys=keys) == second


def test_a_line_added_to_an_invoiced_window(books: Billing, line: Line) -> None:
    first = books.generate(line.client)
    added = books.priced(line.client, 5)
    books.period(added, *WINDOW)
    second = books.generate(line.client)
    assert ended(second) == ("generated", "some_already_invoiced")
    assert [row["obligation_id"] for row in books.lines(second["o_invoice_id"])] == [
        added.obligation
    ]
    assert len(books.lines(first["o_invoice_id"])) == 1
    assert books.generate(line.client)["o_status"] == "already_invoiced"


def test_what_is_left_due_beside_what_is_invoiced(books: Billing, line: Line) -> None:
    """The same call gives the same invoice; asked for alone, what is left is refused."""
    hourly = books.line(line.client, contract_line_type="hourly")
    books.period(hourly, *WINDOW, charge_family="hourly")
    first = books.generate(line.client)
    assert ended(first) == ("generated", "nothing_billable")
    left = {"o_invoice_id": None, "o_status": "refused", "o_reason": "nothing_billable"}
    billed, due = identity(line, *WINDOW), identity(hourly, *WINDOW)
    assert books.generate(line.client, execution_identity_keys=[due]) == left
    for keys in (None, [billed, due]):
        assert books.generate(line.client, execution_identity_keys=keys) == first | {
            "o_status": "already_invoiced"
        }
    assert books.generate(line.client, execution_identity_keys=[billed]) == first | {
        "o_status": "already_invoiced",
        "o_reason": None,
    }
    assert books.invoices() == 1


def test_some_of_a_window(books: Billing, line: Line) -> None:
    other = books.priced(line.client)
    books.period(other, *WINDOW)
    chosen = identity(other, *WINDOW)
    first = books.generate(line.client, execution_identity_keys=[chosen, chosen])
    assert ended(first) == ("generated", None)
    assert [row["obligation_id"] for row in books.lines(first["o_invoice_id"])] == [
        other.obligation
    ]
    keys = [chosen, identity(line, *WINDOW)]
    assert ended(books.generate(line.client, execution_identity_keys=keys)) == (
        "generated",
        "some_already_invoiced",
    )
    result = books.generate(line.client, execution_identity_keys=[chosen])
    assert result == first | {"o_status": "already_invoiced"}


def test_an_unknown_identity(books: Billing, line: Line) -> None:
    for keys in (["x"], [identity(line, *WINDOW), "x"], [identity(line, FEBRUARY, MARCH)]):
        result = books.generate(line.client, execution_identity_keys=keys)
        assert result == {
            "o_invoice_id": None,
            "o_status": "refused",
            "o_reason": "unknown_execution_identity",
        }
    assert books.invoices() == 0


@pytest.mark.parametrize("owner", ["client", "contract"])
def test_a_period_without_a_row(books: Billing, line: Line, owner: str) -> None:
    missing = books.priced(line.client, owner=owner)
    books.cycle(line.client, *WINDOW)
    if owner == "client":
        books.period(books.priced(line.client), FEBRUARY, MARCH)
    assert ended(books.generate(line.client)) == ("refused", "partially_materialized")
    keys = [identity(missing, *WINDOW)]
    assert ended(books.generate(line.client, execution_identity_keys=keys)) == (
        "refused",
        FALLBACK,
    )
    keys = [identity(line, *WINDOW)]
    assert ended(books.generate(line.client, execution_identity_keys=keys)) == ("generated", None)
    assert ended(books.generate(line.client)) == ("refused", FALLBACK)
    books.call(as_of=JANUARY)
    assert ended(books.generate(line.client)) == ("generated", "some_already_invoiced")


def test_before_its_window(books: Billing, line: Line) -> None:
    early = books.generate(line.client, as_of=date(2024, 12, 31))
    assert ended(early) == ("refused", "not_yet_due")
    assert ended(books.generate(line.client, as_of=JANUARY)) == ("generated", None)


def test_a_window_with_deferred_rows(books: Billing, line: Line) -> None:
    later = books.period(line, FEBRUARY, MARCH)
    books.perform(
        "defer_service_period",
        record_id=books.ledger(line)[0]["record_id"],
        invoice_window_start=FEBRUARY,
        invoice_window_end=MARCH,
        reason="later",
    )
    assert ended(books.generate(line.client)) == ("refused", "nothing_due")
    result = books.generate(line.client, (FEBRUARY, MARCH))
    lines = books.lines(result["o_invoice_id"])
    assert ended(result) == ("generated", None)
    assert len(lines) == 2
    assert later in {row["record_id"] for row in lines}


@pytest.mark.parametrize(("state", "reason"), [("skipped", "skipped"), ("archived", "nothing_due")])
def test_a_row_that_is_not_due(books: Billing, line: Line, state: str, reason: str) -> None:
    books.move(books.ledger(line)[0]["record_id"], state)
    assert ended(books.generate(line.client)) == ("refused", reason)


def test_a_quarantined_row(books: Billing) -> None:
    line = books.priced()
    books.period(line, *WINDOW, quarantine_reason="overlap")
    assert ended(books.generate(line.client)) == ("refused", "nothing_due")


def test_another_client_is_left_alone(books: Billing, line: Line) -> None:
    other = books.priced()
    books.period(other, *WINDOW)
    books.generate(line.client)
    assert books.live(other) == [(*WINDOW, "generated")]


DAYS = {"window_start": JANUARY, "window_end": FEBRUARY}


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"tenant": None}, "p_tenant is null"),
        ({"client_id": None}, "p_client_id is null"),
        ({"window_start": None}, "p_window_start is null"),
        ({"window_start": "-infinity"}, "p_window_start is -infinity"),
        ({"window_end": "infinity"}, "p_window_end is infinity"),
        (
            {"window_end": JANUARY},
            "the window from 2025-01-01 to 2025-01-01 is empty (its end is exclusive)",
        ),
        ({"execution_identity_keys": []}, "p_execution_identity_keys is empty"),
        ({"execution_identity_keys": [None]}, "p_execution_identity_keys contains null"),
        ({"as_of": "infinity"}, "p_as_of is infinity, not a day of the years 1 to 9999"),
        ({"invoice_number": ""}, "p_invoice_number is blank"),
        ({"invoice_number": " \t"}, "p_invoice_number is blank"),
        (
            {"window_start": "10000-01-01", "window_end": "10000-02-01"},
            "p_window_start is 10000-01-01, not a day from 0001-01-01 to 9999-07-04",
        ),
        (
            {"window_start": "9999-07-05", "window_end": "9999-08-01"},
            "p_window_start is 9999-07-05, not a day from 0001-01-01 to 9999-07-04",
        ),
        (
            {"window_start": "0001-12-31 BC"},
            "p_window_start is 0001-12-31 BC, not a day from 0001-01-01 to 9999-07-04",
        ),
        (
            {"as_of": "9999-07-05"},
            "p_as_of is 9999-07-05, too late for a horizon of 180 days: 9999-07-04 is the latest",
        ),
    ],
)
def test_bad_arguments(books: Billing, line: Line, arguments: dict[str, Any], detail: str) -> None:
    given = {"client_id": line.client} | DAYS | arguments
    diagnosis = refused(books, "generate_invoice", **given)
    assert (diagnosis.sqlstate, diagnosis.message_primary) == ("DC001", INVALID)
    assert diagnosis.message_detail == detail
    assert diagnosis.message_hint


def test_unknown_tenant_and_client(books: Billing, line: Line) -> None:
    for arguments, sqlstate in (({"tenant": uuid4()}, "DC002"), ({"client_id": uuid4()}, "DC003")):
        diagnosis = refused(
            books, "generate_invoice", **{"client_id": line.client} | DAYS | arguments
        )
        assert diagnosis.sqlstate == sqlstate
        assert diagnosis.message_hint


def test_all_of_it_belongs_to_the_callers_transaction(books: Billing, line: Line) -> None:
    before = fingerprint(books.database)
    with books.database.transaction(force_rollback=True):
        invoice = books.generate(line.client)["o_invoice_id"]
        assert books.perform("delete_invoice", invoice_id=invoice, reason="r")["o_rows"] == 1
        again = books.generate(line.client)["o_invoice_id"]
        books.perform("reverse_invoice", invoice_id=again, reason="r")
    assert fingerprint(books.database) == before


def test_a_login_that_may_only_manage_the_future(books: Billing, line: Line) -> None:
    """Preview asks for view; generate and all that it reads does not."""
    books.priced(line.client, owner="contract")
    keys = [identity(line, *WINDOW)]
    with roles_of(books.database) as roles:
        role = roles.make("manager")
        roles.grant(books.tenant, role, "manage_future")
        with roles.login(role) as login:
            manager = Billing.__new__(Billing)
            manager.database, manager.tenant = login, books.tenant
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                manager.preview(line.client)
            given = {"client_id": line.client} | DAYS
            whole = manager.perform("generate_invoice", **given)
            assert ended(whole) == ("refused", "partially_materialized")
            some = manager.perform("generate_invoice", **given, execution_identity_keys=keys)
            assert ended(some) == ("generated", None)


def test_settings_of_the_session_do_not_matter(books: Billing, line: Line) -> None:
    keys = [identity(line, *WINDOW)]
    with books.database.transaction():
        books.database.execute("SET LOCAL datestyle = 'German, DMY'")
        books.database.execute("SET LOCAL timezone = 'Pacific/Kiritimati'")
        result = books.generate(line.client, execution_identity_keys=keys)
    assert ended(result) == ("generated", None)
    assert books.header(result["o_invoice_id"])["invoice_date"] == JANUARY
