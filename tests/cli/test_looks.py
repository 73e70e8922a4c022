"""Tables of the sample fit 80 columns and name what they show; terminals have a pager."""

import os
import pty
import re
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from duecourse import output
from duecourse.sample_books import AS_OF, TENANT
from tests.cli.sample import OWNER, load
from tests.conftest import ROOT, Command

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
RENT = ("--tenant", OWNER)
READINGS = [
    ("tenants",),
    ("coverage", *SCOPE),
    ("coverage", *SCOPE, "--all"),
    ("escalations", *SCOPE),
    ("due-work", *SCOPE),
    ("due-work", *SCOPE, "--due-only"),
    ("due-work", *SCOPE, "--candidates", "--page", "2"),
    ("cutover", TENANT, "--as-of", AS_OF),
    ("cutover", TENANT, "--as-of", AS_OF, "--all"),
    ("linkage", *SCOPE),
    ("invoice", "preview", "cinder", "2026-09", "--line", "intranet", *SCOPE),
    ("invoice", "history", *SCOPE[:2]),
    ("balances", *RENT),
    ("balances", *RENT, "--renter", "ada", "--unit", "mill-1", "--explain"),
    ("orphans", *RENT),
]
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def books_dsn(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> str:
    """Return the connection string of the sample books."""
    load(shared_dsn, tmp_path_factory.mktemp("books"))
    return shared_dsn


@pytest.mark.parametrize("reading", READINGS, ids=" ".join)
def test_a_table_of_the_sample(typed: Command, books_dsn: str, reading: tuple[str, ...]) -> None:
    done = typed(*reading, "--dsn", books_dsn)
    assert done.returncode in (0, 6), done.stderr
    table = done.stdout.partition("\nnext:")[0].partition("\nwhat is escalated:")[0]
    lines = table.splitlines()
    assert len(lines) > 1
    assert [line for line in lines if len(line) > output.PIPED_WIDTH] == []
    assert "\x1b" not in done.stdout
    assert not re.search(r"\[\{|\{\"", table)
    # A line that is gone has nothing but its id; what is done about a finding names one.
    ids = [line for line in lines if UUID.search(line) and not line.startswith(("line ", "    "))]
    assert ids == []


def test_what_is_broken_comes_first(typed: Command, books_dsn: str) -> None:
    lines = typed("coverage", *SCOPE, "--all", "--dsn", books_dsn).stdout.splitlines()
    assert lines[0] == "11 of 33 schedules stop short or are broken, as of 2026-09-15"
    assert [line.endswith("  ok") for line in lines[2:]] == [False] * 11 + [True] * 22
    lines = typed("coverage", *SCOPE, "--dsn", books_dsn).stdout.splitlines()
    assert lines[0].endswith(" as of 2026-09-15 (all: --all)")
    assert len(lines) == 2 + 11
    [printers] = [line for line in lines if line.startswith("Bramble Bakery: Printers (g")]
    assert printers.endswith("…  2027-04-01  2027-03-30  gap 2026-12")
    lines = typed("escalations", *SCOPE, "--dsn", books_dsn).stdout.splitlines()
    acceptable = [line.rsplit(None, 1)[-1] for line in lines[2:12]]
    assert acceptable == sorted(acceptable)


def test_ids_are_shown_whole(typed: Command, books_dsn: str) -> None:
    [row] = [
        line
        for line in typed("coverage", *SCOPE, "--ids", "--dsn", books_dsn).stdout.splitlines()
        if line.startswith("Bramble Bakery: Printers (gap in the future)  ")
    ]
    assert row.endswith(
        f"  schedule:{TENANT}:client_contract_line:11000000-0000-4000-8000-000000000004:"
        "client:advance"
    )


def test_the_width_that_columns_says(
    typed: Command, books_dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    done = typed("coverage", *SCOPE, "--dsn", books_dsn)
    assert "Bramble Bakery: Printers (gap in the future)  " in done.stdout


def in_terminal(
    tmp_path: Path, arguments: tuple[str, ...], *, columns: int, lines: int, **settings: str
) -> str:
    """Return what a command prints to a terminal of that size."""
    terminal, end = pty.openpty()
    termios.tcsetwinsize(end, (lines, columns))
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm", **settings}
    for name in ("COLUMNS", "LINES"):
        environment.pop(name, None)
    with subprocess.Popen(
        [sys.executable, "-m", "duecourse", *arguments],
        cwd=tmp_path,
        env=environment,
        stdin=end,
        stdout=end,
        stderr=end,
    ) as process:
        os.close(end)
        seen = b""
        while True:
            try:
                seen += os.read(terminal, 65536)
            except OSError:
                break
        assert process.wait() == 0
    os.close(terminal)
    return seen.decode().replace("\r\n", "\n")


def test_a_terminal(tmp_path: Path, books_dsn: str) -> None:
    pager = tmp_path / "pager"
    pager.write_text("#!/bin/sh\necho paged; cat\n")
    pager.chmod(0o755)
    reading = ("coverage", *SCOPE, "--dsn", books_dsn)
    shown = in_terminal(tmp_path, reading, columns=120, lines=40, PAGER=str(pager))
    assert "\x1b[31mgap 2026-12" in shown
    assert "paged" not in shown
    plain = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert "Bramble Bakery: Printers (gap in the future)  " in plain
    assert max(map(len, plain.splitlines())) <= 120

    every = (*reading, "--all")
    shown = in_terminal(tmp_path, every, columns=80, lines=24, PAGER=str(pager), NO_COLOR="1")
    assert shown.startswith("paged\n")
    assert "\x1b[3" not in shown
    assert max(map(len, re.sub(r"\x1b\[[0-9;]*m", "", shown).splitlines())) <= 80
    shown = in_terminal(tmp_path, (*every, "--no-pager"), columns=80, lines=24, PAGER=str(pager))
    assert "paged" not in shown


@pytest.mark.parametrize(
    ("words", "colour"),
    [
        ("failed", "red"),
        ("3 gaps from 2026-12-01", "red"),
        ("58 days short", "red"),
        ("early, missing row", "red"),
        ("2026-11-29 escalated", "yellow"),
        ("due", "yellow"),
        ("done", "green"),
        ("ok", "green"),
        ("draft", ""),
        ("undue", ""),
    ],
)
def test_a_colour_means_something(words: str, colour: str) -> None:
    assert str(output.mark(words).style) == colour


def test_what_does_not_fit_is_cut_where_it_can_be() -> None:
    rows = [("a" * 60, "b" * 40, "2026-11-29"), ("c", "d" * 10, "2026-11-29")]
    made = output.table(("line", "why", "id"), rows)
    cells = [[str(cell) for cell in column.cells] for column in made.columns]
    assert cells[0][0] == "a" * 32 + "…"
    assert cells[1][0] == "b" * 32 + "…"
    assert cells[2][0] == "2026-11-29"
    # Where even that is not enough nothing is.
    made = output.table(("line", "id"), [("a" * 60, "b" * 90)])
    assert [str(cell) for cell in made.columns[0].cells] == ["a" * 60]
