"""The books of two tenants, with planted faults: the folder, and a database that holds them.

A plugin of the top conftest: every test has its fixtures.
"""

from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import Database, clone
from tests.packed import Packed

BOOKS = Packed("books")
NORTHLIGHT = "a07f9a61-7b73-59e7-be30-adb5d9d2d4ac"
HARBOR = "cf4d8c3f-d3f4-5161-b06b-b5273b26fce2"
EXPECTED = {NORTHLIGHT: "expected_northlight.json", HARBOR: "expected_harbor.json"}


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Return a folder of books of the test's own."""
    return BOOKS.unpack(tmp_path / "books")


#: A server with a template database that holds the books.
books_server = factories.postgresql_noproc(load=[BOOKS.load], depends_on="applied_server")


@pytest.fixture
def books_dsn(books_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own that holds the books."""
    with clone(books_server, "_books") as dsn:
        yield dsn


@pytest.fixture
def books_database(books_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``books_dsn``."""
    with psycopg.connect(books_dsn, autocommit=True) as connection:
        yield connection
