"""``duecourse demo``: the story holds, its SQL runs as shown, nothing is left behind."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duecourse import postgres
from duecourse.demo import PSQL_VARIABLES
from tests.conftest import ROOT, Command, Database

SECONDS = 30


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Return the steps of a demo by their title."""
    done = run_demo(tmp_path_factory.mktemp("demo"), "--format", "json")
    return {step["title"]: step for step in json.loads(done.stdout)}


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Yield an empty folder that the account of the server can enter, as that of pytest is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


def run_demo(folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "duecourse", "demo", *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=True,
        text=True,
    )


def reasons(step: dict[str, Any]) -> set[str]:
    [table] = step["tables"]
    return {row["reason"] for row in table}


def test_it_repairs_all_but_what_must_not_be_forced(story: dict[str, Any]) -> None:
    acceptable = {"continuity_gap", "continuity_overlap", "override_conflict"}
    left = {
        "ambiguous_assignment",
        "dangling_linkage",
        "disputed_history",
        "missing_linkage",
        "unknown_obligation",
        "unsupported_frequency",
    }
    assert reasons(story["Look at the escalations"]) == acceptable | left
    assert reasons(story["Run again"]) == left
    assert story["Run again"]["summary"].startswith("0 rows written")
    assert "New escalations: 0" in story["Run again"]["summary"]


def test_every_fault_is_shown_or_has_nothing_to_show(story: dict[str, Any]) -> None:
    shown = json.dumps(list(story.values()))
    for fault in ("never materialized", "short horizon", "gap in the past", "overlap", "inactive"):
        assert fault in shown
    for healthy in ("(healthy)", "(system-managed)"):
        assert healthy not in shown


def test_its_sql_does_the_same(
    story: dict[str, Any], duecourse: Command, dsn: str, database: Database
) -> None:
    for sample in ("sample", "sample_rent"):
        assert duecourse("import", ROOT / "duecourse" / sample, "--dsn", dsn).returncode == 0
    script = "\n".join([PSQL_VARIABLES, *(step["sql"] for step in story.values())])
    subprocess.run(
        [postgres.binaries() / "psql", "-X", "-v", "ON_ERROR_STOP=1", "-d", dsn],
        input=script,
        check=True,
        capture_output=True,
        text=True,
    )
    runs = database.execute("SELECT rows_written FROM ops.runs ORDER BY started_at").fetchall()
    for (rows,), title in zip(
        runs, ("Repair", "Accept what was reviewed", "Run again"), strict=True
    ):
        assert story[title]["summary"].startswith(f"{rows} rows written")


def test_piped_it_is_plain_text_and_quick(tmp_path: Path) -> None:
    started = time.monotonic()
    done = run_demo(tmp_path)
    assert time.monotonic() - started < SECONDS
    assert "\x1b" not in done.stdout + done.stderr
    for heading in ("1. Apply\n", "4. Plan\n", "9. Run again\n"):
        assert f"\n{heading}" in done.stdout
    assert done.stdout.endswith("nothing is left behind.\n")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_keeps_the_books(open_folder: Path) -> None:
    for _ in ("once", "again"):
        done = run_demo(open_folder, "--embedded", "books")
        assert "its data stay in books" in done.stdout


def test_another_server_is_refused(duecourse: Command) -> None:
    done = duecourse("demo", "--dsn", "postgresql:///books")
    assert done.returncode == 1
    assert "leave out --dsn" in done.stderr


@pytest.mark.parametrize("heading", ["", "1. Apply", "6. Repair"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted_it_leaves_nothing_behind(
    open_folder: Path, heading: str, number: signal.Signals
) -> None:
    with subprocess.Popen(
        [sys.executable, "-u", "-m", "duecourse", "demo"],
        cwd=open_folder,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(open_folder)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        while not any(open_folder.glob("duecourse-*")):
            time.sleep(0.01)
        for line in process.stdout if heading else ():
            if line.startswith(heading):
                break
        process.send_signal(number)
        _, message = process.communicate(timeout=SECONDS)
    assert process.returncode == 1
    assert message.splitlines()[-1].startswith("error: interrupted")
    assert list(open_folder.iterdir()) == []
