"""The rent books of one owner, with planted conditions: the folder, and a database that holds them.

A plugin of the top conftest: every test has its fixtures.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from tests.books import load_books
from tests.conftest import Database, clone

PACKED = Path(__file__).parent / "data" / "rent"
OWNER = "db5b5fab-8f4d-4e27-9da1-494c73cf256d"


def read(name: str) -> Any:
    """Return a JSON file of the rent books."""
    with gzip.open(PACKED / f"{name}.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def unpack(folder: Path) -> Path:
    """Write the folder that ``duecourse import`` reads."""
    folder.mkdir(exist_ok=True)
    for packed in [*PACKED.glob("*.csv.gz"), PACKED / "manifest.json.gz"]:
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder


@pytest.fixture
def rent_books(tmp_path: Path) -> Path:
    """Return a folder of rent books of the test's own."""
    return unpack(tmp_path / "rent")


def _import_everything(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
    with TemporaryDirectory() as folder:
        load_books(dsn, unpack(Path(folder)))


@pytest.fixture(scope="session")
def rent_base(applied_server: NoopExecutor) -> NoopExecutor:
    """Return the server under a name of its own: its dependants' databases are named for it."""
    return applied_server


#: A server with a template database that holds the rent books.
rent_server = factories.postgresql_noproc(load=[_import_everything], depends_on="rent_base")


@pytest.fixture
def rent_dsn(rent_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own that holds the rent books."""
    with clone(rent_server, "_rent") as dsn:
        yield dsn


@pytest.fixture
def rent_database(rent_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``rent_dsn``."""
    with psycopg.connect(rent_dsn, autocommit=True) as connection:
        yield connection
