"""The books of two tenants, with planted faults: the folder, and a database that holds them.

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

from duecourse.books import find_files, import_books
from duecourse.config import Config
from duecourse.database import connect
from tests.conftest import Database, clone

PACKED = Path(__file__).parent / "data" / "books"
NORTHLIGHT = "a07f9a61-7b73-59e7-be30-adb5d9d2d4ac"
HARBOR = "cf4d8c3f-d3f4-5161-b06b-b5273b26fce2"
EXPECTED = {NORTHLIGHT: "expected_northlight.json", HARBOR: "expected_harbor.json"}


def read(name: str) -> Any:
    """Return a JSON file of the books."""
    with gzip.open(PACKED / f"{name}.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def unpack(folder: Path) -> Path:
    """Write the folder that ``duecourse import`` reads."""
    folder.mkdir(exist_ok=True)
    for packed in [*PACKED.glob("*.csv.gz"), PACKED / "manifest.json.gz"]:
        (folder / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    return folder


def load_books(dsn: str, folder: Path) -> None:
    """Import a folder of books in which every line can be read."""
    with connect(dsn) as connection:
        files, warnings = find_files(connection, Config(), folder)
        assert warnings == []
        import_books(connection, Config(), files, rejects=folder / "rejects.csv")


@pytest.fixture
def books(tmp_path: Path) -> Path:
    """Return a folder of books of the test's own."""
    return unpack(tmp_path / "books")


def _import_everything(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
    with TemporaryDirectory() as folder:
        load_books(dsn, unpack(Path(folder)))


#: A server with a template database that holds the books.
books_server = factories.postgresql_noproc(load=[_import_everything], depends_on="applied_server")


@pytest.fixture
def books_dsn(books_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own that holds the books."""
    with clone(books_server, "_books") as dsn:
        yield dsn


@pytest.fixture
def books_database(books_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``books_dsn``."""
    with psycopg.connect(books_dsn, autocommit=True) as connection:
        yield connection
