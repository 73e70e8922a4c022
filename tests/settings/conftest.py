"""A database with the sample books."""

from collections.abc import Iterator

import pytest
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import clone
from tests.settings.sample import load

sample_server = factories.postgresql_noproc(load=[load], depends_on="applied_server")


@pytest.fixture
def sample_dsn(sample_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own that holds the sample books."""
    with clone(sample_server, "_sample") as dsn:
        yield dsn
