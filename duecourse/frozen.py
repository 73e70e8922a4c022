"""Migrations are frozen once they are applied: each is recorded with the checksum of its text.

The files of ``migrations/`` are steps for yoyo, ours or a DBA's plain one; what they do is here.
"""

import hashlib
from typing import Any

from psycopg.types.json import Jsonb
from yoyo import step

from duecourse import __version__, locate
from duecourse.config import Config, load
from duecourse.database import Connection, query
from duecourse.render import render


def template(migration: str) -> str:
    """Return the path of a migration's template, from the root."""
    return f"migrations/{migration}.sql.j2"


def checksum(migration: str) -> str:
    """Return the SHA-256 of a migration's text, as it is rendered here."""
    return hashlib.sha256(render(template(migration)).encode()).hexdigest()


def steps_of(migration: str) -> list[Any]:
    """Return yoyo's steps of a migration: it and its record are one transaction."""
    text = render(template(migration))
    return [step(text), step(lambda connection: _record(connection, migration))]


def names() -> list[str]:
    """Return the names of the migrations in their order."""
    return [file.stem for file in sorted(locate.folder("migrations").glob("[0-9]*.py"))]


def compare(connection: Connection, config: Config) -> None:
    """Record the checksums that the package has now beside those of the texts that were applied."""
    query(
        connection, "compare_migrations", config, checksums=Jsonb({n: checksum(n) for n in names()})
    )


def _record(connection: Connection, migration: str) -> None:
    query(
        connection,
        "record_migration",
        load(),
        migration_id=migration,
        checksum=checksum(migration),
        package_version=__version__,
    )
