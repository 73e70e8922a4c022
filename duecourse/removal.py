"""Taking back: the last migrations, or all that the package ever made in a database."""

import time
from dataclasses import dataclass

from duecourse import frozen
from duecourse.adopted import refuse_adopted
from duecourse.catalog import look
from duecourse.config import Config
from duecourse.database import Connection, query, rows_of, table_exists
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import read
from duecourse.registry import Registry

#: What hangs on a table of ours and goes with it, whoever made it.
_PARTS = ("column", "constraint", "index", "rule", "policy", "trigger", "owner", "rights")


@dataclass(frozen=True)
class Holding:
    """What an uninstall would drop: the schemas, and the tables with the number of their rows.

    ``foreign`` is what it would take along without having made it.
    """

    database: str
    schemas: list[str]
    tables: dict[str, int]
    foreign: list[str]

    def refuse_foreign(self) -> None:
        """Refuse where something would go along that apply did not make."""
        if self.foreign:
            raise DuecourseError(
                f"it would take along what apply did not make: {', '.join(self.foreign)}",
                "drop or move that first",
            )


def holding(connection: Connection, config: Config) -> Holding:
    """Return what an uninstall would drop; reads only."""
    schemas = query(connection, "schemas", config, schemas=config.schemas)
    if schemas and not table_exists(connection, config, "applied_catalog"):
        names = ", ".join(name for (name,) in schemas)
        raise DuecourseError(
            f"nothing is recorded of what is in the schemas {names}",
            f"look yourself whether it may go, then run: DROP SCHEMA {names} CASCADE",
        )
    tables = frozen.rows_by_table(connection, config) if schemas else {}
    _, differences = look(connection, config)
    strangers = [
        found.identity
        for found in differences
        if found.state == "not ours" and not found.identity.startswith(_PARTS)
    ]
    dependants = query(connection, "dependants", config, schemas=config.schemas)
    return Holding(
        connection.info.dbname,
        [name for (name,) in schemas],
        tables,
        strangers + [name for (name,) in dependants],
    )


def uninstall(dsn: str | None, *, confirm: str, lock_timeout: float = 30) -> Holding:
    """Drop everything that apply ever made; ``confirm`` is the name of the database.

    Refuses what would go along without being ours. One transaction: all of it or nothing.
    """
    with Registry.of(dsn) as registry:
        begin(registry, lock_timeout)
        refuse_adopted(registry.config, "to take away all that adopt made: duecourse unadopt")
        held = holding(registry.connection, registry.config)
        held.refuse_foreign()
        if confirm != held.database:
            raise DuecourseError(
                f"{confirm!r} is not the name of the database {held.database!r}",
                f"if you mean it: duecourse uninstall --confirm {held.database}",
                exit_status=ExitStatus.REFUSED,
            )
        if held.schemas:
            with registry.connection.transaction():
                query(registry.connection, "begin")
                names = ", ".join(held.schemas)
                registry.connection.execute(f"DROP SCHEMA {names} CASCADE".encode())
    return held


def rollback(
    dsn: str | None, to: str | None = None, *, confirm: str | None = None, lock_timeout: float = 30
) -> list[str]:
    """Take back the migrations after ``to``, the last one without it; return which ones.

    Drops the repeatable objects with them, which the next apply makes again. Rows are lost only
    where ``confirm`` is the name of the database. One transaction: all of it or nothing.
    """
    with Registry.of(dsn) as registry:
        begin(registry, lock_timeout)
        connection = registry.connection
        if not table_exists(connection, registry.config, "applied_catalog"):
            raise DuecourseError("nothing is applied here that could be taken back")
        with registry.lock(lock_timeout):
            applied = {item.id: item for item in registry.to_rollback(read())}
            doomed = [applied[name] for name in chosen(list(applied), to)]
            for migration in doomed:
                frozen.check_can_be_taken_back(
                    connection, migration.id, rows_may_go=confirm == connection.info.dbname
                )
            with registry.transaction():
                for migration in doomed:
                    registry.unmark_one(migration)
                for migration in doomed:
                    frozen.take_back(connection, migration.id)
    return [migration.id for migration in doomed]


def begin(registry: Registry, lock_timeout: float) -> None:
    """Become the only client that applies or takes back."""
    registry.check_preconditions()
    registry.take_advisory_lock(time.monotonic() + lock_timeout)
    for pid, since in rows_of(registry.connection, registry.config, "yoyo_lock", "lock_row"):
        if int(pid) > 0:
            raise DuecourseError(
                f"yoyo's lock is held by process {pid} since {since}",
                "wait for it; if that process is dead, run: yoyo break-lock",
                exit_status=ExitStatus.LOCK_BUSY,
            )


def chosen(applied: list[str], to: str | None) -> list[str]:
    """Return the migrations after the one of that name or number, the last one first."""
    if to is None:
        return applied[:1]
    for place, migration in enumerate(applied):
        if to in (migration, migration.partition(".")[0]):
            return applied[:place]
    raise DuecourseError(
        f"{to!r} is no migration that is applied", "duecourse status --all names them"
    )
