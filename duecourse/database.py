"""Connections, by libpq's own rules."""

import os
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from duecourse.config import Config
from duecourse.errors import DuecourseError, from_database_error
from duecourse.render import render

Connection = psycopg.Connection[tuple[Any, ...]]

_DEFAULTS = {"fallback_application_name": "duecourse", "connect_timeout": "10"}


def resolve(dsn: str | None = None) -> str:
    """Return the connection string: the one given, else DATABASE_URL; PG* fill what it leaves."""
    given = dsn or os.environ.get("DATABASE_URL") or ""
    try:
        settings: dict[str, Any] = {k: v for k, v in conninfo_to_dict(given).items() if v}
    except psycopg.Error as error:
        raise DuecourseError(
            "the connection string is not one that libpq understands",
            "write postgresql://user@host/database or 'host=… dbname=…'",
        ) from error
    defaults = dict(_DEFAULTS)
    if "PGCONNECT_TIMEOUT" in os.environ:
        del defaults["connect_timeout"]
    return make_conninfo(**{**defaults, **settings})


def connect(dsn: str | None = None) -> Connection:
    """Open a connection in autocommit, as procedures that COMMIT need it."""
    try:
        return psycopg.connect(resolve(dsn), autocommit=True)
    except psycopg.Error as error:
        known = from_database_error(error)
        raise DuecourseError(
            known.message, "check --dsn, DATABASE_URL or the PG* variables", sqlstate=known.sqlstate
        ) from error


def query(
    connection: Connection, name: str, config: Config | None = None, /, **values: object
) -> list[tuple[Any, ...]]:
    """Run a statement of ``sql/applying`` with bound values and return its rows."""
    text = render(f"sql/applying/{name}.sql.j2", config)
    cursor = connection.execute(text.encode(), values)
    return cursor.fetchall() if cursor.description else []
