"""Applying next to a DBA who runs plain yoyo with the shipped yoyo.ini."""

import os
import subprocess
import sys

import pytest
from psycopg.conninfo import conninfo_to_dict

from duecourse.database import connect
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import apply
from duecourse.registry import APPLY_LOCK
from tests.apply.conftest import Dump
from tests.apply.test_repeating import assert_applied, start
from tests.conftest import ROOT, Database


def environment(dsn: str) -> dict[str, str]:
    """Return the environment in which plain yoyo finds a database, and the package."""
    where = {
        f"PG{name}".replace("DBNAME", "DATABASE"): str(value)
        for name, value in ((key.upper(), value) for key, value in conninfo_to_dict(dsn).items())
    }
    return {**os.environ, **where, "PYTHONPATH": str(ROOT)}


def start_yoyo(dsn: str) -> "subprocess.Popen[str]":
    """Start plain yoyo in the checkout, connecting by the PG* variables."""
    return subprocess.Popen(
        [sys.executable, "-m", "yoyo", "apply"],
        cwd=ROOT,
        env=environment(dsn),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(*processes: "subprocess.Popen[str]") -> None:
    """Wait for processes that must end well."""
    outcomes = [process.communicate(timeout=60) for process in processes]
    assert [process.returncode for process in processes] == [0] * len(processes), outcomes


def test_yoyo_first(empty_database: Database, empty_dsn: str, dsn: str, dump: Dump) -> None:
    empty_database.execute("CREATE SCHEMA ops")
    finish(start_yoyo(empty_dsn))
    assert_applied(empty_dsn)
    done = apply(empty_dsn)
    assert (done.migrations, done.objects) == ([], [])
    assert dump(empty_dsn) == dump(dsn)


def test_duecourse_first(dsn: str, dump: Dump) -> None:
    before = dump(dsn)
    finish(start_yoyo(dsn))
    assert_applied(dsn)
    assert dump(dsn) == before


def test_both_at_once(empty_database: Database, empty_dsn: str, dsn: str, dump: Dump) -> None:
    """All of them start anew: else yoyo were never the first."""
    ours = [sys.executable, "-m", "duecourse"]
    empty_database.execute("CREATE SCHEMA ops")
    finish(start_yoyo(empty_dsn), start(ours, empty_dsn), start(ours, empty_dsn))
    assert_applied(empty_dsn)
    assert dump(empty_dsn) == dump(dsn)


def test_a_role_with_another_search_path(empty_dsn: str, empty_database: Database) -> None:
    apply(empty_dsn)
    role, name = empty_database.info.user, empty_database.info.dbname
    empty_database.execute(f'ALTER ROLE "{role}" IN DATABASE "{name}" SET search_path = billing')
    assert apply(empty_dsn).migrations == []
    finish(start_yoyo(empty_dsn))
    [(marks,)] = empty_database.execute(
        "SELECT count(*) FROM pg_class WHERE relname = '_yoyo_migration'"
    )
    assert marks == 1


def test_a_lock_of_plain_yoyo_is_never_cleared(dsn: str, database: Database) -> None:
    database.execute("INSERT INTO ops.yoyo_lock VALUES (1, '2026-11-20 10:00:00', 4711)")
    with pytest.raises(DuecourseError) as caught:
        apply(dsn, lock_timeout=0.5)
    assert caught.value.message == (
        "yoyo's lock is held by process 4711 since 2026-11-20 10:00:00 UTC"
    )
    assert "yoyo break-lock" in caught.value.hint
    assert caught.value.exit_status is ExitStatus.LOCK_BUSY
    assert database.execute("SELECT pid FROM ops.yoyo_lock").fetchall() == [(4711,)]


def test_a_lock_that_a_killed_duecourse_left_is_cleared(dsn: str, database: Database) -> None:
    database.execute("INSERT INTO ops.yoyo_lock VALUES (1, '2026-11-20 10:00:00', -4711)")
    apply(dsn, lock_timeout=0.5)
    assert database.execute("SELECT pid FROM ops.yoyo_lock").fetchall() == []


def test_another_apply_is_named(dsn: str, database: Database) -> None:
    with connect(dsn) as other:
        other.execute("SELECT pg_advisory_lock(%s)", [APPLY_LOCK])
        with pytest.raises(DuecourseError) as caught:
            apply(dsn, lock_timeout=0.5)
        assert f"session {other.info.backend_pid} (role" in caught.value.message
    assert caught.value.exit_status is ExitStatus.LOCK_BUSY
    apply(dsn, lock_timeout=5)
