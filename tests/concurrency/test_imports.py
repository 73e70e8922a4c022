"""Imports of the same books at once, and one whose backend is killed: all of it or nothing."""

import json
import subprocess
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from duecourse.sample_books import SAMPLE, TENANT
from tests.concurrency.sessions import Session, until
from tests.conftest import Command, Database

WAITING = (
    "SELECT count(*) = {} FROM pg_stat_activity"
    " WHERE datname = current_database() AND application_name LIKE 'duecourse%%'"
    " AND wait_event_type = 'Lock'"
)

Done = subprocess.CompletedProcess[str]


def held(dsn: str) -> Session:
    """Return a session that holds the tenant's lock."""
    session = Session(dsn)
    session.execute("BEGIN")
    session.execute("SELECT ops._lock_tenant(%s)", (TENANT,))
    return session


def start(duecourse: Command, folder: Path, dsn: str, number: int) -> list["Future[Done]"]:
    """Start some imports, each in a process of its own."""
    threads = ThreadPoolExecutor(number)
    arguments = ("import", folder, "--format", "json", "--dsn", dsn)
    return [threads.submit(duecourse, *arguments) for _ in range(number)]


def test_two_imports_at_once(duecourse: Command, dsn: str, database: Database) -> None:
    lock = held(dsn)
    running = start(duecourse, SAMPLE, dsn, 2)
    until(database, WAITING.format(2))
    lock.close()
    done = [future.result() for future in running]
    assert [(d.returncode, d.stderr) for d in done] == [(0, ""), (0, "")]
    ledgers = [json.loads(d.stdout)["tables"]["recurring_service_periods"] for d in done]
    assert sorted(counts["new"] for counts in ledgers) == [0, 263]
    assert sorted(counts["already_there"] for counts in ledgers) == [0, 263]
    assert [json.loads(d.stdout)["differences"] for d in done] == [[], []]
    assert database.execute("SELECT count(*) FROM ops.import_lines").fetchone() == (0,)


def test_a_second_import_that_is_killed(
    duecourse: Command, dsn: str, database: Database, tmp_path: Path
) -> None:
    later = tmp_path / "later"
    later.mkdir()
    for file in SAMPLE.iterdir():
        (later / file.name).write_text(file.read_text().replace("Bramble Bakery", "Bread"))
    assert duecourse("import", SAMPLE, "--dsn", dsn).returncode == 0
    lock = held(dsn)
    [running] = start(duecourse, later, dsn, 1)
    until(database, WAITING.format(1))
    database.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    assert running.result().returncode != 0
    lock.close()
    renamed = b"SELECT count(*) FROM billing.clients WHERE client_name = 'Bread'"
    assert database.execute(renamed).fetchone() == (0,)
    assert database.execute("SELECT count(*) FROM ops.import_lines").fetchone() == (0,)
    [again] = start(duecourse, later, dsn, 1)
    assert json.loads(again.result().stdout)["tables"]["clients"]["updated"] == 1
    assert database.execute(renamed).fetchone() == (1,)
