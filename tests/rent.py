"""The rent books of one owner, with planted conditions: the folder, and a database that holds them.

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

RENT = Packed("rent")
OWNER = "db5b5fab-8f4d-4e27-9da1-494c73cf256d"


@pytest.fixture
def rent_books(tmp_path: Path) -> Path:
    """Return a folder of rent books of the test's own."""
    return RENT.unpack(tmp_path / "rent")


@pytest.fixture(scope="session")
def rent_base(applied_server: NoopExecutor) -> NoopExecutor:
    """Return the server under a name of its own: its dependants' databases are named for it."""
    return applied_server


#: A server with a template database that holds the rent books.
rent_server = factories.postgresql_noproc(load=[RENT.load], depends_on="rent_base")


@pytest.fixture
def rent_dsn(rent_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own that holds the rent books."""
    with clone(rent_server, "_rent") as dsn:
        yield dsn


@pytest.fixture
def rent_database(rent_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``rent_dsn``."""
    with psycopg.connect(rent_dsn, autocommit=True) as connection:
        yield connection
