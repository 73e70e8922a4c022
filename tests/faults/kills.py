"""Clients and servers that end by SIGKILL in the middle of a run."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from uuid import UUID

import psycopg

from duecourse.embedded import Server
from tests.concurrency.sessions import until
from tests.conftest import Database

_CLIENT = """
import sys, psycopg
dsn, call, tenant, key, batch = sys.argv[1:]
with psycopg.connect(dsn, autocommit=True) as connection:
    connection.execute(
        f"CALL {call}p_tenant => %s, p_run_key => nullif(%s, ''), p_batch_size => %s)",
        (tenant, key, batch))
"""


@dataclass(frozen=True)
class Run:
    """A bulk run of a tenant: its CALL up to where the shared arguments begin."""

    call: str
    tenant: UUID
    run_key: str
    batch_size: int

    def start(self, dsn: str) -> "subprocess.Popen[bytes]":
        """Start it in a client of its own."""
        arguments = [dsn, self.call, str(self.tenant), self.run_key, str(self.batch_size)]
        command = [sys.executable, "-c", _CLIENT, *arguments]
        return subprocess.Popen(command, stderr=subprocess.DEVNULL)

    def start_and_kill(self, dsn: str, database: Database, batches: int) -> None:
        """Start it, and kill its client once so many batches are committed in all."""
        client = self.start(dsn)
        wait_for_batches(database, batches)
        client.kill()
        assert client.wait() == -signal.SIGKILL


def wait_for_batches(database: Database, batches: int) -> None:
    """Wait until so many batches are committed, in whatever runs."""
    until(database, "SELECT coalesce(sum(batches), 0) >= %s FROM ops.runs", (batches,))


def kill_server(server: Server, database: Database) -> None:
    """SIGKILL every process of a server at once."""
    postmaster = int((server.data / "postmaster.pid").read_text().splitlines()[0])
    children = [pid for (pid,) in database.execute("SELECT pid FROM pg_stat_activity")]
    for pid in (postmaster, *children):
        os.kill(pid, signal.SIGKILL)
    assert server.process is not None
    server.process.wait()


def kill_backend(database: Database) -> None:
    """SIGKILL the one backend that runs something; the server starts all others anew."""
    [(pid,)] = database.execute("SELECT backend_pid FROM ops.run_status() WHERE state = 'running'")
    os.kill(pid, signal.SIGKILL)


@contextmanager
def when_it_is_back(dsn: str) -> Iterator[Database]:
    """Yield a connection to a server that has just crashed, once it takes one."""
    while True:
        with suppress(psycopg.OperationalError):
            connection: Database = psycopg.connect(dsn, autocommit=True)
            # The postmaster may not have noticed yet.
            connection.execute("SELECT 1 FROM pg_stat_activity")
            break
    with connection:
        yield connection
