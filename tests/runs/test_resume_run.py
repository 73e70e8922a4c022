"""A run goes on where it stopped, with the arguments of its record, faster or slower."""

import psycopg
import pytest

from tests.charges.owner import Owner
from tests.charges.runs import fill as fill_accounts
from tests.charges.runs import record, rents
from tests.concurrency.sessions import sessions
from tests.conftest import Database
from tests.runs.operators import CALL, ask, running
from tests.service_periods.books import Books, fill
from tests.service_periods.test_reviewed_plans import move_anchor

KIND = "backfill_service_periods"


@pytest.fixture
def books(database: Database) -> Books:
    """Return a tenant with six lines, two a batch."""
    books = Books(database)
    fill(books, 6)
    return books


def test_the_call_that_is_asked_goes_on_with_it(books: Books, dsn: str) -> None:
    with running(dsn, books) as run:
        ask(books.database, "pause")
        assert run.result()[-1] == "paused"
    done = ask(books.database, "resume", pause="0 s")
    assert done == {"o_rows": 42, "o_batches": 3, "o_status": "done"}
    assert books.run("k")["backend_pid"] == books.database.info.backend_pid
    asked = books.database.execute(
        "SELECT number, control, asked_by FROM ops.run_controls ORDER BY number"
    ).fetchall()
    user = books.database.info.user
    assert asked == [(1, "pause", user), (2, "resume", user)]


def test_the_call_that_lives_goes_on_by_itself(books: Books, dsn: str) -> None:
    """It was asked to pause, and has not come to the end of its batch."""
    call = CALL.replace("'60 s'", "'0'")
    with sessions(dsn, 2) as [session, holder]:
        books.call(run_key="k", batch_size=2, max_batches=1)
        holder.begin("READ COMMITTED")
        holder.execute("SELECT FROM ops.tenant_locks WHERE tenant = %s FOR UPDATE", (books.tenant,))
        started = session.start(call, (books.tenant,))
        session.wait_until_blocked_by(holder, books.database)
        assert ask(books.database, "pause") == {"o_status": "running"}
        with pytest.raises(psycopg.Error) as raised:
            ask(books.database, "resume", batch_size=1)
        assert raised.value.sqlstate == "DC009"
        detail = raised.value.diag.message_detail or ""
        assert detail.startswith(f"run k of {KIND} is running: session {session.pid} of role ")
        nothing = {"o_rows": None, "o_batches": None}
        assert ask(books.database, "resume") == {**nothing, "o_status": "running"}
        holder.execute("COMMIT")
        assert started.result(5) == [(42, 3, "done")]


def test_batches_of_another_size(database: Database) -> None:
    for batch_size in (1, 3, 100):
        for hash_ in ("expected_plan_hash", "accept_escalations", None):
            books = Books(database)
            fill(books, 6)
            given = {hash_: books.summary()["plan_hash"]} if hash_ else {}
            books.call(run_key="k", batch_size=2, max_batches=1, **given)
            done = ask(database, "resume", batch_size=batch_size)
            batches = 1 + -(-4 // batch_size)
            assert done == {"o_rows": 42, "o_batches": batches, "o_status": "done"}
            run = books.run("k")
            assert (run["units_done"], run["arguments"]["batch_size"]) == (6, batch_size)


def test_batches_of_another_size_are_still_what_was_reviewed(database: Database) -> None:
    for batch_size, before, changed in ((3, 1, 3), (3, 1, 7), (3, 2, 7), (100, 1, 4)):
        books = Books(database)
        lines = [books.line() for _ in range(8)]
        given = {"expected_plan_hash": books.summary()["plan_hash"], "run_key": "k"}
        books.call(**given, batch_size=2, max_batches=1)
        if before == 2:
            # Cut anew already when the books change.
            books.call(**given, batch_size=batch_size, max_batches=1)
        done = [len(books.live(line)) for line in lines]
        assert done == [7] * (2 if before == 1 else 5) + [0] * (6 if before == 1 else 3)
        move_anchor(books, lines[changed], 15)
        assert books.call(**given, batch_size=batch_size)["o_status"] == "stale_plan"
        assert [len(books.live(line)) for line in lines] == done


def test_of_the_charge_ledger(database: Database) -> None:
    owner = Owner(database)
    fill_accounts(owner, 6, 2)
    database.execute(
        "CALL ledger.backfill_charges(p_tenant => %s, p_run_key => 'k', p_batch_size => 2,"
        " p_max_batches => 1)",
        (owner.tenant,),
    )
    ask(database, "pause")
    assert ask(database, "resume", batch_size=4)["o_status"] == "done"
    assert (len(rents(owner)), record(owner, "k")["batches"]) == (12, 2)


def test_what_cannot_be_resumed(books: Books, dsn: str) -> None:
    books.call(run_key="done")
    with pytest.raises(psycopg.Error) as raised:
        ask(books.database, "resume", run_key="done")
    assert raised.value.sqlstate == "DC009"
    with running(dsn, books, CALL) as run, pytest.raises(psycopg.Error) as raised:
        ask(books.database, "resume")
    assert raised.value.diag.message_hint == (
        "CALL ops.pause_run(p_run_key => 'k'); then it can go on at another pace."
    )
    del run
    with books.database.transaction(), pytest.raises(psycopg.errors.InvalidTransactionTermination):
        ask(books.database, "resume")
