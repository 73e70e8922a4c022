"""Databases of the two systems that can be adopted, filled with the books, and adopted in place.

A plugin of the top conftest: every test has its fixtures. Whoever needs other options takes
``alga_dsn`` or ``rental_dsn``, where nothing was adopted yet.
"""

from collections.abc import Callable, Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from duecourse import adoption
from duecourse.profile import Wanted
from tests.conftest import Database, clone
from tests.profiles.loading import load_alga, load_rental

Loader = Callable[..., None]


def filled(load: Callable[[Database], None]) -> Loader:
    """Return a loader of pytest-postgresql that fills an empty database."""

    def loader(
        *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
    ) -> None:
        dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
        with psycopg.connect(dsn) as connection:
            load(connection)

    return loader


def adopting(profile: str) -> Loader:
    """Return a loader of pytest-postgresql that adopts the tables of a profile."""

    def loader(
        *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
    ) -> None:
        dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
        adoption.adopt(dsn, Wanted(profile))

    return loader


@pytest.fixture(scope="session")
def alga_base(empty_server: NoopExecutor) -> NoopExecutor:
    """Return the server under a name of its own: its dependants' databases are named for it."""
    return empty_server


@pytest.fixture(scope="session")
def rental_base(empty_server: NoopExecutor) -> NoopExecutor:
    """Return the server under a name of its own: its dependants' databases are named for it."""
    return empty_server


alga_server = factories.postgresql_noproc(load=[filled(load_alga)], depends_on="alga_base")
rental_server = factories.postgresql_noproc(load=[filled(load_rental)], depends_on="rental_base")
adopted_alga_server = factories.postgresql_noproc(load=[adopting("alga")], depends_on="alga_server")
adopted_rental_server = factories.postgresql_noproc(
    load=[adopting("rental")], depends_on="rental_server"
)


@pytest.fixture
def alga_dsn(alga_server: NoopExecutor) -> Iterator[str]:
    """Yield a database of the managed-services system, in which nothing of ours is."""
    with clone(alga_server, "_alga") as dsn:
        yield dsn


@pytest.fixture
def rental_dsn(rental_server: NoopExecutor) -> Iterator[str]:
    """Yield a database of the rental system, in which nothing of ours is."""
    with clone(rental_server, "_rental") as dsn:
        yield dsn


@pytest.fixture
def adopted_alga_dsn(adopted_alga_server: NoopExecutor) -> Iterator[str]:
    """Yield a database of the managed-services system, adopted without any option."""
    with clone(adopted_alga_server, "_adopted_alga") as dsn:
        yield dsn


@pytest.fixture
def adopted_rental_dsn(adopted_rental_server: NoopExecutor) -> Iterator[str]:
    """Yield a database of the rental system, adopted without any option."""
    with clone(adopted_rental_server, "_adopted_rental") as dsn:
        yield dsn


@pytest.fixture
def adopted_alga(adopted_alga_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``adopted_alga_dsn``."""
    with psycopg.connect(adopted_alga_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def adopted_rental(adopted_rental_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``adopted_rental_dsn``."""
    with psycopg.connect(adopted_rental_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared_alga_dsn(adopted_alga_server: NoopExecutor) -> Iterator[str]:
    """Yield an adopted database of the managed-services system that a module's tests share."""
    with clone(adopted_alga_server, "_shared_alga") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def shared_alga(shared_alga_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``shared_alga_dsn``."""
    with psycopg.connect(shared_alga_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared_rental_dsn(adopted_rental_server: NoopExecutor) -> Iterator[str]:
    """Yield an adopted database of the rental system that a module's tests share."""
    with clone(adopted_rental_server, "_shared_rental") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def shared_rental(shared_rental_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``shared_rental_dsn``."""
    with psycopg.connect(shared_rental_dsn, autocommit=True) as connection:
        yield connection
