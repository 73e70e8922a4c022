"""Small books whose checklist is looked at, and the commands that it names run."""

from collections.abc import Iterator

import pytest

from tests.conftest import Command, Database
from tests.guidance.checklist import Cutover
from tests.permissions.roles import Roles, roles_of


@pytest.fixture
def cutover(shared_database: Database, shared_dsn: str, duecourse: Command) -> Cutover:
    """Return a tenant without anything, in a database that the tests of a module share."""
    return Cutover(shared_database, duecourse, shared_dsn)


@pytest.fixture
def shared_roles(shared_database: Database) -> Iterator[Roles]:
    """Yield a maker of roles for the length of a test."""
    with roles_of(shared_database) as roles:
        yield roles
