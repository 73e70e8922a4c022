"""SIGKILL in the middle of a backfill of charges: run again, it charges what is left, once.

DUECOURSE_FULL_SIZE=1 runs it over 20,000 accounts instead of a tenth of that.
"""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest

from duecourse import migrate
from duecourse.embedded import serve
from tests.charges.owner import Owner
from tests.charges.runs import assert_adds_up, backfill, fill, record, rents
from tests.concurrency.sessions import until
from tests.conftest import Database
from tests.faults.test_killed_runs import kill_server

ACCOUNTS = 20_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 2_000
MONTHS = 9
BATCH = ACCOUNTS // 20
NUMBER = 1000

CLIENT = """
import sys, psycopg
dsn, tenant, key, batch = sys.argv[1:]
with psycopg.connect(dsn, autocommit=True) as connection:
    connection.execute(
        "CALL ledger.backfill_charges(p_tenant => %s, p_run_key => nullif(%s, ''),"
        " p_batch_size => %s)", (tenant, key, batch))
"""


def owner_in(database: Database) -> Owner:
    """Return the same ledger in whichever database: some of its rent is charged already."""
    owner = Owner(database, number=NUMBER)
    fill(owner, ACCOUNTS, MONTHS)
    for renter in range(1, 20):
        owner.charge(tenant_user_id=f"renter-{renter}", period="2026-03")
    return owner


def start(dsn: str, owner: Owner, run_key: str) -> "subprocess.Popen[bytes]":
    """Start a client of its own that runs a backfill."""
    command = [sys.executable, "-c", CLIENT, dsn, str(owner.tenant), run_key, str(BATCH)]
    return subprocess.Popen(command, stderr=subprocess.DEVNULL)


def wait_for_batches(owner: Owner, batches: int) -> None:
    """Wait until so many batches are committed, in whatever runs."""
    question = "SELECT coalesce(sum(batches), 0) >= %s FROM ops.runs"
    until(owner.database, question, (batches,))


def assert_finished(owner: Owner) -> None:
    """Assert that every key has its one charge, and nothing is left to do."""
    assert len(rents(owner)) == ACCOUNTS * MONTHS
    assert backfill(owner) == (0, 1, "nothing_to_do")
    made = owner.database.execute(
        "SELECT count(*) FROM ledger.charges WHERE source_run_key IS NOT NULL"
    ).fetchone()
    written = owner.database.execute("SELECT sum(rows_written) FROM ops.runs").fetchone()
    assert made == written == (ACCOUNTS * MONTHS - 19,)


@pytest.mark.parametrize("run_key", ["k", ""], ids=["same key", "no key"])
def test_the_client_is_killed(database: Database, dsn: str, run_key: str) -> None:
    owner = owner_in(database)
    for batches in (1, 4, 9):
        client = start(dsn, owner, run_key)
        wait_for_batches(owner, batches)
        client.kill()
        assert client.wait() == -signal.SIGKILL
    assert start(dsn, owner, run_key).wait() == 0
    if run_key:
        run = record(owner, run_key)
        assert (run["batches"], run["units_done"], run["status"]) == (20, ACCOUNTS, "done")
        assert run["counts"]["to_create"] == run["rows_written"]
        assert run["counts"]["keys_with_payments"] == ACCOUNTS * MONTHS
        assert_adds_up(run["counts"])
    assert_finished(owner)


@pytest.mark.parametrize("run_key", ["k", ""], ids=["same key", "no key"])
def test_the_server_is_killed(home: Path, run_key: str) -> None:
    with serve(home) as server:
        migrate.apply(server.dsn)
        with psycopg.connect(server.dsn, autocommit=True) as database:
            owner = owner_in(database)
            client = start(server.dsn, owner, run_key)
            wait_for_batches(owner, 3)
            kill_server(server, database)
        assert client.wait() != 0
    with serve(home) as server, psycopg.connect(server.dsn, autocommit=True) as database:
        owner.database = database
        assert 0 < len(rents(owner)) < ACCOUNTS * MONTHS
        assert start(server.dsn, owner, run_key).wait() == 0
        assert_finished(owner)
