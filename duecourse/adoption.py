"""Adopting in place the tables of another system, and letting go of them again."""

from dataclasses import replace

from duecourse import migrate
from duecourse.config import Config
from duecourse.database import Connection, query
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import Applied
from duecourse.profile import NATIVE, Wanted
from duecourse.registry import Registry
from duecourse.removal import Holding, begin, holding


def adopt(dsn: str | None, wanted: Wanted, *, lock_timeout: float = 30) -> Applied:
    """Adopt the tables of a profile, or bring a database that was adopted to this version.

    Guards come last and alone: making them keeps writers of the adopted tables waiting.
    """
    if wanted.guards:
        migrate.apply(dsn, lock_timeout=lock_timeout, wanted=replace(wanted, guards=None))
    return migrate.apply(dsn, lock_timeout=lock_timeout, wanted=wanted)


def unadopt(dsn: str | None, *, lock_timeout: float = 30) -> Holding:
    """Take away all that adopt made; the adopted tables stay as they are, with their rows.

    Refuses while a run of ours is under way, and what would go along without being ours.
    """
    with Registry.of(dsn) as registry:
        begin(registry, lock_timeout)
        connection, config = registry.connection, registry.config
        if config.adoption.profile == NATIVE.name:
            raise DuecourseError(
                "no tables of others were adopted in this database",
                "to drop what apply made: duecourse uninstall",
                exit_status=ExitStatus.REFUSED,
            )
        for (run,) in query(connection, "running", config):
            raise DuecourseError(
                f"a run is under way: {run}",
                "wait for its end, or end its session",
                exit_status=ExitStatus.LOCK_BUSY,
            )
        held = holding(connection, config)
        held.refuse_foreign()
        parts = _on_adopted_tables(connection, config)
        for statement in parts.pop("index", []):
            connection.execute(statement.encode())
        with connection.transaction():
            query(connection, "begin", config)
            for statement in [statement for part in parts.values() for statement in part]:
                connection.execute(statement.encode())
            connection.execute(f"DROP SCHEMA {', '.join(held.schemas)} CASCADE".encode())
    return held


def _on_adopted_tables(connection: Connection, config: Config) -> dict[str, list[str]]:
    """Return the statements that take away what is ours on tables of others, by its kind."""
    parts: dict[str, list[str]] = {}
    given = {"source": config.adoption.source, "schemas": config.schemas}
    for kind, statement in query(connection, "ours_on_adopted", config, **given):
        parts.setdefault(kind, []).append(statement)
    return parts
