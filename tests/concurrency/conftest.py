"""Two sessions and small books, in a database that the tests of a module share."""

from collections.abc import Iterator

import pytest

from tests.concurrency.sessions import Session, sessions
from tests.conftest import Database
from tests.service_periods.books import Books


@pytest.fixture
def books(shared_database: Database) -> Books:
    """Return a tenant without anything."""
    return Books(shared_database)


@pytest.fixture
def pair(shared_dsn: str) -> Iterator[list[Session]]:
    """Yield two sessions."""
    with sessions(shared_dsn) as opened:
        yield opened
