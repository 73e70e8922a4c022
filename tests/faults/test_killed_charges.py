"""SIGKILL in the middle of a backfill of charges: run again, it charges what is left, once.

DUECOURSE_FULL_SIZE=1 runs it over 20,000 accounts instead of a tenth of that.
"""

import os
from pathlib import Path

import psycopg
import pytest

from duecourse import migrate
from duecourse.embedded import serve
from tests.charges.owner import Owner
from tests.charges.runs import assert_adds_up, backfill, fill, record, rents
from tests.conftest import Database
from tests.faults.kills import Run, kill_server, wait_for_batches

ACCOUNTS = 20_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 2_000
MONTHS = 9
BATCH = ACCOUNTS // 20
NUMBER = 1000


def owner_in(database: Database) -> Owner:
    """Return the same ledger in whichever database: some of its rent is charged already."""
    owner = Owner(database, number=NUMBER)
    fill(owner, ACCOUNTS, MONTHS)
    for renter in range(1, 20):
        owner.charge(tenant_user_id=f"renter-{renter}", period="2026-03")
    return owner


def run_of(owner: Owner, run_key: str) -> Run:
    """Return the backfill of the ledger."""
    return Run("ledger.backfill_charges(", owner.tenant, run_key, BATCH)


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
    run = run_of(owner, run_key)
    for batches in (1, 4, 9):
        run.start_and_kill(dsn, database, batches)
    assert run.start(dsn).wait() == 0
    if run_key:
        kept = record(owner, run_key)
        assert (kept["batches"], kept["units_done"], kept["status"]) == (20, ACCOUNTS, "done")
        assert kept["counts"]["to_create"] == kept["rows_written"]
        assert kept["counts"]["keys_with_payments"] == ACCOUNTS * MONTHS
        assert_adds_up(kept["counts"])
    assert_finished(owner)


@pytest.mark.parametrize("run_key", ["k", ""], ids=["same key", "no key"])
def test_the_server_is_killed(home: Path, run_key: str) -> None:
    with serve(home) as server:
        migrate.apply(server.dsn)
        with psycopg.connect(server.dsn, autocommit=True) as database:
            owner = owner_in(database)
            client = run_of(owner, run_key).start(server.dsn)
            wait_for_batches(database, 3)
            kill_server(server, database)
        assert client.wait() != 0
    with serve(home) as server, psycopg.connect(server.dsn, autocommit=True) as database:
        owner.database = database
        assert 0 < len(rents(owner)) < ACCOUNTS * MONTHS
        assert run_of(owner, run_key).start(server.dsn).wait() == 0
        assert_finished(owner)
