"""The scene of the checks' tests."""

import pytest

from tests.conftest import Database
from tests.verify.scene import Scene


@pytest.fixture
def scene(shared_database: Database) -> Scene:
    """Return a tenant in good order, in a database that the tests of a module share."""
    return Scene(shared_database)


@pytest.fixture
def own_scene(database: Database) -> Scene:
    """Return a tenant in good order, in a database of the test's own."""
    return Scene(database)
