"""The nightly call: cycles and periods together or not at all, once, client by client."""

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.concurrency.sessions import outcome, sessions, until
from tests.conftest import Database
from tests.invoices.books import Billing
from tests.invoices.cycles import DECEMBER, ROW_BY_ROW, advance, chain, cycles_of, day
from tests.notices import Notices
from tests.permissions.roles import roles_of
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, MARCH, Row, fingerprint, perform

FAILS = "RAISE EXCEPTION 'no such luck' USING ERRCODE = '22012'"


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
    assert [run["units_escalated"] for run in (first, second)] == [1, 1]
    assert [run["units_done"] for run in (first, second)] == [2, 2]
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


def failing(books: Billing, client: UUID, does: str = FAILS) -> None:
    """Let every ledger row of a client fail, or do something else instead."""
    name = f"fail_{client.int % 10**9}"
    books.database.execute(
        f"CREATE FUNCTION public.{name}() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {does}; RETURN NEW; END $$".encode()
    )
    books.database.execute(
        f"CREATE TRIGGER {name} BEFORE INSERT ON billing.recurring_service_periods"
        f" FOR EACH ROW WHEN (NEW.client_id = '{client}') EXECUTE FUNCTION public.{name}()"
    )


def mend(books: Billing, client: UUID) -> None:
    """Let the rows of a client be."""
    books.database.execute(f"DROP FUNCTION public.fail_{client.int % 10**9} CASCADE")


def runs(books: Billing) -> list[tuple[str, bool, object]]:
    """Return the status of each run, whether it is finished, and the clients that failed."""
    found = books._query("SELECT * FROM ops.runs WHERE tenant = %s ORDER BY started_at")
    return [
        (run["status"], run["finished_at"] is not None, run["counts"].get("clients_failed"))
        for run in found
    ]


def test_a_client_that_fails_keeps_no_other_waiting(books: Billing) -> None:
    """Its cycles and periods come together or not at all, and the call fails in the end."""
    clients = [books.client() for _ in range(3)]
    for client in clients:
        books.cycle(client, DECEMBER, JANUARY)
        books.line(client)
    failing(books, clients[1])
    notices = Notices(books.database)
    with pytest.raises(psycopg.Error) as raised:
        advance(books)
    failure = f"client {clients[1]} of tenant {books.tenant}: no such luck (SQLSTATE 22012)"
    assert raised.value.sqlstate == "DC006"
    assert raised.value.diag.message_primary == "some tenants or clients failed"
    assert raised.value.diag.message_detail == f"1 failed, the first is {failure}"
    assert "call again" in (raised.value.diag.message_hint or "")
    assert [len(cycles_of(books, client)) for client in clients] == [2, 1, 2]
    assert len(books.ledger()) == 14
    assert notices.messages == [f"failed: {failure}"]
    [told] = notices.details
    assert (told["client_id"], told["sqlstate"], told["message"]) == (
        str(clients[1]),
        "22012",
        "no such luck",
    )
    assert runs(books) == [("partial", True, 1)]
    mend(books, clients[1])
    assert advance(books) == (1, 7, "done")
    assert runs(books)[1:] == [("done", True, 0)]


def test_every_tenant_is_visited(database: Database) -> None:
    tenants = [Billing(database) for _ in range(3)]
    lines = [books.line() for books in tenants]
    for books, line in list(zip(tenants, lines, strict=True))[:2]:
        failing(books, line.client)
    with pytest.raises(psycopg.Error) as raised:
        perform(database, "advance_billing_cycles", {"tenant": None, "as_of": AS_OF})
    assert raised.value.sqlstate == "DC006"
    assert (raised.value.diag.message_detail or "").startswith(
        f"2 failed, the first is client {lines[0].client} of tenant {tenants[0].tenant}: "
    )
    assert [len(books.ledger()) for books in tenants] == [0, 0, 7]
    assert [status for books in tenants for status, *_ in runs(books)] == [
        "partial",
        "partial",
        "done",
    ]


def test_a_tenant_whose_run_cannot_be_opened(database: Database) -> None:
    first, second = (Billing(database) for _ in range(2))
    for books in (first, second):
        books.line()
    database.execute(
        "ALTER TABLE ops.runs ADD CONSTRAINT not_this_one"
        f" CHECK (tenant <> '{first.tenant}')".encode()
    )
    with pytest.raises(psycopg.Error) as raised:
        perform(database, "advance_billing_cycles", {"tenant": None, "as_of": AS_OF})
    assert raised.value.sqlstate == "DC006"
    assert f"the first is tenant {first.tenant}: " in (raised.value.diag.message_detail or "")
    assert [len(books.ledger()) for books in (first, second)] == [0, 7]
    with pytest.raises(psycopg.errors.CheckViolation):
        advance(first)


@pytest.mark.parametrize("broken", ["cycle", "line"])
def test_a_client_that_cannot_be_planned(books: Billing, broken: str) -> None:
    """Dates at the end of time make planning all clients at once fail."""
    sound, strange = books.client(), books.client("weekly")
    books.line(sound)
    books.line(sound, owner="contract", frequency="daily")
    if broken == "cycle":
        books.cycle(strange, DECEMBER, "-infinity")  # type: ignore[arg-type]
    else:
        line = books.line(strange)
        books.database.execute(
            "UPDATE billing.client_contracts SET start_date = '5874897-12-01'"
            " WHERE contract_id = %s",
            (line.contract,),
        )
    with pytest.raises(psycopg.Error) as raised:
        advance(books)
    assert raised.value.sqlstate == "DC006"
    assert f"1 failed, the first is client {strange} " in (raised.value.diag.message_detail or "")
    assert len(books.ledger()) == 7
    assert len(cycles_of(books, sound)) == 1
    [run] = books._query("SELECT * FROM ops.runs WHERE tenant = %s")
    assert (run["status"], run["units_escalated"], run["rows_written"]) == ("partial", 1, 7)


def test_a_cancelled_call_ends(books: Billing) -> None:
    clients = [books.client() for _ in range(2)]
    for client in clients:
        books.line(client)
    failing(books, clients[0], "PERFORM pg_sleep(5)")
    books.database.execute("SET statement_timeout = '300 ms'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        advance(books)
    books.database.execute("RESET statement_timeout")
    assert books.ledger() == []


def test_an_unfinished_call_is_found_and_finished_by_the_next(
    books: Billing, shared_dsn: str
) -> None:
    books.line()
    with sessions(shared_dsn, 1) as (holder,):
        holder.execute("BEGIN")
        holder.execute(f"SELECT ops.mark_ledger_write('{books.tenant}')")
        assert advance(books, lock_timeout="10 ms")[2] == "locked"
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
    [told] = notices.messages
    where = rf"tenant {books.tenant} is locked by session \d+ \(role \w+, idle in transaction, "
    assert re.match(where, told)
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
