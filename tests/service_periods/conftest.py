"""Small books, in a database that the tests of a module share."""

import pytest

from tests.conftest import Database
from tests.service_periods.books import Books


@pytest.fixture
def books(shared_database: Database) -> Books:
    """Return a tenant without anything."""
    return Books(shared_database)
