"""A durable server of the benchmarks' own, or the one of DUECOURSE_TEST_DSN, and a report."""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

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


@pytest.fixture(scope="session")
def bench_server() -> Iterator[str]:
    """Yield a server that keeps what it commits (fsync on), by a database that is a template."""
    with ExitStack() as stack:
        server = os.environ.get("DUECOURSE_TEST_DSN") or stack.enter_context(embedded.serve()).dsn
        with psycopg.connect(server, autocommit=True) as connection:
            if "DUECOURSE_TEST_DSN" not in os.environ:
                # As for any bulk load: no checkpoint in the middle of what is measured.
                connection.execute("ALTER SYSTEM SET max_wal_size = '8GB'")
                connection.execute("SELECT pg_reload_conf()")
            with database_of(connection, "template", "template0") as dsn:
                migrate.apply(dsn)
                yield dsn


@pytest.fixture(scope="module")
def bench_dsn(bench_server: str) -> Iterator[str]:
    """Yield a fresh database with everything applied."""
    template = conninfo_to_dict(bench_server)["dbname"]
    with psycopg.connect(bench_server, dbname="postgres", autocommit=True) as connection:
        with database_of(connection, "module", str(template)) as dsn:
            yield dsn
        connection.execute("CHECKPOINT")


@contextmanager
def database_of(
    connection: psycopg.Connection[tuple[object, ...]], what: str, template: str
) -> Iterator[str]:
    """Make a database of the run for the length of the block."""
    name = f"duecourse_bench_{what}_{os.getpid()}"
    names = {"name": sql.Identifier(name), "template": sql.Identifier(template)}
    connection.execute(sql.SQL("CREATE DATABASE {name} TEMPLATE {template}").format(**names))
    yield make_conninfo(connection.info.dsn, password=connection.info.password, dbname=name)
    connection.execute(sql.SQL("DROP DATABASE {name} WITH (FORCE)").format(**names))
