"""A charge ledger of the test's own, and a copy of the rental system's tables beside them."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import Config
from duecourse.database import connect
from duecourse.export import export_books
from tests.adopted import filled
from tests.charges.conftest import owner
from tests.conftest import Database, clone
from tests.profiles.loading import load_rental
from tests.rent import OWNER

__all__ = ["owner"]


def _copy(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    """Import what is exported from the tables in schema public."""
    dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
    with TemporaryDirectory() as name, connect(dsn) as connection:
        folder = Path(name) / "rents"
        export_books(connection, "rental", folder, tenant=UUID(OWNER))
        files, warnings = find_files(connection, Config(), folder)
        assert warnings == []
        import_books(connection, Config(), files, rejects=folder / "rejects.csv")


@pytest.fixture(scope="session")
def copied_base(applied_server: NoopExecutor) -> NoopExecutor:
    """Return the server under a name of its own: its dependants' databases are named for it."""
    return applied_server


copied_server = factories.postgresql_noproc(
    load=[filled(load_rental), _copy], depends_on="copied_base"
)


@pytest.fixture(scope="module")
def copied(copied_server: NoopExecutor) -> Iterator[Database]:
    """Yield a connection in autocommit to rental tables and, beside them, their copy."""
    with (
        clone(copied_server, "_copied") as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        yield connection


@pytest.fixture
def undone(copied: Database) -> Iterator[Database]:
    """Yield that connection in a transaction that is taken back."""
    with copied.transaction(force_rollback=True):
        yield copied
