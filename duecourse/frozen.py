"""Migrations are frozen once they are applied: each is recorded with the checksum of its text.

The files of ``migrations/`` are steps for yoyo, ours or a DBA's plain one; what they do is here.
"""

import hashlib
import re
from typing import Any, NamedTuple

from psycopg.types.json import Jsonb
from yoyo import step

from duecourse import __version__, locate
from duecourse.config import Config, load
from duecourse.database import Connection, query
from duecourse.render import render

_OF_YOYO = re.compile(r"\._?yoyo_\w+$")


def template(migration: str) -> str:
    """Return the path of a migration's template, from the root."""
    return f"migrations/{migration}.sql.j2"


def text_of(migration: str) -> str:
    """Return a migration's text, as it is rendered here."""
    return render(template(migration))


def checksum(migration: str) -> str:
    """Return the SHA-256 of a migration's text."""
    return hashlib.sha256(text_of(migration).encode()).hexdigest()


def steps_of(migration: str) -> list[Any]:
    """Return yoyo's steps of a migration: it and what is recorded of it are one transaction."""
    text = text_of(migration)
    return [step(lambda connection: _apply(connection, migration, text))]


def names() -> list[str]:
    """Return the names of the migrations in their order."""
    return [file.stem for file in sorted(locate.folder("migrations").glob("[0-9]*.py"))]


def compare(connection: Connection, config: Config) -> None:
    """Record the checksums that the package has now beside those of the texts that were applied."""
    query(
        connection, "compare_migrations", config, checksums=Jsonb({n: checksum(n) for n in names()})
    )


def _apply(connection: Connection, migration: str, text: str) -> None:
    """Run a migration, and record its text and what it changed in the catalog.

    What it finds as it makes it stays as it is recorded: a drift is not made the rule by a
    migration that runs again.
    """
    config = load()
    with connection.transaction():
        query(connection, "begin", config)
        before = _structure(connection, config)
    connection.execute(text.encode())
    with connection.transaction():
        query(connection, "begin", config)
        _record(connection, config, migration, text, before)


def _record(
    connection: Connection, config: Config, migration: str, text: str, before: "_Structure"
) -> None:
    after = _structure(connection, config)
    recorded = {name for (name,) in query(connection, "recorded_identities", config)}
    touched = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
    # yoyo's own tables are there before the first migration.
    touched |= {name for name in after.keys() - recorded if _OF_YOYO.search(after[name].table)}
    query(connection, "forget_catalog", config, identities=list(touched), paths=[])
    made = dict.fromkeys(touched & after.keys(), template(migration))
    query(connection, "record_catalog", config, schemas=config.schemas, made=Jsonb(made))
    query(
        connection,
        "record_migration",
        config,
        migration_id=migration,
        checksum=checksum(migration),
        text=text,
        package_version=__version__,
    )


class _Part(NamedTuple):
    table: str
    fingerprint: str


_Structure = dict[str, _Part]


def _structure(connection: Connection, config: Config) -> _Structure:
    rows = query(connection, "structure", config, schemas=config.schemas)
    return {row[0]: _Part(*row[1:]) for row in rows}
