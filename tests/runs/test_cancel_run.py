"""A run is cancelled before its next batch; what is committed is kept, and its key says so."""

import psycopg
import pytest

from tests.concurrency.sessions import at_gate, put_gate, sessions, wait_at_gate
from tests.conftest import Database
from tests.runs.operators import CALL, ask, running, status
from tests.service_periods.books import AS_OF, Books, fill

KIND = "backfill_service_periods"


@pytest.fixture
def books(database: Database) -> Books:
    """Return a tenant with six lines, two a batch."""
    books = Books(database)
    fill(books, 6)
    return books


def test_it_ends_and_its_key_says_so(books: Books, dsn: str) -> None:
    with running(dsn, books) as run:
        assert ask(books.database, "cancel", reason="wrong day") == {"o_status": "running"}
        assert run.result() == (14, 1, "cancelled")
    kept = books.run("k")
    assert (kept["status"], kept["finished_at"]) == ("cancelled", kept["heartbeat_at"])
    again = {"o_rows": 14, "o_batches": 1, "o_status": "cancelled"}
    assert books.call(run_key="k", batch_size=2) == again
    assert len(books.ledger()) == 14
    for verb in ("pause", "resume", "cancel"):
        with pytest.raises(psycopg.Error) as raised:
            ask(books.database, verb)
        assert raised.value.sqlstate == "DC009"
        detail = raised.value.diag.message_detail or ""
        assert detail.startswith(f"run k of {KIND} is finished: cancelled at ")
    assert books.select("check_unfinished_run") == []


@pytest.mark.parametrize("before", ["partial", "paused"])
def test_a_run_without_a_call_is_cancelled_at_once(books: Books, before: str) -> None:
    books.call(run_key="k", batch_size=2, max_batches=1)
    if before == "paused":
        ask(books.database, "pause")
    assert ask(books.database, "cancel") == {"o_status": "cancelled"}
    assert books.call(run_key="k", batch_size=2)["o_status"] == "cancelled"


def test_who_cancels_does_not_wait_for_the_batch(books: Books, dsn: str) -> None:
    """Neither does the batch wait: it ends as it would, and no other follows."""
    with sessions(dsn, 2) as [batch, operator]:
        books.call(run_key="k", batch_size=2, max_batches=1)
        batch.begin("READ COMMITTED")
        batch.execute("SELECT ops._own_run(%s, %s, 'k')", (books.tenant, KIND))
        books.database.execute(
            "UPDATE ops.runs SET arguments = arguments WHERE run_key = 'another'"
        )
        found = operator.execute(
            "INSERT INTO ops.run_controls (tenant, procedure_name, run_key, number, control,"
            " asked_at, asked_by) VALUES (%s, %s, 'k', 1, 'cancel', now(), 'somebody')"
            " RETURNING control",
            (books.tenant, KIND),
        )
        assert found == [("cancel",)]
        batch.execute("COMMIT")
    assert books.call(run_key="k", batch_size=2)["o_status"] == "cancelled"


@pytest.mark.parametrize("verb", ["cancel", "pause"])
def test_a_run_without_rests_ends_after_the_batch_it_is_in(
    books: Books, dsn: str, verb: str
) -> None:
    put_gate(books.database)
    with sessions(dsn, 1) as [session]:
        with at_gate(books.database, str(books.tenant), 2):
            call = session.start(CALL.replace("'60 s'", "NULL"), (books.tenant,))
            wait_at_gate(books.database, session)
            assert ask(books.database, verb) == {"o_status": "running"}
            [found] = status(books.database)
            done = {"cancel": "cancelled", "pause": "paused"}[verb]
            assert found["waits_for"].startswith(f"the end of its batch: {done} by ")
        assert call.result(5) == [(28, 2, done)]


def test_the_nightly_advance_is_cancelled_before_its_next_client(books: Books, dsn: str) -> None:
    """It is not paused: no call would resume it, the next does what is left."""
    with sessions(dsn, 1) as [session], books.database.transaction():
        books.database.execute(
            "INSERT INTO ops.tenant_locks (tenant) SELECT %s ON CONFLICT DO NOTHING",
            (books.tenant,),
        )
    with sessions(dsn, 2) as [session, holder]:
        holder.begin("READ COMMITTED")
        holder.execute("SELECT FROM ops.tenant_locks WHERE tenant = %s FOR UPDATE", (books.tenant,))
        call = session.start(
            "CALL billing.advance_billing_cycles(p_tenant => %s, p_as_of => '2025-01-10',"
            " p_lock_timeout => '1 min')",
            (books.tenant,),
        )
        session.wait_until_blocked_by(holder, books.database)
        [run] = status(books.database)
        waits = f"the lock of the tenant held by session {holder.pid} (role postgres, "
        assert run["waits_for"].startswith(waits)
        key = run["run_key"]
        with pytest.raises(psycopg.Error) as raised:
            ask(books.database, "pause", run_key=key)
        assert raised.value.diag.message_detail == (
            "a run of advance_billing_cycles cannot be resumed, so it is not paused"
        )
        ask(books.database, "cancel", run_key=key)
        holder.execute("COMMIT")
        assert call.result(5) == [(0, 0, "cancelled")]
    assert books.ledger() == []
    books.perform("advance_billing_cycles", as_of=AS_OF)
    assert len(books.ledger()) == 42
