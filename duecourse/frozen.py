"""Migrations are frozen once they are applied: each is recorded with the checksum of its text.

The files of ``migrations/`` are steps for yoyo, ours or a DBA's plain one; what they do is here.
"""

import hashlib
import re
from pathlib import Path
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from yoyo import step

from duecourse import __version__, locate, script
from duecourse.adopted import config_of, refuse_adopted
from duecourse.catalog import drop_objects
from duecourse.config import Config
from duecourse.database import Connection, query
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.render import render

_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (.+) \($", re.MULTILINE)
_OF_REGISTRY = re.compile(r"\.(_?yoyo_\w+|adoption)$")


def template(migration: str) -> str:
    """Return the path of a migration's template, from the root."""
    return f"migrations/{migration}.sql.j2"


def text_of(migration: str, config: Config) -> str:
    """Return a migration's text, as it is rendered here."""
    return render(template(migration), config)


def checksum(migration: str, config: Config) -> str:
    """Return the SHA-256 of a migration's text."""
    return hashlib.sha256(text_of(migration, config).encode()).hexdigest()


def steps_of(migration: str) -> list[Any]:
    """Return yoyo's steps of a migration: it and what is recorded of it are one transaction."""
    return [
        step(
            lambda connection: _apply(connection, migration),
            lambda connection: _take_back_alone(connection, migration),
        )
    ]


def names() -> list[str]:
    """Return the names of the migrations in their order."""
    return [file.stem for file in sorted(locate.folder("migrations").glob("[0-9]*.py"))]


def compare(connection: Connection, config: Config) -> None:
    """Record the checksums that the package has now beside those of the texts that were applied."""
    checksums = {name: checksum(name, config) for name in names()}
    query(connection, "compare_migrations", config, checksums=Jsonb(checksums))


def tables(connection: Connection, config: Config) -> list[str]:
    """Return the tables of all migrations that are in the database, recorded or not."""
    known = [name for migration in names() for name in _TABLE.findall(text_of(migration, config))]
    return [name for (name,) in query(connection, "existing", config, names=sorted(known))]


def rows_by_table(
    connection: Connection, config: Config, path: str | None = None
) -> dict[str, int]:
    """Count the rows of the tables that are recorded, of all or of those that a file made."""
    found = {}
    for name, statement in query(connection, "holdings", config, path=path):
        [(found[name],)] = connection.execute(statement.encode())
    return found


def check_can_be_taken_back(
    connection: Connection, migration: str, *, rows_may_go: bool = False
) -> None:
    """Refuse a migration that has nothing to take it back, or whose tables have rows."""
    config = config_of(connection)
    rollback_of(migration, config)
    refuse_adopted(config, "to take away all that adopt made: duecourse unadopt")
    counts = rows_by_table(connection, config, template(migration))
    full = [f"{name} ({count:,})" for name, count in counts.items() if count]
    if full and not rows_may_go:
        raise DuecourseError(
            f"{migration} cannot be taken back: it would drop rows of {', '.join(full)}",
            "if they may go: duecourse rollback --confirm and the name of the database",
            exit_status=ExitStatus.REFUSED,
        )


def take_back(connection: Connection, migration: str) -> None:
    """Undo a migration and forget it, in the caller's transaction.

    The repeatable objects of this version need what it made: they go too, until the next apply.
    """
    config = config_of(connection)
    query(connection, "begin", config)
    drop_objects(connection, config)
    before = _structure(connection, config)
    path = f"migrations/{_rollback(migration).name}"
    script.run(connection, rollback_of(migration, config))
    _record_changes(connection, config, path, before)
    query(connection, "forget_catalog", config, identities=[], paths=[template(migration)])
    query(connection, "forget_migration", config, migration_id=migration)


def rollback_of(migration: str, config: Config) -> str:
    """Return the text that takes a migration back, or refuse one that has none."""
    if not _rollback(migration).is_file():
        raise DuecourseError(
            f"{migration} cannot be taken back: there is no {_rollback(migration).name}",
            "restore a backup; to take away all that apply made: duecourse uninstall",
            exit_status=ExitStatus.REFUSED,
        )
    return render(f"migrations/{_rollback(migration).name}", config)


def _take_back_alone(connection: Connection, migration: str) -> None:
    """Undo a migration for plain yoyo: rows are never lost."""
    check_can_be_taken_back(connection, migration)
    take_back(connection, migration)


def _rollback(migration: str) -> Path:
    return locate.folder("migrations") / f"{migration}.rollback.sql.j2"


def _apply(connection: Connection, migration: str) -> None:
    """Run a migration, and record its text and what it changed in the catalog.

    What it finds as it makes it stays as it is recorded: a drift is not made the rule by a
    migration that runs again.
    """
    config = config_of(connection)
    text = text_of(migration, config)
    with connection.transaction():
        query(connection, "begin", config)
        before = _structure(connection, config)
    script.run(connection, text)
    with connection.transaction():
        query(connection, "begin", config)
        _record_changes(connection, config, template(migration), before)
        query(
            connection,
            "record_migration",
            config,
            migration_id=migration,
            checksum=checksum(migration, config),
            text=text,
            package_version=__version__,
        )


def change(connection: Connection, config: Config, path: str) -> None:
    """Run a file that changes tables, and record what it changed in the catalog as made by it."""
    with connection.transaction():
        query(connection, "begin", config)
        before = _structure(connection, config)
        script.run(connection, render(path, config), path)
        _record_changes(connection, config, path, before)


def _record_changes(
    connection: Connection, config: Config, path: str, before: "_Structure"
) -> None:
    """Record what is otherwise than before, as made by a file, and forget what is gone.

    What another file made and this one only changed stays that file's.
    """
    after = _structure(connection, config)
    recorded = dict(query(connection, "recorded_identities", config))
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    # yoyo's own tables, and what was adopted, are there before the first migration.
    touched |= {
        name for name in after.keys() - recorded.keys() if _OF_REGISTRY.search(after[name].table)
    }
    query(connection, "forget_catalog", config, identities=list(touched), paths=[])
    made = {
        name: recorded.get(name, path) if name in before else path
        for name in touched & after.keys()
    }
    query(connection, "record_structure", config, schemas=config.schemas, made=Jsonb(made))


class _Part(NamedTuple):
    table: str
    says: str


_Structure = dict[str, _Part]


def _structure(connection: Connection, config: Config) -> _Structure:
    rows = query(connection, "structure", config, schemas=config.schemas)
    return {row[0]: _Part(*row[1:]) for row in rows}
