"""Applying: yoyo's migrations, then the repeatable objects; and how a database stands to both."""

import glob
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import psycopg
from yoyo import default_migration_table, read_migrations
from yoyo.exceptions import BadMigration
from yoyo.migrations import MigrationList

from duecourse import citus, engine, frozen, locate
from duecourse.adopted import config_of
from duecourse.catalog import Difference, apply_objects, look
from duecourse.config import Config
from duecourse.database import Connection, connect, query, rows_of, where
from duecourse.engine import Engine
from duecourse.errors import DuecourseError
from duecourse.objects import ObjectState, State
from duecourse.profile import NOTHING_ADOPTED, Adoption, Wanted
from duecourse.registry import Registry

#: What applies events of Stripe that an older version could not.
_CATCHING_UP = "procedures/charges/_catch_up_stripe_inbox.sql.j2"


class Watch:
    """Who wants to hear how far an apply is; this one does not."""

    def begins(self, place: str, migrations: int, objects: int) -> None:
        """Hear where it is, and how many migrations and objects are to be applied."""

    def migrated(self, migration: str, seconds: float) -> None:
        """Hear of a migration that is applied."""

    def made(self, objects: list[ObjectState], seconds: float) -> None:
        """Hear of all the objects, which are applied by now."""

    def moves(self, news: str) -> None:
        """Hear how far the ledger is moved into its partitions."""

    def moved(self, partitions: int, seconds: float) -> None:
        """Hear that the ledger is in its partitions."""

    def distributes(self, place: str, tables: int) -> None:
        """Hear where it is, and that so many tables are to be distributed."""

    def distributed(self, tables: int, seconds: float) -> None:
        """Hear that tables are distributed."""


@dataclass(frozen=True)
class Applied:
    """What an apply did: the migrations it ran and the objects it made, changed or dropped.

    ``differences`` are left, since apply repairs repeatable objects only; so are ``edited``
    migrations. ``partitions``: those that the ledger was moved into, if it was; ``distributed``:
    how many tables were distributed.
    """

    migrations: list[str]
    objects: list[ObjectState]
    edited: list[Difference]
    differences: list[Difference]
    place: str
    seconds: float
    partitions: int | None = None
    distributed: int = 0


@dataclass(frozen=True)
class Status:
    """How a database stands to the package: ids of migrations, states of objects, lock holder.

    ``edited`` are the migrations that were applied with another text than the package has,
    ``differences`` those of the catalog. ``adoption``: how it was adopted, if it was. ``engine``:
    how it stands to the settings of the engine.
    """

    applied: list[str]
    pending: list[str]
    edited: list[Difference]
    objects: list[ObjectState]
    differences: list[Difference]
    locked_by: str | None
    adoption: Adoption | None = None
    engine: Engine | None = None


def apply(
    dsn: str | None = None,
    *,
    lock_timeout: float = 30,
    remake: bool = False,
    wanted: Wanted | None = None,
    watch: Watch | None = None,
) -> Applied:
    """Bring a database to this version; safe to repeat, to interrupt and to run twice at once.

    Waits up to ``lock_timeout`` seconds for another who applies, then raises with exit status 4.
    Tables that are gone are refused by name, or made anew and empty (``remake``). ``wanted``: the
    tables of a profile are adopted; a database that was is brought to this version in no other way.
    """
    watch = watch or Watch()
    began = time.monotonic()
    with Registry.of(dsn) as registry:
        place = where(registry.connection)
        registry.check_preconditions()
        deadline = time.monotonic() + lock_timeout
        registry.take_advisory_lock(deadline)
        registry.settle(wanted)
        engine.refuse_other(registry.connection, registry.config)
        if registry.config.citus:
            citus.let_triggers_run(registry.connection, registry.config)
        registry.open()
        with registry.lock(deadline - time.monotonic()):
            migrations = read()
            _look_for_tables(registry, migrations, remake=remake)
            pending = registry.to_apply(migrations)
            if pending:
                objects, _ = look(registry.connection, registry.config)
                waiting = [item for item in objects if item.state is not State.APPLIED]
                watch.begins(place, len(pending), len(waiting))
            for migration in pending:
                with _named(migration.id):
                    start = time.monotonic()
                    registry.apply_one(migration)
                    watch.migrated(migration.id, time.monotonic() - start)
            with connect(dsn) as connection:
                waits = "" if pending else place
                distributed = _distribute(connection, registry.config, watch, waits)
                start = time.monotonic()
                begins = None if pending else partial(watch.begins, place, 0)
                changed, left = finish(connection, registry.config, begins)
                watch.made(changed, time.monotonic() - start)
                moved = _move(connection, registry.config, watch)
                edited = _edited(connection, registry.config)
    seconds = time.monotonic() - began
    migrated = [item.id for item in pending]
    seconds = round(seconds, 3)
    return Applied(migrated, changed, edited, left, place, seconds, moved, distributed)


