"""A tenant with a finding, and what is waived of it."""

import pytest

from tests.checks.waived import Waived
from tests.conftest import Database


@pytest.fixture
def waived(shared_database: Database) -> Waived:
    """Return a tenant in a database that the tests of a module share."""
    return Waived(shared_database)
