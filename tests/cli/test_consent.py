"""What a run may do: whose books, how much of them, and only what was looked at."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from duecourse.errors import ExitStatus
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import ROOT, Command, Database

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
RUN = ("run", "backfill", *SCOPE)
EVERY = ("run", "backfill", "--tenant", "all", "--as-of", AS_OF)
LINE = "+ 39 made  ~ 31 replaced  - 54 superseded  = 128 kept  ! 10 schedules for people"


@pytest.fixture(autouse=True)
def _books(dsn: str, typed: Command, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line find the sample books."""
    monkeypatch.setenv("DATABASE_URL", dsn)
    assert typed("import", SAMPLE).returncode == 0


def runs(database: Database) -> int:
    """Return how many runs are recorded."""
    [(number,)] = database.execute("SELECT count(*) FROM ops.runs").fetchall()
    return int(number)


@pytest.mark.parametrize("run", [RUN, EVERY, (*RUN, "--dry-run")], ids=["one", "all", "dry"])
def test_a_bound_refuses_before_anything_is_written(
    typed: Command, database: Database, run: tuple[str, ...]
) -> None:
    beyond = {
        ("--max-rows", "123"): "124 rows would be written, more than --max-rows 123",
        ("--max-share", "48.2"): "48.2 % of 257 live ones, more than --max-share 48.2",
        ("--max-rows", "0", "--max-share", "100"): "more than --max-rows 0",
    }
    for bounds, told in beyond.items():
        done = typed(*run, *bounds)
        assert (done.returncode, done.stdout) == (ExitStatus.REFUSED, "")
        assert told in done.stderr
        assert "nothing was written; review the plan" in done.stderr
    assert runs(database) == 0
    kept = typed(*run, "--max-rows", "124", "--max-share", "48.3%", "--format", "json")
    assert json.loads(kept.stdout)["rows"] == 124
    assert runs(database) == (0 if "--dry-run" in run else 1)


@pytest.mark.parametrize("run", [RUN, EVERY], ids=["one", "all"])
def test_what_is_run_is_what_was_bounded(
    typed: Command, database: Database, run: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the look and the run somebody ends a line: nothing is written."""
    from duecourse.cli import _resume
    from duecourse.cli import run as command

    def meanwhile(*arguments: Any, **named: Any) -> Any:
        database.execute(
            "UPDATE billing.contract_lines SET is_active = false WHERE contract_line_id = %s",
            ["11000000-0000-4000-8000-000000000002"],
        )
        return watched(*arguments, **named)

    watched = _resume.watched
    monkeypatch.setattr(command, "watched", meanwhile)
    done = typed(*run, "--max-rows", "124")
    assert done.returncode == ExitStatus.PLAN_STALE, done
    [(status, rows)] = database.execute("SELECT status, rows_written FROM ops.runs").fetchall()
    assert (status, rows) == ("stale_plan", 0)


def test_a_run_that_was_begun_goes_on_as_it_was_agreed(typed: Command, database: Database) -> None:
    part = ("--batch-size", "10", "--max-batches", "1")
    for key, run in {"bounded": RUN, "of all": EVERY}.items():
        begun = typed(*run, "--run-key", key, *part, "--max-rows", "200", "--format", "json")
        done = typed(*run, "--run-key", key, "--batch-size", "10", "--format", "json")
        first, whole = json.loads(begun.stdout), json.loads(done.stdout)
        assert (first["status"], whole["status"]) == ("partial", "escalated")
        assert first["batches"] == 1 < whole["batches"]
        if key == "bounded":
            assert whole["rows"] == 124
    typed(*RUN, "--run-key", "free", *part)
    refused = typed(*RUN, "--run-key", "free", "--batch-size", "10", "--max-rows", "200")
    assert refused.returncode == ExitStatus.ERROR
    assert "run free was begun without bounds" in refused.stderr


def answered(dsn: str, answer: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Type a command into a terminal, and an answer to what it asks."""
    here, there = pty.openpty()
    with os.fdopen(here, "w") as keyboard:
        process = subprocess.Popen(
            [sys.executable, "-m", "duecourse", *arguments],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": dsn},
            stdin=there,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        os.close(there)
        keyboard.write(answer)
        keyboard.flush()
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(arguments, process.returncode, out, err)


def test_a_terminal_is_asked(dsn: str, database: Database) -> None:
    info = database.info
    told = f"Alder Row IT Services, as of {AS_OF}, {info.dbname} on {info.host}:  {LINE}\n"
    asked = "17 of 38 schedules change. Write 124 rows? [y/N] "
    no = answered(dsn, "\n", *RUN)
    assert (no.returncode, no.stdout) == (ExitStatus.ERROR, "")
    assert no.stderr.startswith(told + asked)
    assert no.stderr.endswith("error: not agreed to; nothing was written\n")
    assert runs(database) == 0
    yes = answered(dsn, "y\n", *EVERY)
    assert yes.stderr.startswith(told + asked)
    assert yes.returncode == ExitStatus.REFUSED
    assert yes.stdout.startswith("124 rows written (39 made, 31 replaced, 54 superseded); ")
    # Where nothing would be written there is nothing to ask.
    assert "[y/N]" not in answered(dsn, "", *RUN).stderr


@pytest.fixture
def plan(typed: Command) -> str:
    """Return the name of a saved plan."""
    assert typed("plan", "backfill", *SCOPE, "--out", "plan.json").returncode == 0
    return str(Path("plan.json").resolve())


def test_a_terminal_is_not_asked(dsn: str, plan: str) -> None:
    for arguments in ((*RUN, "--dry-run"), ("run", "backfill", "--plan", plan), (*RUN, "--yes")):
        done = answered(dsn, "", *arguments)
        assert "[y/N]" not in done.stderr
        assert done.returncode == ExitStatus.REFUSED


def test_the_bounds_of_charges(typed: Command, database: Database) -> None:
    assert typed("import", ROOT / "duecourse" / "sample_rent").returncode == 0
    [(owner,)] = database.execute("SELECT DISTINCT tenant FROM ledger.payments").fetchall()
    run = ("run", "charges", "--tenant", owner)
    dry = json.loads(typed(*run, "--dry-run", "--format", "json").stdout)
    cents = dry["counts"]["charges_cents"]
    refused = typed(*run, "--max-cents", cents - 1)
    assert refused.returncode == ExitStatus.REFUSED
    assert (
        f"{cents:,} cents would be charged, more than --max-cents {cents - 1:,}" in refused.stderr
    )
    kept = typed(*run, "--max-cents", cents, "--format", "json")
    assert json.loads(kept.stdout)["rows"] == dry["rows"] == 10
