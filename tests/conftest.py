"""One server for the whole run, a template with everything applied, a clone of it a test.

The server is the embedded one (DUECOURSE_POSTGRES=16 or 18 chooses its version), or the one that
DUECOURSE_TEST_DSN names, whose role must be a superuser. The workers of pytest-xdist share it. With
DUECOURSE_TEST_PARTITIONS=8 the ledger is cut into so many partitions wherever it is applied.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from psycopg.conninfo import make_conninfo
from pytest_postgresql import factories
from pytest_postgresql.executors import NoopExecutor
from pytest_postgresql.janitor import DatabaseJanitor

from duecourse import embedded, migrate

pytest_plugins = ["tests.books", "tests.rent", "tests.adopted", "tests.standby.pair"]

ROOT = Path(__file__).resolve().parent.parent

Database = psycopg.Connection[tuple[Any, ...]]
Command = Callable[..., "subprocess.CompletedProcess[str]"]

#: How the workers of pytest-xdist learn of the server, and of the run whose databases they name.
_SERVER = "DUECOURSE_TEST_SERVER"
_RUN = "DUECOURSE_TEST_RUN"
_cleanup = ExitStack()

#: What Python heeds when it starts, and never again.
_OF_A_START = ("PYTHON", "LANG", "LC_")


def pytest_configure(config: pytest.Config) -> None:
    """Start the server, or find it, and tell pytest-postgresql where it is."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        # Of a shell's background job: what the tests start would be deaf to Ctrl-C as well.
        signal.signal(signal.SIGINT, signal.default_int_handler)
    for name in ("DATABASE_URL", "DUECOURSE_CONFIG"):
        os.environ.pop(name, None)
    if partitions := os.environ.get("DUECOURSE_TEST_PARTITIONS"):
        file = Path(_cleanup.enter_context(TemporaryDirectory()), "duecourse.toml")
        file.write_text(f"[engine]\nledger_partitions = {partitions}\n")
        os.environ["DUECOURSE_CONFIG"] = str(file)
    if _SERVER not in os.environ:
        given = os.environ.get("DUECOURSE_TEST_DSN")
        started = given or _cleanup.enter_context(embedded.serve(durable=False)).dsn
        os.environ |= {_SERVER: started, _RUN: f"duecourse_test_{os.getpid()}"}
        if sys.dont_write_bytecode:
            # What the tests start keeps what it compiles nevertheless, in a folder of the run.
            folder = _cleanup.enter_context(TemporaryDirectory())
            os.environ |= {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": folder}
    with psycopg.connect(os.environ[_SERVER]) as connection:
        found = connection.info
        config.option.postgresql_host = found.host
        config.option.postgresql_port = str(found.port)
        config.option.postgresql_user = found.user
        config.option.postgresql_password = found.password or None
    config.option.postgresql_dbname = os.environ[_RUN]


def pytest_unconfigure() -> None:
    """Stop the server that was started here."""
    _cleanup.close()


def _apply_everything(
    *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
) -> None:
    migrate.apply(make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password))


#: A server with a template database that holds nothing, and one with everything applied.
empty_server = factories.postgresql_noproc(dbname=None)
applied_server = factories.postgresql_noproc(load=[_apply_everything], depends_on="empty_server")


@contextmanager
def clone(server: NoopExecutor, suffix: str = "") -> Iterator[str]:
    where: dict[str, Any] = {
        "host": server.host,
        "port": server.port,
        "user": server.user,
        "password": server.password,
        "dbname": f"{server.dbname}{suffix}",
    }
    with DatabaseJanitor(template_dbname=server.template_dbname, **where):
        yield make_conninfo(**where)


@pytest.fixture
def dsn(applied_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database of the test's own, with everything applied."""
    with clone(applied_server) as dsn:
        yield dsn


@pytest.fixture
def empty_dsn(empty_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of an empty database of the test's own."""
    with clone(empty_server) as dsn:
        yield dsn


@pytest.fixture
def database(dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``dsn``."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="module")
def shared_dsn(applied_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database that the tests of a module share."""
    with clone(applied_server, "_shared") as dsn:
        yield dsn


@pytest.fixture(scope="module")
def shared_database(shared_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``shared_dsn``."""
    with psycopg.connect(shared_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture
def empty_database(empty_dsn: str) -> Iterator[Database]:
    """Yield a connection in autocommit to ``empty_dsn``."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        yield connection


@pytest.fixture(scope="session")
def warm() -> Iterator[list[str]]:
    """Yield the words of a shell that stand for the command line, sooner; see tests/warm.py."""
    file = str(ROOT / "tests/warm.py")
    with TemporaryDirectory() as folder:
        where = str(Path(folder) / "socket")
        with subprocess.Popen(
            [sys.executable, file, "--serve", where],
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as server:
            assert server.stdout
            assert server.stdout.readline() == b"ready\n"
            yield [sys.executable, "-I", "-S", file, where]


@pytest.fixture
def duecourse(tmp_path: Path, warm: list[str]) -> Command:
    """Return a function that runs the command line in a process of its own, in an empty folder."""

    def run(*arguments: object, **settings: Any) -> "subprocess.CompletedProcess[str]":
        env: dict[str, str] = settings.pop("env", {})
        anew = any(name.startswith(_OF_A_START) for name in env)
        return subprocess.run(
            [*([sys.executable, "-m", "duecourse"] if anew else warm), *map(str, arguments)],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT), **env},
            capture_output=True,
            check=False,
            text=True,
            **settings,
        )

    return run
