"""What the row of a run says of its call: that it lives, or how it ended."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.concurrency.sessions import Session, outcome, sessions, until
from tests.conftest import Database
from tests.service_periods.books import AS_OF, Books, Row, call, fill

FAIL = """
    CREATE FUNCTION public.fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.obligation_id::text ~ '(%s)$' THEN
            RAISE EXCEPTION USING ERRCODE = '22012', MESSAGE = 'no', DETAIL = 'd', HINT = 'h',
                CONSTRAINT = 'c', TABLE = 't';
        END IF;
        RETURN NEW;
    END $$;
    CREATE TRIGGER fail BEFORE INSERT ON billing.recurring_service_periods
        FOR EACH ROW EXECUTE FUNCTION public.fail();
"""
LONG = (
    "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => '2025-01-10',"
    " p_run_key => 'k', p_batch_size => 2, p_pause => '60 s')"
)


@pytest.fixture
def books(database: Database) -> Books:
    """Return a tenant with six lines, two a batch."""
    books = Books(database)
    fill(books, 6)
    return books


@dataclass
class Running:
    """A session, and the call of a run that it is in."""

    session: Session
    call: "Future[list[tuple[Any, ...]]]"

    @property
    def pid(self) -> int:
        return self.session.pid


@pytest.fixture
def running(dsn: str, books: Books) -> Iterator[Running]:
    """Return a run that is between its first batch and the second."""
    with sessions(dsn, 1) as [session]:
        call = session.start(LONG, (books.tenant,))
        until(books.database, "SELECT count(*) = 1 FROM ops.runs WHERE batches = 1")
        until(
            books.database,
            "SELECT query_start < now() AND wait_event = 'PgSleep' FROM pg_stat_activity"
            " WHERE pid = %s",
            (session.pid,),
        )
        yield Running(session, call)


def record(books: Books) -> Row:
    """Return a run as it is shown, which names the run that lives and no other."""
    cursor = books.database.cursor(row_factory=dict_row)
    cursor.execute("SELECT * FROM ops.run_records(p_tenant => %s)", (books.tenant,))
    [run] = cursor.fetchall()
    return run


def unfinished(books: Books) -> list[tuple[str, str]]:
    """Return what verify says of runs, as of a day long before they were."""
    return books.database.execute(
        "SELECT object_key, actual FROM billing.check_unfinished_run(%s, '2000-01-01')",
        (books.tenant,),
    ).fetchall()


def assert_resumes(books: Books) -> None:
    """Assert that a call with the same key brings the run to its end."""
    assert books.call(run_key="k", batch_size=2)["o_status"] == "done"
    run = record(books)
    assert (run["status"], run["sqlstate"], run["error"]) == ("done", None, None)
    assert (run["units_done"], run["batches"], len(books.ledger())) == (6, 3, 42)
    assert unfinished(books) == []


def test_running_while_it_runs(books: Books, running: Running) -> None:
    run = record(books)
    assert (run["status"], run["backend_pid"]) == ("running", running.pid)
    assert books.database.execute(
        "SELECT backend_start FROM pg_stat_activity WHERE pid = %s", (running.pid,)
    ).fetchall() == [(run["backend_start"],)]
    assert unfinished(books) == []


@pytest.mark.parametrize("end", ["cancel", "terminate"])
def test_interrupted_when_it_is_ended(books: Books, running: Running, end: str) -> None:
    books.database.execute(f"SELECT pg_{end}_backend(%s)".encode(), (running.pid,))
    assert outcome(running.call) == {"cancel": "57014", "terminate": "57P01"}[end]
    until(
        books.database,
        "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = %s AND state = 'active')",
        (running.pid,),
    )
    run = record(books)
    assert (run["status"], run["finished_at"], run["units_done"]) == ("interrupted", None, 2)
    stored = books.run("k")
    assert (stored["status"], stored["sqlstate"]) == {
        "cancel": ("interrupted", "57014"),
        "terminate": ("running", None),
    }[end]
    [(key, actual)] = unfinished(books)
    assert key == "backfill_service_periods:k"
    assert actual.startswith("interrupted, last heard of at ")
    assert_resumes(books)


def test_a_statement_timeout_is_told(books: Books) -> None:
    books.database.execute("SET statement_timeout = '1 s'")
    with pytest.raises(psycopg.errors.QueryCanceled):
        books.call(run_key="k", batch_size=2, pause="60 s")
    books.database.execute("RESET statement_timeout")
    run = books.run("k")
    assert (run["status"], run["sqlstate"]) == ("interrupted", "57014")
    assert run["error"] == "canceling statement due to statement timeout"
    assert_resumes(books)


def test_a_pid_that_is_used_again_is_no_live_run(books: Books, running: Running) -> None:
    books.database.execute("UPDATE ops.runs SET backend_start = backend_start - interval '1 s'")
    assert record(books)["status"] == "interrupted"


def test_a_backend_that_idles_runs_nothing(books: Books, dsn: str) -> None:
    assert books.call(run_key="k", batch_size=2, max_batches=1)["o_status"] == "partial"
    with psycopg.connect(dsn, autocommit=True) as other:
        other.execute("SELECT 1")
        books.database.execute(
            "UPDATE ops.runs SET status = 'running', backend_pid = a.pid,"
            " backend_start = a.backend_start FROM pg_stat_activity AS a WHERE a.pid = %s",
            (other.info.backend_pid,),
        )
        assert record(books)["status"] == "interrupted"
    assert_resumes(books)


def test_a_failure_is_told_as_it_was(books: Books) -> None:
    books.database.execute((FAIL % "3").encode())
    with pytest.raises(psycopg.errors.DivisionByZero) as raised:
        books.call(run_key="k", batch_size=2)
    diagnosis = raised.value.diag
    assert (diagnosis.message_primary, diagnosis.message_detail) == ("no", "d")
    assert (diagnosis.message_hint, diagnosis.constraint_name) == ("h", "c")
    run = books.run("k")
    assert (run["status"], run["sqlstate"], run["error"]) == ("failed", "22012", "no")
    assert (run["finished_at"], run["batches"], len(books.ledger())) == (None, 1, 14)
    [(_, actual)] = unfinished(books)
    assert actual.endswith(", no (SQLSTATE 22012)")
    books.database.execute("DROP TRIGGER fail ON billing.recurring_service_periods")
    assert_resumes(books)


def test_a_plan_that_cannot_be_made_is_told(books: Books) -> None:
    reviewed = books.summary()["plan_hash"]
    books.database.execute("ALTER FUNCTION billing.plan_batch RENAME TO hidden")
    with pytest.raises(psycopg.errors.UndefinedFunction):
        books.call(run_key="k", expected_plan_hash=reviewed)
    run = books.run("k")
    assert (run["status"], run["sqlstate"], run["plan_hash"]) == ("failed", "42883", reviewed)
    books.database.execute("ALTER FUNCTION billing.hidden RENAME TO plan_batch")
    assert books.call(run_key="k", expected_plan_hash=reviewed)["o_status"] == "done"


def test_the_nightly_advance_is_interrupted(books: Books, dsn: str) -> None:
    with sessions(dsn, 1) as [session], books.database.transaction():
        books.database.execute(
            "SELECT FROM ops.tenant_locks WHERE tenant = %s FOR UPDATE", (books.tenant,)
        )
        books.database.execute(
            "INSERT INTO ops.tenant_locks (tenant) SELECT %s ON CONFLICT DO NOTHING",
            (books.tenant,),
        )
        running = session.start(
            "CALL billing.advance_billing_cycles(p_tenant => %s, p_as_of => '2025-01-10',"
            " p_lock_timeout => '1 min')",
            (books.tenant,),
        )
        until(
            books.database,
            "SELECT pg_backend_pid() = ANY (pg_blocking_pids(%s))",
            (session.pid,),
        )
        books.database.execute("SELECT pg_cancel_backend(%s)", (session.pid,))
        assert outcome(running) == "57014"
    run = record(books)
    assert (run["status"], run["sqlstate"]) == ("interrupted", "57014")
    books.perform("advance_billing_cycles", as_of=AS_OF)
    assert unfinished(books) == []


def test_one_tenant_that_fails_keeps_no_other(database: Database) -> None:
    tenants = [Books(database) for _ in range(3)]
    for books in tenants:
        fill(books, 2)
    second = tenants[1]
    database.execute((FAIL.replace("obligation_id", "tenant") % str(second.tenant)).encode())
    notices: list[tuple[str | None, str | None]] = []
    database.add_notice_handler(lambda n: notices.append((n.severity, n.message_primary)))
    with pytest.raises(psycopg.Error) as raised:
        call(database, "backfill", {"tenant": None, "as_of": AS_OF, "run_key": "k"})
    failure = f"tenant {second.tenant}: no (SQLSTATE 22012)"
    assert raised.value.sqlstate == "DC006"
    assert raised.value.diag.message_detail == f"1 failed, the first is {failure}"
    assert (raised.value.diag.message_hint or "").startswith("All others are done and committed.")
    assert ("WARNING", f"failed: {failure}") in notices
    assert [books.run("k")["status"] for books in tenants] == ["done", "failed", "done"]
    assert [len(books.ledger()) for books in tenants] == [14, 0, 14]
    database.execute("DROP TRIGGER fail ON billing.recurring_service_periods")
    again = call(database, "backfill", {"tenant": None, "as_of": AS_OF, "run_key": "k"})
    assert again == {"o_rows": 42, "o_batches": 3, "o_status": "done"}


def test_a_run_key_of_other_arguments_is_seen_before_anything_is_written(
    database: Database,
) -> None:
    tenants = [Books(database) for _ in range(3)]
    for books in tenants:
        fill(books, 1)
    tenants[2].call(run_key="k", source_rule_version="other")
    with pytest.raises(psycopg.Error) as raised:
        call(database, "backfill", {"tenant": None, "as_of": AS_OF, "run_key": "k"})
    assert raised.value.sqlstate == "DC005"
    assert [len(books.ledger()) for books in tenants] == [0, 0, 7]
    with suppress(ValueError):
        tenants[0].run("k")
        pytest.fail("a run was registered")


def test_a_cancelled_call_goes_on_with_no_other_tenant(database: Database) -> None:
    tenants = [Books(database) for _ in range(2)]
    for books in tenants:
        fill(books, 2)
    database.execute("SET statement_timeout = '1 s'")
    given = {"tenant": None, "as_of": AS_OF, "run_key": "k", "batch_size": 1, "pause": "60 s"}
    with pytest.raises(psycopg.errors.QueryCanceled):
        call(database, "backfill", given)
    assert [len(books.ledger()) for books in tenants] == [7, 0]
