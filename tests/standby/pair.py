"""A primary that archives nothing, and its streaming standby: a plugin of the top conftest."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from duecourse import migrate
from duecourse.embedded import serve
from duecourse.postgres import call, give, usable_binaries
from tests.concurrency.sessions import until
from tests.conftest import Database


@dataclass
class Pair:
    """Two servers with one content, of which the second one reads: its replay can be held up."""

    dsn: str
    standby_dsn: str
    primary: Database
    standby: Database

    def another(self, name: str) -> tuple[str, str]:
        """Make a database with everything applied; return how both servers know it."""
        with psycopg.connect(make_conninfo(self.dsn, dbname="template1"), autocommit=True) as admin:
            admin.execute(f"CREATE DATABASE {name} TEMPLATE applied".encode())
        return make_conninfo(self.dsn, dbname=name), make_conninfo(self.standby_dsn, dbname=name)

    def catch_up(self) -> None:
        """Wait until the standby has replayed what is committed."""
        # A commit that waits for its record, as those before it did not: then all are written.
        self.primary.execute("SET synchronous_commit = on")
        self.primary.execute("SELECT pg_logical_emit_message(true, 'catch up', '')")
        [(written,)] = self.primary.execute("SELECT pg_current_wal_lsn()")
        until(self.standby, "SELECT pg_last_wal_replay_lsn() >= %s", (written,))


@pytest.fixture(scope="session")
def pair() -> Iterator[Pair]:
    """Start a primary and its standby."""
    with TemporaryDirectory(prefix="duecourse-test-") as folder:
        homes = [Path(folder) / name for name in ("primary", "standby")]
        for home in (Path(folder), *homes):
            home.mkdir(exist_ok=True)
            give(home)
        with (
            serve(homes[0], durable=False) as server,
            psycopg.connect(server.dsn, autocommit=True) as database,
        ):
            database.execute("ALTER SYSTEM SET archive_mode = 'on'")
            database.execute("ALTER SYSTEM SET archive_command = '/bin/false'")
        with serve(homes[0], durable=False) as server:
            migrate.apply(server.dsn)
            admin_dsn = make_conninfo(server.dsn, dbname="template1")
            with psycopg.connect(admin_dsn, autocommit=True) as admin:
                admin.execute("CREATE DATABASE applied TEMPLATE postgres")
            tools = usable_binaries(int((homes[0] / "data/PG_VERSION").read_text()))
            command: list[str | Path] = [
                tools / "pg_basebackup",
                "-D",
                homes[1] / "data",
                "-h",
                server.sockets,
            ]
            command += ["-U", "postgres", "-R", "--checkpoint=fast", "--no-sync"]
            assert call(command) == ""
            # Of the primary, whose socket lies in its folder.
            (homes[1] / "data/.s.PGSQL.5432.lock").unlink(missing_ok=True)
            with (
                serve(homes[1], durable=False) as other,
                psycopg.connect(server.dsn, autocommit=True) as primary,
                psycopg.connect(other.dsn, autocommit=True) as standby,
            ):
                until(primary, "SELECT count(*) = 1 FROM pg_stat_replication")
                yield Pair(server.dsn, other.dsn, primary, standby)
