"""Databases with another system's tables, adopted in place: a template each, a clone a test."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from duecourse import adoption
from duecourse.profile import Wanted
from tests.conftest import Database, clone
from tests.profiles.loading import load_alga, load_rental

_LOADERS = {"alga": load_alga, "rental": load_rental}


def _adopt(
    profile: str, *, host: str, port: int, user: str, dbname: str, password: str | None
) -> None:
    dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
    with psycopg.connect(dsn, autocommit=True) as connection:
        _LOADERS[profile](connection)
    adoption.adopt(dsn, Wanted(profile))


def _adopt_alga(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    _adopt("alga", host=host, port=port, user=user, dbname=dbname, password=password)


def _adopt_rental(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    _adopt("rental", host=host, port=port, user=user, dbname=dbname, password=password)


@pytest.fixture(scope="session")
def alga_base(empty_server: NoopExecutor) -> NoopExecutor:
    """Return the server under a name of its own: its dependants' databases are named for it."""
    return empty_server


@pytest.fixture(scope="session")
def rental_base(empty_server: NoopExecutor) -> NoopExecutor:
    """Return the server under another name of its own."""
    return empty_server


#: Servers with a template database that holds the books of a system, adopted.
alga_server = factories.postgresql_noproc(load=[_adopt_alga], depends_on="alga_base")
rental_server = factories.postgresql_noproc(load=[_adopt_rental], depends_on="rental_base")


@pytest.fixture
def adopted_alga_dsn(alga_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own with adopted books."""
    with clone(alga_server, "_alga") as dsn:
        yield dsn


@pytest.fixture
def adopted_alga(adopted_alga_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``adopted_alga_dsn``."""
    with psycopg.connect(adopted_alga_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def adopted_rental_dsn(rental_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own with adopted rents."""
    with clone(rental_server, "_rental") as dsn:
        yield dsn


@pytest.fixture
def adopted_rental(adopted_rental_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``adopted_rental_dsn``."""
    with psycopg.connect(adopted_rental_dsn, autocommit=True) as connection:
        yield connection