def status(connection: Connection) -> Status:
    """Compare a database with this version; reads only, takes no lock and creates nothing."""
    config = config_of(connection)
    known = [migration.id for migration in read()]
    marks = rows_of(connection, config, default_migration_table, "marked_migrations")
    marked = {name for (name,) in marks}
    locks = rows_of(connection, config, "yoyo_lock", "lock_row")
    objects, differences = look(connection, config)
    return Status(
        applied=[name for name in known if name in marked],
        pending=[name for name in known if name not in marked],
        edited=_edited(connection, config),
        objects=objects,
        differences=differences,
        locked_by=f"process {locks[0][0]} since {locks[0][1]}" if locks else None,
        adoption=None if config.adoption == NOTHING_ADOPTED else config.adoption,
        engine=engine.look(connection, config),
    )


def finish(
    connection: Connection, config: Config, begins: Callable[[int], None] | None = None
) -> tuple[list[ObjectState], list[Difference]]:
    """Make the repeatable objects, after the migrations; see `apply_objects`.

    Stripe events that an older version has received are read by these objects, in the same
    transaction. On a cluster the tables are distributed by then: their routines need it.
    """
    if config.citus and citus.left(connection, config):
        raise DuecourseError(
            "[engine] citus is set, and the tables are not distributed yet", "run: duecourse apply"
        )
    with connection.transaction():
        done = apply_objects(connection, config, begins)
        frozen.compare(connection, config)
        if _CATCHING_UP in config.object_paths:
            query(connection, "catch_up_stripe_inbox", config)
    return done


def _distribute(connection: Connection, config: Config, watch: Watch, waits: str) -> int:
    """Distribute the tables, where the settings ask for it; return how many were not yet.

    ``waits``: the place, where nothing was told of it yet.
    """
    if not config.citus:
        return 0
    if waits and (left := citus.left(connection, config)):
        watch.distributes(waits, left)
    start = time.monotonic()
    tables = citus.settle(connection, config)
    if tables:
        watch.distributed(tables, time.monotonic() - start)
    return tables


def _move(connection: Connection, config: Config, watch: Watch) -> int | None:
    """Move the ledger into the partitions that the settings ask for; return how many, if it did."""
    start = time.monotonic()

    def tell(notice: psycopg.errors.Diagnostic) -> None:
        watch.moves(notice.message_primary or "")

    connection.add_notice_handler(tell)
    try:
        if not engine.settle(connection, config):
            return None
    finally:
        connection.remove_notice_handler(tell)
    watch.moved(config.ledger_partitions, time.monotonic() - start)
    return config.ledger_partitions


def migration_paths() -> list[str]:
    """Return the templates of the migrations in their order."""
    return [frozen.template(name) for name in frozen.names()]


def read() -> MigrationList:
    """Return the migrations as yoyo knows them."""
    migrations = read_migrations(glob.escape(str(locate.folder("migrations"))))
    try:
        for migration in migrations:
            migration.load()
    except BadMigration as error:
        what = ": ".join(map(str, error.args))
        raise DuecourseError(f"a migration cannot be read: {what}", "correct it") from error
    return migrations


def _edited(connection: Connection, config: Config) -> list[Difference]:
    """Return the migrations that were applied with another text than the package has."""
    recorded = rows_of(connection, config, "applied_migrations", "recorded_migrations")
    known = frozen.names()
    return [
        Difference(
            f"migration {name}",
            frozen.template(name),
            "edited",
            text,
            frozen.text_of(name, config),
            f"look at it: duecourse status --diff {name}; then change the database by hand",
        )
        for name, checksum, text in recorded
        if name in known and checksum != frozen.checksum(name, config)
    ]


def _look_for_tables(registry: Registry, migrations: MigrationList, *, remake: bool) -> None:
    """Refuse where what was applied is gone, or let the migrations that made it run again."""
    gone = rows_of(registry.connection, registry.config, "applied_catalog", "gone")
    names = ", ".join(name for name, _ in gone)
    if gone and not remake:
        raise DuecourseError(
            f"what was applied is gone: {names}",
            "restore it from a backup; or, to have it anew and empty: duecourse apply --remake",
        )
    paths = {path for _, made_by in gone for path in made_by}
    registry.unmark_migrations(
        [migration for migration in migrations if frozen.template(migration.id) in paths]
    )


@contextmanager
def _named(migration: str) -> Iterator[None]:
    try:
        yield
    except psycopg.Error as error:
        error.add_note(f"migration {migration}")
        raise
