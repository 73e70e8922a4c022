"""A charge ledger of the test's own."""

import pytest

from tests.charges.owner import Owner
from tests.conftest import Database


@pytest.fixture
def owner(shared_database: Database) -> Owner:
    """Return an owner with two units, in a database that the tests of a module share."""
    return Owner(shared_database)
