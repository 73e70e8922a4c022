"""Applying again, at the same time, and after having been killed."""

import os
import signal
import subprocess
import time
from contextlib import suppress
from random import Random

import psycopg
import pytest

from duecourse.catalog import CATALOG_LOCK
from duecourse.database import connect
from duecourse.migrate import apply, status
from duecourse.objects import State
from tests.apply.conftest import Dump
from tests.conftest import ROOT, Database

KILLS = 50 if os.environ.get("DUECOURSE_FULL_SIZE") else 10
MARKED = "SELECT count(*) >= {} FROM ops._yoyo_migration"
MOMENTS = {
    "yoyo's lock is taken": "SELECT count(*) > 0 FROM ops.yoyo_lock",
    "a migration is marked": MARKED.format(1),
    "two migrations are marked": MARKED.format(2),
    "the objects are being made": (
        "SELECT count(*) > 0 FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        f" WHERE d.datname = current_database() AND l.objid = {CATALOG_LOCK & 0xFFFFFFFF}"
        " AND (SELECT count(*) FROM pg_stat_activity AS a"
        " WHERE a.datname = current_database() AND a.application_name = 'duecourse') > 1"
    ),
}


def start(duecourse: list[str], dsn: str) -> "subprocess.Popen[str]":
    """Start an apply in a process of its own."""
    return subprocess.Popen(
        [*duecourse, "apply", "--dsn", dsn],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def assert_applied(dsn: str) -> None:
    """Assert that nothing is pending or drifted and no lock is left."""
    with connect(dsn) as connection:
        found = status(connection)
    assert found.pending == []
    assert {item.state for item in found.objects} == {State.APPLIED}
    assert (found.edited, found.differences) == ([], [])
    assert found.locked_by is None


def test_three_times_give_what_one_gives(empty_dsn: str, dump: Dump) -> None:
    first = apply(empty_dsn)
    assert first.migrations
    assert first.objects
    once = dump(empty_dsn)
    for _ in range(2):
        again = apply(empty_dsn)
        assert (again.migrations, again.objects) == ([], [])
        assert dump(empty_dsn) == once


def test_a_migration_that_was_not_marked_runs_again(
    dsn: str, database: Database, dump: Dump
) -> None:
    before = dump(dsn)
    [(marked,)] = database.execute("SELECT count(*) FROM ops._yoyo_migration")
    database.execute("DELETE FROM ops._yoyo_migration")
    assert len(apply(dsn).migrations) == marked
    assert dump(dsn) == before


def test_four_at_once(warm: list[str], empty_dsn: str, dsn: str, dump: Dump) -> None:
    processes = [start(warm, empty_dsn) for _ in range(4)]
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * 4, outcomes
    assert sum("nothing to apply" in out for out, _ in outcomes) == 3
    assert_applied(empty_dsn)
    assert dump(empty_dsn) == dump(dsn)


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_a_moment(
    moment: str,
    warm: list[str],
    empty_database: Database,
    empty_dsn: str,
    dsn: str,
    dump: Dump,
) -> None:
    process = start(warm, empty_dsn)
    while process.poll() is None and not _holds(empty_database, MOMENTS[moment]):
        time.sleep(0.001)
    process.kill()
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    apply(empty_dsn)
    assert_applied(empty_dsn)
    assert dump(empty_dsn) == dump(dsn)


def test_killed_at_random_moments(
    warm: list[str], empty_database: Database, empty_dsn: str, dsn: str, dump: Dump
) -> None:
    """Each kill meets what the ones before it left; a whole apply begins anew."""
    moments = Random(KILLS)
    for _ in range(KILLS):
        process = start(warm, empty_dsn)
        with suppress(subprocess.TimeoutExpired):
            process.communicate(timeout=moments.uniform(0.3, 2.5))
        process.kill()
        process.communicate()
        if process.returncode == 0:
            empty_database.execute("DROP SCHEMA billing, ledger, ops CASCADE")
    apply(empty_dsn)
    assert_applied(empty_dsn)
    assert dump(empty_dsn) == dump(dsn)


def _holds(database: Database, question: str) -> bool:
    with suppress(psycopg.errors.UndefinedTable):
        return database.execute(question.encode()).fetchone() == (True,)
    return False
