"""The checks of an adopted ledger: nothing in healthy books, and what was planted."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from duecourse import adoption
from duecourse.profile import Wanted
from tests.books import NORTHLIGHT
from tests.conftest import Database
from tests.profiles.application import INSERT_OVERLAPPING

Finding = tuple[str, str | None, str | None]
Find = Callable[[str], list[Finding]]


@pytest.fixture(scope="module")
def books(shared_alga: Database) -> Database:
    """Return adopted books, judged."""
    shared_alga.execute("CALL billing.judge_ledger(%s)", (NORTHLIGHT,))
    return shared_alga


@pytest.fixture
def found(books: Database) -> Find:
    """Return what gives the findings of a check: object_key, actual, repair_call."""

    def find(check: str) -> list[Finding]:
        query = f"SELECT object_key, actual, repair_call FROM billing.check_{check}"
        query += "(%s, '2026-11-20') ORDER BY object_key"
        return books.execute(query.encode(), (NORTHLIGHT,)).fetchall()

    return find


def some(books: Database, query: str) -> Any:
    """Return the first of what a query gives."""
    return books.execute(query.encode(), (NORTHLIGHT,)).fetchall()[0][0]


def test_unjudged_row(books: Database, found: Find) -> None:
    assert found("unjudged_row") == []
    record = some(
        books,
        "SELECT record_id FROM billing.recurring_service_periods WHERE tenant = %s"
        " AND lifecycle_state = 'generated' AND quarantine_reason IS NULL ORDER BY record_id",
    )
    change = "UPDATE public.recurring_service_periods SET lifecycle_state = %s WHERE record_id = %s"
    books.execute(change.encode(), ("billed", record))
    [(key, actual, repair)] = found("unjudged_row")
    assert (key, actual) == (str(record), "sound")
    assert repair == f"CALL billing.judge_ledger(p_tenant => '{NORTHLIGHT}')"
    books.execute(repair.encode())
    assert found("unjudged_row") == []
    books.execute(change.encode(), ("generated", record))
    books.execute(repair.encode())


def test_detail_of_no_line(books: Database, found: Find) -> None:
    assert found("detail_of_no_line") == []
    detail, config = books.execute(
        "SELECT item_detail_id, config_id FROM public.invoice_charge_details WHERE tenant = %s"
        " ORDER BY item_detail_id LIMIT 1",
        (NORTHLIGHT,),
    ).fetchall()[0]
    change = "UPDATE public.invoice_charge_details SET config_id = {} WHERE item_detail_id = %s"
    books.execute(change.format("gen_random_uuid()").encode(), (detail,))
    assert found("detail_of_no_line") == [(str(detail), None, None)]
    shown = (
        "SELECT count(*) FROM billing.invoice_charge_details WHERE invoice_charge_detail_id = %s"
    )
    assert books.execute(shown.encode(), (detail,)).fetchall() == [(0,)]
    books.execute(change.format(f"'{config}'").encode(), (detail,))
    assert found("detail_of_no_line") == []


def test_profile_cycle(books: Database, found: Find) -> None:
    assert found("profile_cycle") == []
    line, profile, client = books.execute(
        "SELECT o.obligation_id, p.billing_profile_id, o.client_id"
        " FROM billing.recurring_obligations AS o"
        " JOIN public.client_billing_profiles AS p ON p.client_id = o.client_id AND p.is_default"
        " JOIN public.clients AS c ON c.client_id = o.client_id"
        " WHERE o.tenant = %s AND o.status = 'live' AND o.cadence_owner = 'client'"
        "     AND c.billing_cycle <> 'weekly'"
        "     AND NOT EXISTS ("
        "         SELECT FROM public.client_contracts AS a"
        "         WHERE a.contract_id = o.contract_id AND a.billing_profile_id IS NOT NULL)"
        " ORDER BY 1 LIMIT 1",
        (NORTHLIGHT,),
    ).fetchall()[0]
    change = "UPDATE public.client_billing_profiles SET billing_cycle = %s"
    change += " WHERE billing_profile_id = %s"
    books.execute(change.encode(), ("weekly", profile))
    keys = {key for key, actual, repair in found("profile_cycle") if actual == "weekly"}
    assert str(line) in keys
    [cycle] = books.execute(
        "SELECT billing_cycle FROM public.clients WHERE client_id = %s", (client,)
    ).fetchall()
    # Its client's own, however it is written, makes no difference.
    books.execute(change.encode(), (cycle[0].upper(), profile))
    assert found("profile_cycle") == []
    books.execute(change.encode(), (None, profile))
    assert found("profile_cycle") == []


def test_recommended_index(books: Database, shared_alga_dsn: str, found: Find) -> None:
    assert {(actual, repair) for _, actual, repair in found("recommended_index")} == {
        ("missing", "duecourse adopt alga --indexes")
    }
    adoption.adopt(shared_alga_dsn, Wanted("alga", indexes=True))
    assert found("recommended_index") == []
    books.execute(
        "UPDATE pg_index SET indisvalid = false"
        " WHERE indexrelid = 'public.duecourse_lines_contract_idx'::regclass"
    )
    assert found("recommended_index") == [
        ("duecourse_lines_contract_idx", "invalid", "duecourse adopt alga --indexes")
    ]
    adoption.adopt(shared_alga_dsn, Wanted("alga", indexes=True))
    assert found("recommended_index") == []


def test_guards_that_were_chosen(books: Database, shared_alga_dsn: str, found: Find) -> None:
    assert found("ledger_guard") == []
    adoption.adopt(shared_alga_dsn, Wanted("alga", guards=True))
    assert found("ledger_guard") == []
    books.execute(
        "DROP TRIGGER recurring_service_periods_guard_insert ON recurring_service_periods"
    )
    assert found("ledger_guard") == [
        (
            "recurring_service_periods_guard_insert",
            "missing",
            "duecourse adopt alga --guards on",
        )
    ]
    adoption.adopt(shared_alga_dsn, Wanted("alga", guards=True))
    assert found("ledger_guard") == []


def test_a_row_that_does_not_fit_stays_in_quarantine(books: Database) -> None:
    """Rule L1 for what leaves quarantine; guards are on."""
    line = some(
        books,
        "SELECT obligation_id FROM billing.recurring_service_periods WHERE tenant = %s"
        " AND lifecycle_state = 'generated' AND quarantine_reason IS NULL ORDER BY obligation_id",
    )
    books.execute("SET session_replication_role = replica")
    books.execute(INSERT_OVERLAPPING.format(line=line).encode())
    books.execute("RESET session_replication_role")
    books.execute("CALL billing.judge_ledger(%s)", (NORTHLIGHT,))
    with pytest.raises(psycopg.errors.ExclusionViolation) as raised:
        books.execute(
            "UPDATE billing.ledger_side AS s SET quarantine_reason = NULL"
            " FROM public.recurring_service_periods AS r"
            " WHERE r.record_id = s.record_id AND r.obligation_id = %s"
            " AND s.quarantine_reason = 'overlap'",
            (line,),
        )
    assert raised.value.diag.message_hint == "Supersede or archive one of the two first."
