"""The nightly call: cycles and periods together or not at all, once, client by client."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.concurrency.sessions import outcome, sessions, until
from tests.conftest import Database
from tests.invoices.books import Billing
from tests.invoices.cycles import DECEMBER, ROW_BY_ROW, advance, chain, cycles_of, day
from tests.permissions.roles import roles_of
from tests.service_periods.books import (
    AS_OF,
    FEBRUARY,
    JANUARY,
    MARCH,
    Notices,
    Row,
    fingerprint,
    perform,
)


def test_schedules_of_both_cadences_are_replenished(books: Billing) -> None:
    client = books.client()
    books.cycle(client, DECEMBER, JANUARY)
    lines = [books.line(client, owner=owner, timing="arrears") for owner in ("client", "contract")]
    assert advance(books) == (1, 14, "done")
    assert advance(books, day(2, 10)) == (1, 2, "done")
    assert advance(books, day(2, 10)) == (0, 0, "nothing_to_do")
    assert [len(books.live(line)) for line in lines] == [8, 8]
    assert books.summary("replenish", as_of=day(2, 10))["backfilled"] == 0


def test_what_is_escalated_is_counted_and_left_alone(books: Billing) -> None:
    client = books.client()
    line, other = books.line(client), books.line(client, owner="contract", frequency="daily")
    assert advance(books) == (1, 7, "escalated")
    assert advance(books) == (0, 0, "escalated")
    assert books.live(other) == []
    [first, second] = books._query(
        "SELECT * FROM ops.runs WHERE tenant = %s AND procedure_name = 'advance_billing_cycles'"
        " ORDER BY started_at"
    )
    assert [run["new_escalations"] for run in (first, second)] == [1, 0]
    assert [run["schedules_escalated"] for run in (first, second)] == [1, 1]
    assert [run["schedules_done"] for run in (first, second)] == [2, 2]
    assert [run["rows_written"] for run in (first, second)] == [len(books.live(line)), 0]
    assert all(run["finished_at"] and run["status"] == "escalated" for run in (first, second))


def test_a_second_call_touches_no_row(books: Billing) -> None:
    for number in range(4):
        client = books.client(["weekly", "monthly"][number % 2])
        books.cycle(client, DECEMBER, JANUARY)
        books.line(client)
    assert advance(books)[2] == "done"
    before = books.database.execute(ROW_BY_ROW).fetchone()
    assert advance(books) == (0, 0, "nothing_to_do")
    assert books.database.execute(ROW_BY_ROW).fetchone() == before


def test_one_client_only(books: Billing) -> None:
    clients = [books.client() for _ in range(2)]
    for client in clients:
        books.line(client)
    assert advance(books, client_id=clients[1]) == (1, 7, "done")
    assert cycles_of(books, clients[0]) == []


def test_every_tenant(database: Database) -> None:
    tenants = [Billing(database) for _ in range(3)]
    for books in tenants[:2]:
        books.line()
    result = perform(database, "advance_billing_cycles", {"tenant": None, "as_of": AS_OF})
    assert result == {"o_cycles": 2, "o_rows": 14, "o_status": "done"}


def failing(books: Billing, client: UUID) -> str:
    """Let every ledger row of a client fail; return the name of the trigger."""
    name = f"fail_{client.int % 10**9}"
    books.database.execute(
        f"CREATE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql AS $$"
        " BEGIN RAISE EXCEPTION 'no such luck' USING ERRCODE = '22012'; END $$"
    )
    books.database.execute(
        f"CREATE TRIGGER {name} BEFORE INSERT ON billing.recurring_service_periods"
        f" FOR EACH ROW WHEN (NEW.client_id = '{client}') EXECUTE FUNCTION public.{name}()"
    )
    return name


def test_cycles_and_periods_come_together_or_not_at_all(books: Billing) -> None:
    clients = [books.client() for _ in range(3)]
    for client in clients:
        books.cycle(client, DECEMBER, JANUARY)
        books.line(client)
    trigger = failing(books, clients[1])
    notices = Notices(books.database)
    with pytest.raises(psycopg.errors.DivisionByZero):
        advance(books)
    assert [len(cycles_of(books, client)) for client in clients] == [2, 1, 2]
    assert len(books.ledger()) == 14
    assert notices.messages == [
        f"client {clients[1]} failed and is tried again at the end: no such luck"
    ]
    assert (notices.details[0]["client_id"], notices.details[0]["sqlstate"]) == (
        str(clients[1]),
        "22012",
    )
    books.database.execute(f"DROP TRIGGER {trigger} ON billing.recurring_service_periods")
    assert advance(books) == (1, 7, "done")
    runs = books._query("SELECT status, finished_at FROM ops.runs WHERE tenant = %s")
    assert {run["status"] for run in runs} == {"partial", "done"}
    assert all(run["finished_at"] for run in runs)


def test_an_unfinished_call_is_found_and_finished_by_the_next(books: Billing) -> None:
    client = books.client()
    books.line(client)
    trigger = failing(books, client)
    with pytest.raises(psycopg.errors.DivisionByZero):
        advance(books)
    books.database.execute(f"DROP TRIGGER {trigger} ON billing.recurring_service_periods")
    books.database.execute(
        "UPDATE ops.runs SET heartbeat_at = '2025-01-01' WHERE tenant = %s", (books.tenant,)
    )
    [finding] = books.findings("unfinished_run")
    assert finding["object_key"].startswith("advance_billing_cycles:advance-2025-01-10-")
    assert books.database.execute(finding["repair_call"]).fetchall() == [(1, 7, "done")]
    assert books.findings("unfinished_run") == []


@pytest.mark.parametrize("level", ["read committed", "repeatable read", "serializable"])
def test_two_sessions_at_once_add_each_cycle_once(
    books: Billing, shared_dsn: str, level: str
) -> None:
    clients = [books.client() for _ in range(3)]
    for client in clients:
        books.cycle(client, DECEMBER, JANUARY)
    calling = f"CALL billing.advance_billing_cycles('{books.tenant}', '{FEBRUARY}')"
    with sessions(shared_dsn, 3) as (holder, *pair):
        holder.execute("BEGIN")
        holder.execute(f"SELECT ops.mark_ledger_write('{books.tenant}')")
        for session in pair:
            session.execute(f"SET default_transaction_isolation = '{level}'")
        running = [session.start(calling) for session in pair]
        until(
            books.database,
            "SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = ANY (%s)"
            " AND wait_event_type = 'Lock'",
            ([session.pid for session in pair],),
        )
        holder.execute("COMMIT")
        outcomes = {outcome(call) for call in running}
    assert outcomes <= ({"00000"} if level == "read committed" else {"00000", "40001"})
    advance(books, FEBRUARY)
    for client in clients:
        assert cycles_of(books, client) == chain(DECEMBER, JANUARY, FEBRUARY, MARCH)


def test_who_does_not_wait_is_told_the_holder(books: Billing, shared_dsn: str) -> None:
    books.line()
    notices = Notices(books.database)
    with sessions(shared_dsn, 1) as (holder,):
        holder.execute("BEGIN")
        holder.execute(f"SELECT ops.mark_ledger_write('{books.tenant}')")
        assert advance(books, lock_timeout="10 ms") == (0, 0, "locked")
    assert notices.messages == [f"tenant {books.tenant} is locked by a session that is no run"]
    assert advance(books) == (1, 7, "done")


@pytest.mark.parametrize(
    ("arguments", "sqlstate"),
    [
        ({"as_of": None}, "DC001"),
        ({"as_of": "-infinity"}, "DC001"),
        ({"lock_timeout": None}, "DC001"),
        ({"lock_timeout": timedelta(days=8)}, "DC001"),
        ({"source_rule_version": ""}, "DC001"),
        ({"client_id": UUID(int=9)}, "DC003"),
        ({"tenant": UUID(int=9)}, "DC002"),
        ({"tenant": None, "client_id": UUID(int=9)}, "DC001"),
    ],
)
def test_bad_input(books: Billing, arguments: dict[str, object], sqlstate: str) -> None:
    before = fingerprint(books.database)
    given: dict[str, Any] = {"tenant": books.tenant, "as_of": AS_OF} | arguments
    with pytest.raises(psycopg.Error) as raised:
        perform(books.database, "advance_billing_cycles", given)
    assert raised.value.sqlstate == sqlstate
    assert fingerprint(books.database) == before


def test_not_inside_a_transaction_block(books: Billing) -> None:
    books.line()
    with (
        pytest.raises(psycopg.errors.InvalidTransactionTermination),
        books.database.transaction(),
    ):
        advance(books)
    assert books.ledger() == []


def test_it_takes_the_permission_to_regenerate(books: Billing) -> None:
    client = books.client()
    books.line(client)
    other = Billing(books.database)
    other.line()
    scope: Row = {"tenant": books.tenant, "as_of": AS_OF}
    with roles_of(books.database) as roles:
        role = roles.make("scheduler")
        roles.grant(books.tenant, role, "view", "manage_future", "correct_history")
        with roles.login(role) as login:
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                perform(login, "advance_billing_cycles", scope)
            assert "regenerate" in (raised.value.diag.message_hint or "")
            assert cycles_of(books, client) == []
            roles.grant(books.tenant, role, "regenerate")
            result = perform(login, "advance_billing_cycles", {**scope, "tenant": None})
    assert result == {"o_cycles": 1, "o_rows": 7, "o_status": "done"}
    assert other.ledger() == []
