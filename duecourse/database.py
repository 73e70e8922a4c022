"""Connections, by libpq's own rules."""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import PGconn, Ping, TransactionStatus

from duecourse.config import Config
from duecourse.errors import DuecourseError, from_database_error
from duecourse.render import render

Connection = psycopg.Connection[tuple[Any, ...]]

_DEFAULTS = {"fallback_application_name": "duecourse", "connect_timeout": "10"}

#: What every session of ours depends on, whatever the environment, the role or the database say.
#: A pooler may hand them on to whoever comes next, so they are PostgreSQL's own defaults: also why
#: the search path is not among them.
SETTINGS = {
    "client_encoding": "UTF8",
    "DateStyle": "ISO, MDY",
    "IntervalStyle": "postgres",
    "TimeZone": "UTC",
    "bytea_output": "hex",
    "client_min_messages": "notice",
    "quote_all_identifiers": "off",
    "standard_conforming_strings": "on",
}
#: What our own routines read: their notices also come as JSON, for the progress of a run.
_OWN_SETTINGS = {"duecourse.notices": "json"}
_POLL_SECONDS = 0.2
_PROLOGUE = "; ".join(
    f"SET {name} = '{value}'" for name, value in {**SETTINGS, **_OWN_SETTINGS}.items()
)


def resolve(dsn: str | None = None) -> str:
    """Return the connection string: the one given, else DATABASE_URL; PG* fill what it leaves."""
    given = dsn or os.environ.get("DATABASE_URL") or ""
    try:
        settings: dict[str, Any] = {k: v for k, v in conninfo_to_dict(given).items() if v}
    except psycopg.Error:
        # Without its cause, which may print the password.
        raise DuecourseError(
            "the connection string is not one that libpq understands",
            "write postgresql://user@host/database or 'host=… dbname=…'",
        ) from None
    defaults = dict(_DEFAULTS)
    if "PGCONNECT_TIMEOUT" in os.environ:
        del defaults["connect_timeout"]
    return make_conninfo(**{**defaults, **settings})


def connect(dsn: str | None = None) -> Connection:
    """Open a connection in autocommit, as procedures that COMMIT need it, with our `SETTINGS`.

    Nothing is prepared on the server: behind a pooler the next statement may meet another session.
    """
    try:
        # As a startup parameter it also counts for what the server says before the prologue.
        encoding = SETTINGS["client_encoding"]
        connection = psycopg.connect(
            resolve(dsn), autocommit=True, prepare_threshold=None, client_encoding=encoding
        )
        _open(connection)
    except psycopg.Error as error:
        known = from_database_error(error)
        raise DuecourseError(
            known.message, "check --dsn, DATABASE_URL or the PG* variables", sqlstate=known.sqlstate
        ) from error
    return connection


def wait(dsn: str | None, seconds: float) -> None:
    """Wait for a server that does not answer yet, or raise with the last reason."""
    settings = resolve(dsn).encode()
    deadline = time.monotonic() + seconds
    while PGconn.ping(settings) in (Ping.REJECT, Ping.NO_RESPONSE):
        if time.monotonic() > deadline:
            try:
                connect(dsn).close()
            except DuecourseError as error:
                raise DuecourseError(
                    f"{error.message} (for {seconds:g} s)", error.hint, sqlstate=error.sqlstate
                ) from error
            return
        time.sleep(_POLL_SECONDS)


def where(connection: Connection) -> str:
    """Return which database it is, on which server and as whom."""
    info = connection.info
    return f"{info.dbname} on {info.host}:{info.port} as {info.user}"


def _open(connection: Connection) -> None:
    """Make the session independent of settings; refuse a database whose texts have no meaning."""
    try:
        if connection.info.parameter_status("server_encoding") == "SQL_ASCII":
            raise DuecourseError(
                f"database {connection.info.dbname} has the encoding SQL_ASCII: it does not know "
                "what its texts mean",
                "make one with ENCODING 'UTF8' and restore this one's dump into it",
            )
        connection.execute(_PROLOGUE.encode())
    except BaseException:
        connection.close()
        raise


@contextmanager
def own_names(connection: Connection) -> Iterator[None]:
    """Let names mean PostgreSQL's own objects, whatever the search path of the session says.

    Begins a transaction, after which the path is as it was; whoever has begun one sees to it.
    """
    if connection.info.transaction_status != TransactionStatus.IDLE:
        yield
        return
    with connection.transaction():
        connection.execute("SET LOCAL search_path = pg_catalog")
        yield


def query(
    connection: Connection, name: str, config: Config | None = None, /, **values: object
) -> list[tuple[Any, ...]]:
    """Run a statement of ``sql/applying`` with bound values and return its rows."""
    text = render(f"sql/applying/{name}.sql.j2", config)
    with own_names(connection):
        cursor = connection.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description else []


def table_exists(connection: Connection, config: Config, name: str) -> bool:
    """Return whether the schema ``ops`` has a table of this name."""
    name = f"{config.identifiers['ops']}.{name}"
    [(exists,)] = query(connection, "table_exists", config, name=name)
    return bool(exists)


def rows_of(
    connection: Connection, config: Config, table: str, question: str
) -> list[tuple[Any, ...]]:
    """Ask a question of a table of ``ops``, which may not be there yet."""
    exists = table_exists(connection, config, table)
    return query(connection, question, config) if exists else []
