"""A database with the sample books."""

from collections.abc import Iterator

import pytest
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import clone
from tests.settings.sample import load


@pytest.fixture(scope="session")
def sample_base(applied_server: NoopExecutor) -> NoopExecutor:
    """Return the same server by another name: the name of a template is that of its base."""
    return applied_server


sample_server = factories.postgresql_noproc(load=[load], depends_on="sample_base")


@pytest.fixture
def sample_dsn(sample_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own that holds the sample books."""
    with clone(sample_server, "_sample") as dsn:
        yield dsn
