"""SIGKILL in the middle of a run: it finishes when run again, and nobody can tell afterwards.

DUECOURSE_FULL_SIZE=1 runs it over 50,000 schedules instead of a tenth of that.
"""

import os
from pathlib import Path

import psycopg
import pytest

from duecourse import migrate
from duecourse.embedded import serve
from tests.conftest import Database
from tests.faults.kills import (
    Run,
    kill_backend,
    kill_server,
    wait_for_batches,
    when_it_is_back,
)
from tests.service_periods.books import Books, fill

SCHEDULES = 50_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 5_000
BATCH = SCHEDULES // 20
TENANT = 1000

STALE = """
    INSERT INTO billing.recurring_service_periods (
        tenant, record_id, client_id, obligation_id, obligation_type, schedule_key, period_key,
        charge_family, cadence_owner, due_position, lifecycle_state, service_period_start,
        service_period_end, invoice_window_start, invoice_window_end, provenance_kind,
        source_rule_version)
    SELECT o.tenant, o.obligation_id, o.client_id, o.obligation_id, o.obligation_type,
        o.schedule_key, 'period:stale', o.charge_family, o.cadence_owner, o.due_position,
        CASE right(o.obligation_id::text, 1) WHEN '7' THEN 'edited' ELSE 'generated' END,
        '2025-01-03', '2025-02-05', '2025-01-03', '2025-02-05', 'generated', 'test'
    FROM billing.recurring_obligations AS o
    WHERE o.tenant = %s AND right(o.obligation_id::text, 1) IN ('3', '7')
"""
CONTENT = """
    SELECT count(*), md5(string_agg(md5((
        to_jsonb(r) - ARRAY['source_run_key', 'created_at', 'updated_at'])::text), ''
        ORDER BY r.record_id))
    FROM billing.recurring_service_periods AS r
"""


def books_in(database: Database) -> Books:
    """Return the same books in whichever database: new, stale and edited schedules."""
    books = Books(database, number=TENANT)
    fill(books, SCHEDULES)
    database.execute(STALE, (books.tenant,))
    return books


def run_of(books: Books, run_key: str) -> Run:
    """Return the backfill of the books."""
    call = "billing.backfill_service_periods(p_as_of => '2025-01-10', "
    return Run(call, books.tenant, run_key, BATCH)


def assert_finished(books: Books, reference: object) -> None:
    """Assert that the ledger is as after an uninterrupted run, and nobody holds a lock."""
    assert books.database.execute(CONTENT).fetchall() == reference
    assert books.call()["o_rows"] == 0
    with books.database.transaction():
        books.database.execute("SELECT FROM ops.tenant_locks FOR UPDATE NOWAIT")
    [(locks,)] = books.database.execute(
        "SELECT count(*) FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE d.datname = current_database() AND l.pid <> pg_backend_pid()"
        " AND l.mode <> 'AccessShareLock' AND l.pid IN (SELECT a.pid FROM pg_stat_activity AS a"
        " WHERE a.backend_type = 'client backend')"
    )
    assert locks == 0


def assert_interrupted(books: Books, runs: int) -> None:
    """Assert that no run is said to be running, nor by verify."""
    found = books.database.execute("SELECT state FROM ops.run_status()").fetchall()
    assert found == [("interrupted",)] * runs
    told = books.select("check_unfinished_run")
    assert [row["actual"].split(",")[0] for row in told] == ["interrupted"] * runs


@pytest.fixture(scope="module")
def reference(shared_database: Database) -> object:
    """Return the content of the ledger after an uninterrupted run."""
    books = books_in(shared_database)
    result = books.call(batch_size=BATCH)
    assert (result["o_status"], result["o_batches"]) == ("escalated", 20)
    return shared_database.execute(CONTENT).fetchall()


@pytest.mark.parametrize("run_key", ["k", ""], ids=["same key", "no key"])
def test_the_client_is_killed(
    database: Database, dsn: str, reference: object, run_key: str
) -> None:
    books = books_in(database)
    run = run_of(books, run_key)
    for batches in (1, 4, 9):
        run.start_and_kill(dsn, database, batches)
    assert database.execute(CONTENT).fetchall() != reference
    assert run.start(dsn).wait() == 0
    if run_key:
        record = books.run(run_key)
        assert (record["batches"], record["units_done"]) == (20, SCHEDULES)
    assert_finished(books, reference)


@pytest.mark.parametrize("run_key", ["k", ""], ids=["same key", "no key"])
def test_the_server_is_killed(home: Path, reference: object, run_key: str) -> None:
    with serve(home) as server:
        migrate.apply(server.dsn)
        with psycopg.connect(server.dsn, autocommit=True) as database:
            books = books_in(database)
            client = run_of(books, run_key).start(server.dsn)
            wait_for_batches(database, 2)
            kill_backend(database)
            assert client.wait() != 0
        with when_it_is_back(server.dsn) as database:
            books.database = database
            assert_interrupted(books, runs=1)
            client = run_of(books, run_key).start(server.dsn)
            wait_for_batches(database, 5)
            kill_server(server, database)
        assert client.wait() != 0
    with serve(home) as server, psycopg.connect(server.dsn, autocommit=True) as database:
        books.database = database
        assert_interrupted(books, runs=1 if run_key else 2)
        [(rows, _)] = database.execute(CONTENT)
        assert SCHEDULES < rows < 7 * SCHEDULES
        assert run_of(books, run_key).start(server.dsn).wait() == 0
        assert_finished(books, reference)
