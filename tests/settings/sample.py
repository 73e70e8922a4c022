"""The sample books in a template, the command line in this process, and what the ledger holds."""

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
from click.testing import CliRunner
from psycopg.conninfo import make_conninfo

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.cli import main
from duecourse.cli._session import Session
from duecourse.config import Config
from duecourse.database import connect
from duecourse.sample_books import AS_OF, SAMPLE, TENANT

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
#: A name that neither ASCII nor Latin-1 can write.
NAME = "Łódź — „Zum Löwen“ €"

Rows = list[tuple[Any, ...]]


def load(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    """Import the sample books: a loader of pytest-postgresql."""
    dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
    with TemporaryDirectory() as folder, connect(dsn) as connection:
        files, _warnings = find_files(connection, Config(), SAMPLE)
        import_books(connection, Config(), files, rejects=Path(folder) / "rejects.csv")
        connection.execute("UPDATE billing.clients SET client_name = %s || client_name", [NAME])


def cli(*arguments: object) -> tuple[int, str]:
    """Run a command in this process and return its exit status and its output."""
    done = CliRunner().invoke(main, [*map(str, arguments)], standalone_mode=False, obj=Session())
    if done.exception is not None:
        raise done.exception
    status = done.return_value
    return status if isinstance(status, int) else 0, done.stdout


def ledger(dsn: str) -> Rows:
    """Return the rows of the ledger, but for when they were written."""
    with psycopg.connect(dsn, client_encoding="UTF8") as connection:
        connection.execute("SET TimeZone = 'UTC'")
        return connection.execute(
            "SELECT to_jsonb(r) - '{created_at,updated_at}'::text[]"
            " FROM billing.recurring_service_periods AS r WHERE r.tenant = %s"
            " ORDER BY r.schedule_key, r.period_key, r.revision",
            [TENANT],
        ).fetchall()
