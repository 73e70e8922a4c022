"""Adopting in place the tables of another system, and letting go of them again."""

import re
from typing import NamedTuple

from duecourse import migrate, unique_rents
from duecourse.adopted import config_of
from duecourse.config import Config
from duecourse.database import Connection, connect, query, rows_of
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import Applied
from duecourse.profile import NATIVE, Wanted
from duecourse.registry import Registry
from duecourse.removal import Holding, begin, holding
from duecourse.render import render
from duecourse.survey import Survey, look


def survey(dsn: str | None, wanted: Wanted) -> Survey:
    """Look at the tables that are to be adopted; reads only."""
    with connect(dsn) as connection:
        return look(connection, config_of(connection), wanted)


def adopt(dsn: str | None, wanted: Wanted, *, lock_timeout: float = 30) -> Applied:
    """Adopt the tables of a profile, or bring a database that was adopted to this version.

    Refuses tables that are not as the profile needs them.
    """
    survey(dsn, wanted).refuse_errors()
    done = migrate.apply(dsn, lock_timeout=lock_timeout, wanted=wanted)
    with connect(dsn) as connection:
        config = config_of(connection)
        _settle_constraints(connection, config)
        _settle_indexes(connection, config)
    return done


def _settle_constraints(connection: Connection, config: Config) -> None:
    """Add the constraints that go with guards, or drop them without."""
    there = {part.name: part for part in _on_adopted_tables(connection, config, "constraint")}
    chosen = _statements(config, "constraints.sql.j2") if config.adoption.guards else {}
    with connection.transaction():
        query(connection, "begin", config)
        for part in there.values():
            if part.name not in chosen:
                connection.execute(part.drop.encode())
        for name, statement in chosen.items():
            if name not in there:
                connection.execute(statement.encode())


def _settle_indexes(connection: Connection, config: Config) -> None:
    """Build the recommended indexes that are missing or invalid; nobody who writes waits."""
    there = {part.name: part for part in _on_adopted_tables(connection, config, "index")}
    chosen = _statements(config, "indexes.sql.j2") if config.adoption.indexes else {}
    for name, statement in chosen.items():
        if name in there and not there[name].is_valid:
            connection.execute(there.pop(name).drop.encode())
        if name not in there:
            connection.execute(statement.encode())
    if config.adoption.unique_rents:
        unique_rents.keep(connection, config)


def _statements(config: Config, file: str) -> dict[str, str]:
    """Return the statements of a file of the profile, by the names of what they make."""
    if not config.profile.has(file):
        return {}
    text = render(f"sql/profiles/{config.profile.name}/{file}", config)
    statements = [part for part in re.split(r";\n", text) if "duecourse_" in part]
    return {re.findall(r"\bduecourse_\w+", part)[0]: part for part in statements}


def unadopt(dsn: str | None, *, lock_timeout: float = 30) -> Holding:
    """Take away all that adopt made; the adopted tables stay as they are, with their rows.

    Refuses while a run of ours is under way, and what would go along without being ours.
    """
    with Registry.of(dsn) as registry:
        begin(registry, lock_timeout)
        connection, config = registry.connection, adopted_config(registry.config)
        held = holding(connection, config)
        held.refuse_foreign()
        # Where adopt has not come to its end there are no routines, and no runs.
        is_whole = rows_of(connection, config, "applied_objects", "records")
        for (run,) in query(connection, "running", config) if is_whole else ():
            raise DuecourseError(
                f"a run is under way: {run}",
                "wait for its end, or end its session",
                exit_status=ExitStatus.LOCK_BUSY,
            )
        for part in _on_adopted_tables(connection, config, "index"):
            connection.execute(part.drop.encode())
        with connection.transaction():
            query(connection, "begin", config)
            for kind in ("trigger", "constraint"):
                for part in _on_adopted_tables(connection, config, kind):
                    connection.execute(part.drop.encode())
            connection.execute(f"DROP SCHEMA {', '.join(held.schemas)} CASCADE".encode())
    return held


def adopted_config(config: Config) -> Config:
    """Return the settings of a database that was adopted; refuse another."""
    if config.adoption.profile == NATIVE.name:
        raise DuecourseError(
            "no tables of others were adopted in this database",
            "to drop what apply made: duecourse uninstall",
            exit_status=ExitStatus.REFUSED,
        )
    return config


class _Part(NamedTuple):
    """What is ours on a table of theirs."""

    kind: str
    name: str
    is_valid: bool
    drop: str


def _on_adopted_tables(connection: Connection, config: Config, kind: str) -> list[_Part]:
    """Return what of a kind is ours on tables of theirs."""
    given = {"source": config.adoption.source, "schemas": config.schemas}
    parts = [_Part(*row) for row in query(connection, "ours_on_adopted", config, **given)]
    return [part for part in parts if part.kind == kind]
