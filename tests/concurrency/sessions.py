"""Real sessions beside each other, ordered by what the server says of their locks."""

import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.conftest import Database

LEVELS = ("READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE")
_SECONDS = 30


class Session:
    """A session whose statements run in a thread of their own."""

    def __init__(self, dsn: str) -> None:
        self.database: Database = psycopg.connect(dsn, autocommit=True)
        self._thread = ThreadPoolExecutor(1)
        self.pid = self.database.info.backend_pid

    def execute(self, statement: str, parameters: Any = None) -> list[tuple[Any, ...]]:
        """Run a statement to its end."""
        return self.start(statement, parameters).result(_SECONDS)

    def start(self, statement: str, parameters: Any = None) -> "Future[list[tuple[Any, ...]]]":
        """Start a statement and come back."""
        return self._thread.submit(self._run, statement, parameters)

    def begin(self, level: str) -> None:
        """Begin a transaction and take its snapshot."""
        self.execute(f"BEGIN ISOLATION LEVEL {level}")
        self.execute("SELECT pg_current_snapshot()")

    def wait_until_blocked_by(self, other: "Session", observer: Database) -> None:
        """Wait until this session waits for a lock of the other, as a third one sees it."""
        until(observer, "SELECT %s = ANY (pg_blocking_pids(%s))", (other.pid, self.pid))

    def close(self) -> None:
        """End the session, whatever it is doing."""
        self.database.cancel_safe()
        self._thread.shutdown()
        self.database.close()

    def _run(self, statement: str, parameters: Any) -> list[tuple[Any, ...]]:
        cursor = self.database.execute(statement.encode(), parameters)
        return cursor.fetchall() if cursor.description else []


def until(observer: Database, question: str, parameters: Any = None) -> None:
    """Ask again and again until the answer is true."""
    deadline = time.monotonic() + _SECONDS
    while observer.execute(question.encode(), parameters).fetchall() != [(True,)]:
        assert time.monotonic() < deadline, f"never true: {question}"
        time.sleep(0.005)


def outcome(running: "Future[Any]") -> str:
    """Return the SQLSTATE that a started statement ended with; 00000 when it succeeded."""
    try:
        running.result(_SECONDS)
    except psycopg.Error as error:
        return error.sqlstate or "?"
    return "00000"


def put_gate(database: Database) -> None:
    """Let every run wait for an advisory lock, the number of the batch, inside of each batch."""
    database.execute(
        """
        CREATE FUNCTION ops.wait_at_gate() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            PERFORM pg_advisory_xact_lock_shared(hashtext(NEW.tenant::text), NEW.batches);
            RETURN NEW;
        END $$
        """
    )
    database.execute(
        "CREATE TRIGGER gate BEFORE UPDATE ON ops.runs FOR EACH ROW"
        " WHEN (NEW.batches > OLD.batches) EXECUTE FUNCTION ops.wait_at_gate()"
    )


@contextmanager
def at_gate(database: Database, tenant: str, batch: int) -> Iterator[None]:
    """Keep the gate of a tenant's batch shut for the length of the block."""
    database.execute("SELECT pg_advisory_lock(hashtext(%s), %s)", (tenant, batch))
    try:
        yield
    finally:
        database.execute("SELECT pg_advisory_unlock(hashtext(%s), %s)", (tenant, batch))


def wait_at_gate(observer: Database, run: Session) -> None:
    """Wait until a run stands at a gate."""
    until(
        observer,
        "SELECT count(*) > 0 FROM pg_locks"
        " WHERE locktype = 'advisory' AND objsubid = 2 AND pid = %s AND NOT granted",
        (run.pid,),
    )


@contextmanager
def sessions(dsn: str, number: int = 2) -> Iterator[list[Session]]:
    """Open some sessions for the length of the block."""
    opened = [Session(dsn) for _ in range(number)]
    try:
        yield opened
    finally:
        for session in opened:
            session.close()
