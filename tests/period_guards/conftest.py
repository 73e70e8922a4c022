"""The scene of the ledger's tests."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.period_guards.scene import Scene


@pytest.fixture
def scene(shared_database: Database) -> Iterator[Scene]:
    """Yield a small ledger with a row of each kind; nothing is ever committed."""
    with shared_database.transaction(force_rollback=True):
        yield Scene(shared_database)
