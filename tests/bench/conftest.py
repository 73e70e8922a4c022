"""A durable server of the benchmarks' own, or the one of DUECOURSE_TEST_DSN, and a report."""

import os
from collections.abc import Iterator
from contextlib import ExitStack

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse import embedded, migrate
from tests.bench.books import SCHEDULES

_lines: list[str] = []


@pytest.fixture(scope="session")
def measured() -> list[str]:
    """Return the list of figures that is printed at the end of the run."""
    return _lines


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what was measured."""
    if _lines:
        terminalreporter.section(f"measured at {SCHEDULES:,} schedules")
        for line in _lines:
            terminalreporter.write_line(line)


@pytest.fixture(scope="module")
def bench_dsn() -> Iterator[str]:
    """Yield a fresh database on a server that keeps what it commits (fsync on)."""
    with ExitStack() as stack:
        server = os.environ.get("DUECOURSE_TEST_DSN") or stack.enter_context(embedded.serve()).dsn
        if "DUECOURSE_TEST_DSN" not in os.environ:
            with psycopg.connect(server, autocommit=True) as connection:
                # As for any bulk load: no checkpoint in the middle of what is measured.
                connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
                connection.execute("SELECT pg_reload_conf()")
        name = sql.Identifier(f"duecourse_bench_{os.getpid()}")
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
            dsn = make_conninfo(server, dbname=name.as_string(connection).strip('"'))
            migrate.apply(dsn)
            yield dsn
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
