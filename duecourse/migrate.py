"""Applying: yoyo's migrations, then the repeatable objects.

Who applies first takes an advisory lock on yoyo's own connection. yoyo's lock is a committed row
that a killed client leaves behind; the rows written here carry the negative pid of the server
session, so whoever holds the advisory lock may clear them. A row of plain yoyo (a positive pid)
is waited for and never cleared.
"""

import glob
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

import psycopg
from yoyo import default_migration_table, read_migrations
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import BadMigration, LockTimeout
from yoyo.migrations import MigrationList

from duecourse import locate
from duecourse.config import load
from duecourse.database import Connection, connect, query
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.objects import CATALOG_LOCK, ObjectState, apply_objects, object_states

#: The advisory lock of whoever runs ``apply``, held by yoyo's connection.
APPLY_LOCK = 0x0DC_A991E5

#: What yoyo knows of the connection; all that counts is in the arguments.
_URI = DatabaseURI("postgresql+psycopg", None, None, None, None, None, {})

_POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Applied:
    """What an apply did: the migrations it ran and the objects it made, changed or dropped."""

    migrations: list[str]
    objects: list[ObjectState]


@dataclass(frozen=True)
class Status:
    """How a database stands to the package: ids of migrations, states of objects, lock holder."""

    applied: list[str]
    pending: list[str]
    objects: list[ObjectState]
    locked_by: str | None


def apply(dsn: str | None = None, *, lock_timeout: float = 30) -> Applied:
    """Bring a database to this version; safe to repeat, to interrupt and to run twice at once.

    Waits up to ``lock_timeout`` seconds for another who applies, then raises with exit status 4.
    """
    config = load()
    with _Backend(_URI._replace(args={"dsn": dsn}), default_migration_table) as backend:
        backend.check_preconditions()
        deadline = time.monotonic() + lock_timeout
        backend.take_advisory_lock(deadline)
        backend.init_database()
        with backend.lock(max(deadline - time.monotonic(), _POLL_SECONDS)):
            pending = backend.to_apply(_migrations())
            for migration in pending:
                with _named(migration.id):
                    backend.apply_one(migration)
            with connect(dsn) as connection:
                changed = apply_objects(connection, config)
    return Applied([migration.id for migration in pending], changed)


def status(connection: Connection) -> Status:
    """Compare a database with this version; reads only, takes no lock and creates nothing."""
    known = [migration.id for migration in _migrations()]
    marked = {row[0] for row in _yoyo_rows(connection, default_migration_table, "migrations")}
    locks = _yoyo_rows(connection, "yoyo_lock", "lock_row")
    return Status(
        applied=[name for name in known if name in marked],
        pending=[name for name in known if name not in marked],
        objects=object_states(connection, load()),
        locked_by=f"process {locks[0][0]} since {locks[0][1]}" if locks else None,
    )


def migration_paths() -> list[str]:
    """Return the templates of the migrations in their order."""
    files = sorted(locate.folder("migrations").glob("*.sql.j2"))
    return [f"migrations/{file.name}" for file in files]


def _migrations() -> MigrationList:
    migrations = read_migrations(glob.escape(str(locate.folder("migrations"))))
    try:
        for migration in migrations:
            migration.load()
    except BadMigration as error:
        what = ": ".join(map(str, error.args))
        raise DuecourseError(f"a migration cannot be read: {what}", "correct it") from error
    return migrations


@contextmanager
def _named(migration: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        error.add_note(f"migration {migration}")
        raise


def _yoyo_rows(connection: Connection, table: str, question: str) -> list[tuple[str, ...]]:
    """Ask one of yoyo's tables, which may not be there yet."""
    [(exists,)] = query(connection, "table_exists", name=f"public.{table}")
    return query(connection, question) if exists else []


class _Backend(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend with an advisory lock around it and a lock row that says whose it is."""

    #: yoyo's tables would follow the search path of the role; it is pinned here and in yoyo.ini.
    schema = "public"
    _is_locked: bool = False

    def connect(self, dburi: DatabaseURI) -> Connection:
        """Connect as every other command does."""
        return connect(dburi.args["dsn"])

    def begin(self) -> None:
        """Begin a transaction, after one that a dead client may have left running."""
        super().begin()
        query(self.connection, "wait_for_catalog", key=CATALOG_LOCK)

    def check_preconditions(self) -> None:
        """Refuse what yoyo would fail on later and less clearly."""
        for message, hint in query(self.connection, "preconditions"):
            raise DuecourseError(message, hint)

    def take_advisory_lock(self, deadline: float) -> None:
        """Become the only duecourse client that applies."""
        while query(self.connection, "take_lock", key=APPLY_LOCK) != [(True,)]:
            if time.monotonic() > deadline:
                holders = query(self.connection, "lock_holder", key=APPLY_LOCK)
                raise DuecourseError(
                    f"another apply is running: {holders[0][0] if holders else 'just now ended'}",
                    "wait for it, then run again",
                    exit_status=ExitStatus.LOCK_BUSY,
                )
            time.sleep(_POLL_SECONDS)

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Hold yoyo's lock row; under the advisory lock, so that a negative pid is a dead one's."""
        if self._is_locked:
            yield
            return
        query(self.connection, "clear_dead_rows")
        pid = -self.connection.info.backend_pid
        try:
            self._insert_lock_row(pid, timeout)
        except LockTimeout as error:
            rows = query(self.connection, "lock_row")
            holder = f"process {rows[0][0]} since {rows[0][1]}" if rows else "a process just ended"
            raise DuecourseError(
                f"yoyo's lock is held by {holder}",
                "wait for it; if that process is dead, run: yoyo break-lock",
                exit_status=ExitStatus.LOCK_BUSY,
            ) from error
        self._is_locked = True
        try:
            yield
        finally:
            self._is_locked = False
            with suppress(psycopg.OperationalError):
                self._delete_lock_row(pid)
