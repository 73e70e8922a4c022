"""The real PgBouncer, where one is installed."""

import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg

from duecourse import postgres

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def pgbouncer(dsn: str, mode: str) -> Iterator[int]:
    """Run one before the server of a database and yield its port on 127.0.0.1."""
    assert PROGRAM is not None
    with psycopg.connect(dsn) as connection:
        found = connection.info
        server = f"host={found.host} port={found.port} user={found.user}"
        if found.password:
            server += f" password={found.password}"
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory(prefix="duecourse-test-") as name:
        settings = Path(name) / "pgbouncer.ini"
        settings.write_text(
            f"[databases]\n* = {server}\n[pgbouncer]\nlisten_addr = 127.0.0.1\n"
            f"listen_port = {port}\nunix_socket_dir =\nauth_type = any\npool_mode = {mode}\n"
        )
        command = [PROGRAM, "-q", str(settings)]
        if os.geteuid() == 0:
            # It refuses to run as root.
            account = postgres.unprivileged().pw_name
            shutil.chown(name, account)
            shutil.chown(settings, account)
            command[1:1] = ["-u", account]
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
            try:
                _wait_for(port, run)
                yield port
            finally:
                run.terminate()


def _wait_for(port: int, run: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and run.poll() is None:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
            return
        time.sleep(0.02)
    raise RuntimeError("PgBouncer did not start")
