"""The command line in the process of the tests: what it prints costs no start of Python."""

import io
import subprocess
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from duecourse.cli import start
from tests.conftest import Command


class _Kept(io.TextIOWrapper):
    """Keeps what is printed, texts and bytes."""

    def __init__(self) -> None:
        self._bytes = io.BytesIO()
        super().__init__(self._bytes, encoding="utf-8", write_through=True)

    def text(self) -> str:
        return self._bytes.getvalue().decode()


@pytest.fixture
def typed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Return a function that runs the command line here, in an empty folder."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object) -> "subprocess.CompletedProcess[str]":
        given = list(map(str, arguments))
        with (
            redirect_stdout(_Kept()) as out,
            redirect_stderr(_Kept()) as err,
            pytest.raises(SystemExit) as left,
        ):
            start(given)
        status = left.value.code
        assert isinstance(status, int)
        return subprocess.CompletedProcess(given, status, out.text(), err.text())

    return run
