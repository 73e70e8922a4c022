"""Small books that are billed, in a database that the tests of a module share."""

import pytest

from tests.conftest import Database
from tests.invoices.books import Billing


@pytest.fixture
def books(shared_database: Database) -> Billing:
    """Return a tenant without anything."""
    return Billing(shared_database)
