"""plan, run, coverage and escalations on the sample books."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from duecourse.commands import as_commands
from duecourse.errors import ExitStatus
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.concurrency.sessions import until
from tests.conftest import ROOT, Command, Database

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
#: Columns that a table has room for.
WIDTH = 120


class Books:
    """The sample books in a database of their own, and the command line on them."""

    def __init__(self, duecourse: Command, dsn: str) -> None:
        self._duecourse = duecourse
        self._where = ("--dsn", dsn)

    def __call__(self, *arguments: object, status: int = 0) -> "subprocess.CompletedProcess[str]":
        done = self._duecourse(*arguments, *self._where)
        assert done.returncode == status, done
        return done

    def json(self, *arguments: object, status: int = 0) -> Any:
        """Return what a command prints as JSON."""
        return json.loads(self(*arguments, "--format", "json", status=status).stdout)


@pytest.fixture
def books(duecourse: Command, dsn: str) -> Books:
    """Return the sample books, as they are after the import."""
    books = Books(duecourse, dsn)
    books("import", SAMPLE)
    return books


def test_from_plan_to_nothing_left(books: Books, tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    shown = books("plan", "backfill", *SCOPE, "--out", file, "--rows")
    saved = json.loads(file.read_text())
    summary = saved["summary"]
    written = summary["superseded"] + summary["backfilled"] + summary["regenerated"]
    assert saved["arguments"]["tenant"] == TENANT
    assert saved["arguments"]["as_of"] == AS_OF
    assert saved["plan_hash"] == summary["plan_hash"]
    assert summary["schedules_written"] > 0
    assert summary["schedules_escalated"] > 0
    changed = [row["action"] for unit in saved["rows"] for row in unit["changes"]]
    assert {"backfill", "regenerate", "supersede"} < set(changed)
    assert sum(changed.count(each) for each in ("backfill", "regenerate", "supersede")) == written
    assert (saved["tenant_name"], saved["has_changes"]) == ("Alder Row IT Services", True)
    assert shown.stdout.startswith(f"{written:,} rows to write (39 made, ")
    assert f"duecourse run backfill --plan {file}" in shown.stdout
    assert saved["plan_hash"] in shown.stdout
    assert max(map(len, shown.stdout.splitlines()[:-1])) <= WIDTH
    books("plan", "backfill", *SCOPE, "--detailed-exitcode", status=ExitStatus.CHANGES_PENDING)

    dry = books("run", "backfill", "--plan", file, "--dry-run", status=ExitStatus.REFUSED)
    assert f"{written:,} rows would be written" in dry.stdout
    assert books.json("plan", "backfill", *SCOPE)["plan_hash"] == saved["plan_hash"]

    done = books("run", "backfill", "--plan", file, "--batch-size", 10, status=ExitStatus.REFUSED)
    people = summary["schedules_escalated"]
    told = f"{people} schedules left for people, all new: duecourse escalations\n"
    assert done.stdout.startswith(f"{written:,} rows written (39 made, 31 replaced, 54 superseded)")
    assert told in done.stdout
    assert "(exit status 6; 0 with --allow-known-escalations once they are known)" in done.stdout
    assert f"run key: backfill-{AS_OF}-" in done.stdout
    lines = done.stderr.splitlines()
    assert len(lines) > 1
    assert lines[0].startswith("backfill: run key backfill-")
    assert lines[1].startswith(f"backfill {TENANT}: batch 1, ")
    assert lines[-1].endswith(f", {written:,} rows")

    applied = books("run", "backfill", "--plan", file)
    assert applied.stdout.startswith("this plan was applied at ")
    hash_ = ("--expected-plan-hash", saved["plan_hash"])
    stale = books("run", "backfill", *SCOPE, *hash_, status=ExitStatus.PLAN_STALE)
    assert stale.stdout.startswith("stale: nothing was written\n")
    assert "make and review a new one" in stale.stdout
    again = books.json("run", "backfill", *SCOPE, "--allow-known-escalations")
    assert (again["rows"], again["new_escalations"]) == (0, 0)
    # What a backfill has recorded is known to the nightly run, too.
    books("run", "replenish", *SCOPE, "--dry-run", "--allow-known-escalations")
    nothing = books("plan", "backfill", *SCOPE, "--detailed-exitcode", "--out", file)
    assert nothing.stdout.startswith("nothing to write; 10 for people\n")
    assert nothing.stdout.count(", ") > 1
    # A row each schedule that is left for people, also one that has no rows at all.
    assert re.findall(r"^(\S.*?) +(! \d+)?  +unsupported_frequency$", nothing.stdout, re.MULTILINE)
    again = books("plan", "show", file)
    assert (
        nothing.stdout == again.stdout + f"saved; to do it: duecourse run backfill --plan {file}\n"
    )
    assert books.json("plan", "show", file)["has_changes"] is False


def test_every_tenant(books: Books) -> None:
    one = books.json("run", "replenish", *SCOPE, "--dry-run", status=ExitStatus.REFUSED)
    arguments = ("--tenant", "all", "--as-of", AS_OF, "--dry-run")
    every = books.json("run", "replenish", *arguments, status=ExitStatus.REFUSED)
    assert every | {"seconds": 0} == one | {"seconds": 0}


def test_the_same_run_key(books: Books) -> None:
    arguments = ("run", "backfill", *SCOPE, "--run-key", "nightly", "--allow-known-escalations")
    first = books.json(*arguments, status=ExitStatus.REFUSED)
    assert first["run_key"] == "nightly"
    again = books.json(*arguments)
    [before], [now] = first["tenants"], again["tenants"]
    assert now == before | {"ended_before": True}
    assert again["rows"] == first["rows"] > 0
    told = books(*arguments).stdout
    assert f"({first['rows']:,} rows); nothing was written now\n" in told
    assert told.startswith("run nightly ended at ")


def test_reviewed_escalations(books: Books) -> None:
    books("run", "backfill", *SCOPE, status=ExitStatus.REFUSED)
    reviewed = books.json("plan", "backfill", *SCOPE)
    accept = ("--accept-escalations", reviewed["plan_hash"])
    done = books.json("run", "backfill", *SCOPE, *accept, status=ExitStatus.REFUSED)
    assert done["rows"] > 0
    left = books.json("plan", "backfill", *SCOPE)["summary"]["schedules_escalated"]
    assert 0 < left < reviewed["summary"]["schedules_escalated"]


def test_the_lock_is_held(books: Books, database: Database) -> None:
    books("run", "backfill", *SCOPE, status=ExitStatus.REFUSED)
    with database.transaction():
        database.execute("SELECT 1 FROM ops.tenant_locks WHERE tenant = %s FOR UPDATE", [TENANT])
        arguments = ("run", "backfill", *SCOPE, "--lock-timeout", "100 ms")
        done = books(*arguments, status=ExitStatus.LOCK_BUSY)
    assert "once it is free, to go on: duecourse resume backfill-" in done.stdout


def test_an_interrupted_run_names_the_key_that_resumes_it(
    books: Books, dsn: str, database: Database
) -> None:
    scope = ("run", "backfill", *SCOPE, "--batch-size", "5")
    process = subprocess.Popen(
        [sys.executable, "-m", "duecourse", *scope, "--pause", "60 s", "--dsn", dsn],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    key = process.stderr.readline().removeprefix("backfill: run key ").strip()
    assert re.fullmatch(f"backfill-{AS_OF}-[0-9a-f]{{8}}", key)
    assert ": batch 1, 5 of " in process.stderr.readline()
    until(
        database,
        "SELECT count(*) = 1 FROM pg_stat_activity"
        " WHERE wait_event = 'PgSleep' AND datname = current_database()",
    )
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (ExitStatus.INTERRUPTED, "")
    assert err == (
        "error: interrupted at 5 of 38 schedules; to go on: duecourse run backfill"
        f" --resume {key}\n"
    )
    resume = ("run", "backfill", "--resume", key, "--batch-size", 20, "--pause", "0")
    done = books.json(*resume, status=ExitStatus.REFUSED)
    assert done["batches"] > 1
    [check] = books.json("verify", *SCOPE, "--check", "unfinished_run")["checks"]
    assert check["findings"] == []


def test_coverage(books: Books) -> None:
    rows = books.json("coverage", *SCOPE)
    assert any(row["needs_replenishment"] for row in rows)
    table = books("coverage", *SCOPE, "--all").stdout.splitlines()
    assert len(table) == len(rows) + 2
    assert table[1].split()[:2] == ["line", "reaches"]
    assert max(map(len, table)) <= WIDTH
    schedule = rows[0]["schedule_key"]
    assert books.json("coverage", *SCOPE, "--schedule", schedule) == rows[:1]


def test_escalations(books: Books) -> None:
    rows = books.json("escalations", *SCOPE)
    assert {row["reason"] for row in rows} >= {"override_conflict", "continuity_gap"}
    assert all(row["hint"] for row in rows)
    table = books("escalations", *SCOPE).stdout
    assert max(map(len, table.splitlines())) <= WIDTH
    assert "override_conflict" in table
    for row in rows:
        assert row["detail"] in " ".join(table.split())
        assert as_commands(row["hint"]) in " ".join(table.split())


def test_an_unknown_tenant(books: Books) -> None:
    stranger = ("--tenant", "00000000-0000-0000-0000-000000000009", "--as-of", AS_OF)
    for command in (["plan", "backfill"], ["run", "backfill"], ["coverage"], ["escalations"]):
        done = books(*command, *stranger, status=ExitStatus.ERROR)
        assert done.stdout == ""
        assert done.stderr.startswith("error: the tenant is unknown (tenant 00000000-")
        assert done.stderr.count("\n") == 1


def test_a_repair_of_linkage(books: Books, tmp_path: Path) -> None:
    """Planned, saved, done; what is only reported is no work, and known from then on."""
    file = tmp_path / "linkage.json"
    plan = ("plan", "linkage", *SCOPE)
    table = books(*plan, "--rows", "--out", file, "--detailed-exitcode", status=2).stdout
    assert "Its invoice is gone, and no other…" in table
    assert f"to do it: duecourse run linkage --plan {file}" in table
    assert max(map(len, table.splitlines()[:-1])) <= WIDTH
    saved = json.loads(file.read_text())
    changed = [row["action"] for unit in saved["rows"] for row in unit["changes"]]
    assert set(changed) == {"reopen", "report"}
    assert books.json(*plan)["plan_hash"] == saved["plan_hash"]

    dry = books("run", "linkage", "--plan", file, "--dry-run", status=ExitStatus.REFUSED)
    told = "1 row would be written (1 reopened); 1 schedule left for people, new: "
    assert f"{told}duecourse plan linkage --rows\n" in dry.stdout
    done = books("run", "linkage", "--plan", file, status=ExitStatus.REFUSED)
    assert done.stdout.startswith("1 row written (1 reopened); 1 schedule left for people, new: ")
    assert "this plan was applied" in books("run", "linkage", "--plan", file).stdout
    books("run", "linkage", *SCOPE, "--allow-known-escalations")
    books(*plan, "--detailed-exitcode")
    [row] = books.json(*plan, "--rows")["rows"]
    assert row["action"] == "report"

    wrong = books(*plan, "--amount-rule", "largest_payment", status=ExitStatus.ERROR)
    assert "--amount-rule means nothing to linkage" in wrong.stderr
