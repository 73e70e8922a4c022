"""Applying: yoyo's migrations, then the repeatable objects."""

import glob
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
from yoyo import default_migration_table, read_migrations
from yoyo.exceptions import BadMigration
from yoyo.migrations import MigrationList

from duecourse import frozen, locate
from duecourse.config import load
from duecourse.database import Connection, connect
from duecourse.errors import DuecourseError
from duecourse.objects import ObjectState, apply_objects, object_states
from duecourse.registry import Registry, rows_of


@dataclass(frozen=True)
class Applied:
    """What an apply did: the migrations it ran and the objects it made, changed or dropped."""

    migrations: list[str]
    objects: list[ObjectState]


@dataclass(frozen=True)
class Status:
    """How a database stands to the package: ids of migrations, states of objects, lock holder.

    ``edited`` are the migrations that were applied with another text than the package has.
    """

    applied: list[str]
    pending: list[str]
    edited: list[str]
    objects: list[ObjectState]
    locked_by: str | None


def apply(dsn: str | None = None, *, lock_timeout: float = 30) -> Applied:
    """Bring a database to this version; safe to repeat, to interrupt and to run twice at once.

    Waits up to ``lock_timeout`` seconds for another who applies, then raises with exit status 4.
    """
    with Registry.of(dsn) as registry:
        registry.check_preconditions()
        deadline = time.monotonic() + lock_timeout
        registry.take_advisory_lock(deadline)
        registry.open()
        with registry.lock(deadline - time.monotonic()):
            pending = registry.to_apply(_migrations())
            for migration in pending:
                with _named(migration.id):
                    registry.apply_one(migration)
            with connect(dsn) as connection:
                changed = apply_objects(connection, registry.config)
    return Applied([migration.id for migration in pending], changed)


def status(connection: Connection) -> Status:
    """Compare a database with this version; reads only, takes no lock and creates nothing."""
    config = load()
    known = [migration.id for migration in _migrations()]
    marks = rows_of(connection, config, default_migration_table, "marked_migrations")
    marked = {name for (name,) in marks}
    recorded = dict(rows_of(connection, config, "applied_migrations", "recorded_migrations"))
    locks = rows_of(connection, config, "yoyo_lock", "lock_row")
    return Status(
        applied=[name for name in known if name in marked],
        pending=[name for name in known if name not in marked],
        edited=[
            name for name in known if name in recorded and recorded[name] != frozen.checksum(name)
        ],
        objects=object_states(connection, config),
        locked_by=f"process {locks[0][0]} since {locks[0][1]}" if locks else None,
    )


def migration_paths() -> list[str]:
    """Return the templates of the migrations in their order."""
    return [frozen.template(name) for name in frozen.names()]


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
