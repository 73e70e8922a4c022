"""Roles for the tests of permissions."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.permissions.roles import Roles, roles_of


@pytest.fixture
def roles(database: Database) -> Iterator[Roles]:
    """Yield a maker of roles for a database of the test's own."""
    with roles_of(database) as roles:
        yield roles


@pytest.fixture(scope="module")
def shared_roles(shared_database: Database) -> Iterator[Roles]:
    """Yield a maker of roles for a database that the tests of a module share."""
    with roles_of(shared_database) as roles:
        yield roles
