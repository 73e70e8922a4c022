"""Linkage repair as a run: reviewed, dry, in batches, beside others, by whom it is permitted."""

from uuid import UUID

import psycopg
import pytest

from tests.concurrency.sessions import outcome, sessions, until
from tests.invoices.books import Billing
from tests.invoices.linkage import DETAILS, dangling, plan, repair, row_of, unlinked
from tests.notices import Notices
from tests.permissions.roles import roles_of
from tests.service_periods.books import (
    AS_OF,
    FEBRUARY,
    JANUARY,
    MARCH,
    fingerprint,
    perform,
    select,
)


def test_a_plan_that_was_reviewed(books: Billing) -> None:
    line = books.line()
    record = unlinked(books, line)
    books.invoice(line, JANUARY, FEBRUARY)
    [summary] = books.select("linkage_repair_summary")
    reviewed = {"expected_plan_hash": summary["plan_hash"]}
    books.invoice(line, JANUARY, FEBRUARY)
    assert repair(books, run_key="k", **reviewed) == (0, "stale_plan")
    assert row_of(books, record)["quarantine_reason"] == "missing_linkage"
    [summary] = books.select("linkage_repair_summary")
    for name in ("expected_plan_hash", "accept_escalations"):
        assert repair(books, **{name: summary["plan_hash"]}) == (0, "escalated")


def test_a_dry_run_writes_nothing(books: Billing) -> None:
    dangling(books, books.line())
    unlinked(books, books.line())
    notices = Notices(books.database)
    before = fingerprint(books.database)
    assert repair(books, dry_run=True) == (1, "escalated")
    assert fingerprint(books.database) == before
    assert (notices.details[0]["reopened"], notices.details[0]["reported"]) == (1, 1)
    [summary] = books.select("linkage_repair_summary")
    assert notices.details[0]["plan_hash"] == summary["plan_hash"]


def test_batches_and_resumption(books: Billing) -> None:
    records = [dangling(books, books.line()) for _ in range(5)]
    [summary] = books.select("linkage_repair_summary")
    common = {"run_key": "k", "batch_size": 2, "expected_plan_hash": summary["plan_hash"]}
    assert repair(books, **common, max_batches=1) == (2, "partial")
    assert repair(books, **common) == (5, "done")
    assert repair(books, **common) == (5, "done")
    run = books.run("k")
    assert (run["batches"], run["units_done"], run["units_total"]) == (3, 5, 5)
    assert {row_of(books, record)["lifecycle_state"] for record in records} == {"locked"}


def test_what_is_reported_is_recorded_once(books: Billing) -> None:
    line = books.line()
    unlinked(books, line)
    for known in (1, 0, 0):
        [summary] = books.select("linkage_repair_summary")
        assert summary["escalations"] == {"missing_linkage": 1}
        assert summary["new_escalations"] == known
        repair(books, run_key=str(known), client_id=line.client)
    [captured] = books._query(
        "SELECT reasons, captured_rows FROM ops.run_escalations WHERE tenant = %s AND run_key = '1'"
    )
    assert captured["reasons"] == ["missing_linkage"]
    assert len(captured["captured_rows"]) == 1


def test_a_part_of_the_books(books: Billing) -> None:
    lines = [books.line() for _ in range(3)]
    records = [dangling(books, line) for line in lines]
    assert repair(books, client_id=lines[1].client) == (1, "done")
    assert repair(books, schedule_key=lines[2].schedule_key) == (1, "done")
    assert [row[0] for row in plan(books)] == records[:1]


def test_the_plan_is_made_again_under_the_lock(books: Billing, shared_dsn: str) -> None:
    line = books.line()
    record = unlinked(books, line)
    books.invoice(line, JANUARY, FEBRUARY)
    other = books.invoice(line, FEBRUARY, MARCH)["invoice_charge_detail_id"]
    calling = f"CALL billing.repair_invoice_linkage('{books.tenant}', '{AS_OF}')"
    with sessions(shared_dsn) as (operator, night):
        operator.execute("BEGIN")
        operator.execute(f"SELECT ops.mark_ledger_write('{books.tenant}')")
        operator.execute(
            f"UPDATE {DETAILS} SET service_period_start = '2025-01-01',"
            f" service_period_end = '2025-02-01' WHERE invoice_charge_detail_id = '{other}'"
        )
        running = night.start(calling)
        night.wait_until_blocked_by(operator, books.database)
        operator.execute("COMMIT")
        assert outcome(running) == "00000"
        assert running.result() == [(0, 1, "escalated")]
    assert row_of(books, record)["lifecycle_state"] == "billed"
    assert plan(books)[0][2] == "report"


def test_two_repairs_at_once_are_one(books: Billing, shared_dsn: str) -> None:
    record = dangling(books, books.line())
    calling = f"CALL billing.repair_invoice_linkage('{books.tenant}', '{AS_OF}')"
    with sessions(shared_dsn, 3) as (holder, *pair):
        holder.execute("BEGIN")
        holder.execute(f"SELECT FROM ops.tenant_locks WHERE tenant = '{books.tenant}' FOR UPDATE")
        running = [session.start(calling) for session in pair]
        until(
            books.database,
            "SELECT count(*) = 2 FROM pg_stat_activity WHERE pid = ANY (%s)"
            " AND wait_event_type = 'Lock'",
            ([session.pid for session in pair],),
        )
        holder.execute("COMMIT")
        results = [result for call in running for result in call.result(30)]
    assert sorted(results) == [(0, 1, "nothing_to_do"), (1, 1, "done")]
    assert len(books._query("SELECT FROM billing.service_period_events WHERE tenant = %s")) == 1
    assert row_of(books, record)["lifecycle_state"] == "locked"


@pytest.mark.parametrize(
    ("arguments", "sqlstate"),
    [
        ({"as_of": None}, "DC001"),
        ({"as_of": "infinity"}, "DC001"),
        ({"client_id": UUID(int=9)}, "DC003"),
        ({"schedule_key": "none"}, "DC003"),
        ({"tenant": UUID(int=9)}, "DC002"),
        ({"batch_size": 0}, "DC001"),
        ({"tenant": None, "client_id": UUID(int=9)}, "DC001"),
    ],
)
def test_bad_input(books: Billing, arguments: dict[str, object], sqlstate: str) -> None:
    before = fingerprint(books.database)
    with pytest.raises(psycopg.Error) as raised:
        perform(
            books.database,
            "repair_invoice_linkage",
            {"tenant": books.tenant, "as_of": AS_OF} | arguments,
        )
    assert raised.value.sqlstate == sqlstate
    assert fingerprint(books.database) == before


def test_it_takes_the_permission_to_correct_history(books: Billing) -> None:
    record = dangling(books, books.line())
    with roles_of(books.database) as roles:
        role = roles.make("clerk")
        roles.grant(books.tenant, role, "view", "manage_future", "regenerate")
        scope = {"tenant": books.tenant, "as_of": AS_OF}
        with roles.login(role) as login:
            assert len(select(login, "plan_linkage_repair", scope)) == 1
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                perform(login, "repair_invoice_linkage", scope)
            assert "correct_history" in (raised.value.diag.message_hint or "")
            roles.grant(books.tenant, role, "correct_history")
            assert perform(login, "repair_invoice_linkage", scope)["o_rows"] == 1
    [event] = books._query(
        "SELECT acted_by FROM billing.service_period_events WHERE tenant = %s AND record_id = %s",
        record,
    )
    assert event["acted_by"] == role
