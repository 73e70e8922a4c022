"""yoyo's registry of migrations, in the schema ``ops``, and the locks around it.

Who applies first takes an advisory lock on yoyo's own connection. yoyo's lock is a committed row
that a killed client leaves behind; the rows written here carry the negative pid of the server
session, so whoever holds the advisory lock may clear them. A row of plain yoyo (a positive pid)
is waited for and never cleared.

The schema is made, and its owner looked at, before yoyo makes a table in it, and it is the only one
on the search path: nobody who may create elsewhere can put a table of these names before ours.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict
from typing import Any

import psycopg
from yoyo import default_migration_table
from yoyo.backends.core.postgresql import PostgresqlPsycopgBackend
from yoyo.connections import DatabaseURI
from yoyo.exceptions import LockTimeout

from duecourse import __version__, frozen
from duecourse.adopted import config_of, refuse_adopted, settled
from duecourse.catalog import CATALOG_LOCK
from duecourse.config import Config, load
from duecourse.database import Connection, connect, query, table_exists
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.pooler import refusal, refuse_pooler
from duecourse.profile import NOTHING_ADOPTED, Wanted

#: The advisory lock of whoever runs ``apply``, held by yoyo's connection.
APPLY_LOCK = 0x0DC_A991E5

#: What yoyo knows of the connection; all that counts is in the arguments.
_URI = DatabaseURI("postgresql+psycopg", None, None, None, None, None, {})

_POLL_SECONDS = 0.2
_RELEASES = 10


class Registry(PostgresqlPsycopgBackend):  # type: ignore[misc]
    """yoyo's backend with an advisory lock around it and a lock row that says whose it is."""

    _is_locked: bool = False

    def __init__(self, uri: DatabaseURI, migration_table: str = default_migration_table) -> None:
        self.config: Config = load()
        self.schema = self.config.identifiers["ops"]
        super().__init__(uri, migration_table)
        self.config = config_of(self.connection)

    @classmethod
    def of(cls, dsn: str | None) -> "Registry":
        """Return the registry of a database."""
        return cls(_URI._replace(args={"dsn": dsn}))

    def connect(self, dburi: DatabaseURI) -> Connection:
        """Connect as every other command does, but not through a transaction pooler."""
        connection = connect(dburi.args["dsn"])
        try:
            refuse_pooler(connection, dburi.args["dsn"])
        except BaseException:
            connection.close()
            raise
        return connection

    def begin(self) -> None:
        """Begin a transaction, after one that a dead client may have left running."""
        super().begin()
        self.query("wait_for_catalog", key=CATALOG_LOCK)

    def query(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        """Run a statement of ``sql/applying`` and return its rows."""
        return query(self.connection, name, self.config, **values)

    def check_preconditions(self) -> None:
        """Refuse what would fail later and less clearly, or do what nobody wants."""
        for message, hint in self.query("preconditions", schemas=self.config.schemas):
            raise DuecourseError(message, hint)
        if not table_exists(self.connection, self.config, self.migration_table):
            self._check_that_nothing_is_applied()

    def _check_that_nothing_is_applied(self) -> None:
        """Refuse tables of ours without yoyo's: of an old version, or of which records are gone."""
        there = self.query("schemas", schemas=self.config.schemas)
        drop = f"DROP SCHEMA {', '.join(name for (name,) in there)} CASCADE"
        if table_exists(self.connection, self.config, "applied_objects"):
            [(version,)] = self.query("applied_version")
            raise DuecourseError(
                f"the database holds duecourse {version or 'before 0.4'} of its development, from "
                "which no upgrade exists",
                f"keep what you need (pg_dump), run: {drop}, then: duecourse apply",
            )
        if found := frozen.tables(self.connection, self.config):
            more = f" and {len(found) - 1} more tables" if found[1:] else ""
            raise DuecourseError(
                f"the records of what was applied (schema {self.schema}) are gone, but not what "
                f"was applied: {found[0]}{more}",
                "restore them from the backup that the tables are of; or, if nobody needs their "
                f"rows, run: {drop}, then: duecourse apply",
            )

    def settle(self, wanted: Wanted | None) -> None:
        """Decide how the database is adopted, or refuse to; under the advisory lock."""
        self.config = config_of(self.connection)
        if wanted is None:
            refuse_adopted(
                self.config,
                f"to bring it to this version: duecourse adopt {self.config.adoption.profile}",
            )
        else:
            self.config = settled(self.connection, self.config, wanted)

    def open(self) -> None:
        """Make the schema and yoyo's tables, where they are missing; under the advisory lock."""
        with self.connection.transaction():
            self.query("make_registry_schema")
            if self.config.adoption != NOTHING_ADOPTED:
                self.query("make_adoption")
                self.query(
                    "record_adoption", package_version=__version__, **asdict(self.config.adoption)
                )
        self.init_database()

    def take_advisory_lock(self, deadline: float) -> None:
        """Become the only duecourse client that applies."""
        while not (taken := self.query("take_lock", key=APPLY_LOCK))[0][0]:
            if time.monotonic() > deadline:
                for message, hint in self.query("lock_holder", key=APPLY_LOCK):
                    raise DuecourseError(message, hint, exit_status=ExitStatus.LOCK_BUSY)
            time.sleep(_POLL_SECONDS)
        for _ in range(2):
            if (held := self.query("held_lock", key=APPLY_LOCK)) != taken:
                self._release_advisory_lock()
                raise refusal(
                    self.connection,
                    f"server session changed from {taken[0][1]} to {held[0][1]}",
                )

    def _release_advisory_lock(self) -> None:
        """Give it back, should one of the next transactions meet the session that holds it."""
        for _ in range(_RELEASES):
            if self.query("release_lock", key=APPLY_LOCK):
                return

    @contextmanager
    def lock(self, timeout: float = 10) -> Iterator[None]:
        """Hold yoyo's lock row; under the advisory lock, so that a negative pid is a dead one's."""
        if self._is_locked:
            yield
            return
        self.query("clear_dead_rows")
        pid = -self.connection.info.backend_pid
        try:
            self._insert_lock_row(pid, max(timeout, _POLL_SECONDS))
        except LockTimeout as error:
            rows = self.query("lock_row")
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
