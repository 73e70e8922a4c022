"""A plugin of pytest: databases with everything applied, a clone a test.

They are made on the server that ``--duecourse-dsn`` or ``DUECOURSE_TEST_DSN`` names, whose role may
create databases, or on an embedded one that lives as long as the run. The names of the schemas are
those of ``duecourse.toml`` or ``DUECOURSE_CONFIG``.
"""

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Protocol
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse import embedded, migrate
from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import load
from duecourse.database import Connection, connect
from duecourse.sample_books import SAMPLE

_VARIABLE = "DUECOURSE_TEST_DSN"


class Books(Protocol):
    """What ``duecourse_books`` is."""

    def __call__(self, folder: Path | str | None = None) -> Connection:
        """Return a connection to a database of its own with the books of a folder, or the sample's.

        It is closed, and the database gone, when the test ends.
        """


def pytest_addoption(parser: pytest.Parser) -> None:
    """Offer where the databases are made."""
    group = parser.getgroup("duecourse")
    group.addoption(
        "--duecourse-dsn",
        metavar="DSN",
        help=f"Server for duecourse_database (default: {_VARIABLE}, else an embedded one).",
    )


class _Server:
    """A server, and on it a template that each test's database is a copy of."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._name = f"duecourse_test_{uuid4().hex[:12]}"
        self._templates: dict[Path | None, str] = {}

    def template(self, folder: Path | None) -> str:
        """Return the database that holds the books of a folder, or none; made when asked first."""
        if folder not in self._templates:
            base = None if folder is None else self.template(None)
            name = f"{self._name}_{len(self._templates)}"
            self._create(name, base)
            self._templates[folder] = name
            if folder is None:
                migrate.apply(self.dsn_of(name))
            else:
                _import(self.dsn_of(name), folder)
        return self._templates[folder]

    @contextmanager
    def clone(self, folder: Path | None) -> Iterator[str]:
        """Yield the connection string of a copy, which goes afterwards."""
        name = f"{self._name}_{uuid4().hex[:12]}"
        self._create(name, self.template(folder))
        try:
            yield self.dsn_of(name)
        finally:
            self._drop(name)

    def dsn_of(self, name: str) -> str:
        """Return the connection string of a database."""
        return make_conninfo(self._dsn, dbname=name)

    def close(self) -> None:
        """Drop the templates."""
        for name in self._templates.values():
            self._drop(name)

    def _create(self, name: str, template: str | None) -> None:
        self._execute("CREATE DATABASE {} TEMPLATE {}", name, template or "template0")

    def _drop(self, name: str) -> None:
        self._execute("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)

    def _execute(self, statement: str, *names: str) -> None:
        with psycopg.connect(self._dsn, autocommit=True) as connection:
            connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))


def _import(dsn: str, folder: Path) -> None:
    config = load()
    with TemporaryDirectory() as rejects, connect(dsn) as connection:
        files, _warnings = find_files(connection, config, folder)
        import_books(connection, config, files, rejects=Path(rejects) / "rejects.csv")


@pytest.fixture(scope="session")
def duecourse_server(request: pytest.FixtureRequest) -> Iterator[_Server]:
    """Yield the server on which the databases of the tests are made."""
    given = request.config.getoption("--duecourse-dsn") or os.environ.get(_VARIABLE)
    with ExitStack() as stack:
        dsn = given or stack.enter_context(embedded.serve(durable=False)).dsn
        server = _Server(dsn)
        stack.callback(server.close)
        yield server


@pytest.fixture
def duecourse_dsn(duecourse_server: _Server) -> Iterator[str]:
    """Yield the connection string of a database of the test's own, with everything applied."""
    with duecourse_server.clone(None) as dsn:
        yield dsn


@pytest.fixture
def duecourse_database(duecourse_dsn: str) -> Iterator[Connection]:
    """Yield a connection in autocommit to a database of the test's own."""
    with connect(duecourse_dsn) as connection:
        yield connection


@pytest.fixture
def duecourse_books(duecourse_server: _Server) -> Iterator[Books]:
    """Return a function that gives a database with the books of a folder; without: the sample."""
    with ExitStack() as stack:

        def books(folder: Path | str | None = None) -> Connection:
            found = SAMPLE if folder is None else Path(folder).resolve()
            dsn = stack.enter_context(duecourse_server.clone(found))
            return stack.enter_context(connect(dsn))

        yield books
