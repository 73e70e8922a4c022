"""runs, pause, resume and cancel: of a run that another session is at."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from duecourse.errors import ExitStatus
from tests.concurrency.sessions import sessions, until
from tests.conftest import Command, Database
from tests.runs.operators import CALL
from tests.service_periods.books import Books, fill

WIDTH = 80


class Line:
    """The command line on a database."""

    def __init__(self, duecourse: Command, dsn: str) -> None:
        self._duecourse, self._dsn = duecourse, dsn

    def __call__(self, *arguments: object, status: int = 0) -> "subprocess.CompletedProcess[str]":
        done = self._duecourse(*arguments, "--dsn", self._dsn)
        assert done.returncode == status, done
        return done

    def lines(self, *arguments: object, status: int = 0) -> list[str]:
        """Return what a command prints; nothing of it is wide."""
        shown = self(*arguments, status=status).stdout.splitlines()
        assert max(map(len, shown)) <= WIDTH
        return shown


@pytest.fixture
def line(duecourse: Command, shared_dsn: str) -> Line:
    return Line(duecourse, shared_dsn)


def test_a_run_is_seen_paused_resumed_and_cancelled(
    line: Line, shared_database: Database, shared_dsn: str
) -> None:
    books = Books(shared_database)
    fill(books, 10)
    with sessions(shared_dsn, 1) as [session]:
        session.execute("SET application_name = 'night'")
        call = session.start(CALL, (books.tenant,))
        until(shared_database, "SELECT count(*) = 1 FROM ops.runs WHERE batches = 1")
        [total, head, row, _, *about] = line.lines("runs")
        assert head.split() == ["run", "key", "what", "state", "done", "left"]
        assert row.split()[:4] == ["k", "backfill", "running", "2/10"]
        assert total == "1 of 1 runs not finished"
        user = shared_database.info.user
        assert re.fullmatch(
            rf"k: Tenant {books.number}, 14 rows \(\d+ a second\) by {user} \(night, session"
            rf" {session.pid}\) since [\d-]+ [\d:]+ k waits for its p_pause of 00:01:00",
            " ".join(" ".join(about).split()),
        )
        told = line.lines("pause", "k", "--reason", "for a while")
        assert told == ["run k pauses after the batch it is in (2 schedules)"]
        assert call.result(5) == [(14, 1, "paused")]
    about = line.lines("runs")[4:]
    text = " ".join(" ".join(about).split())
    assert re.search(r"k is paused by \w+ at [\d-]+ [\d:]+ UTC: for a while to go on", text)
    assert text.endswith("to go on: duecourse run backfill --resume k")

    again = line("run", "backfill", "--tenant", books.tenant, "--as-of", "2025-01-10", "--run-key",
                 "k", status=ExitStatus.REFUSED)  # fmt: skip
    assert "an operator paused it; to go on: duecourse resume k" in again.stdout
    part = line("run", "backfill", "--resume", "k", "--batch-size", 3, "--max-batches", 1,
                "--pause", "0")  # fmt: skip
    assert "batch 2, 5 of 10 schedules" in part.stderr
    assert line.lines("cancel", "k") == ["run k is cancelled"]
    gone = line("resume", "k", status=ExitStatus.ERROR)
    assert gone.stderr.startswith(
        "error: the run is not where it can be asked for that (run k of backfill_service_periods is"
        " finished: cancelled at "
    )
    assert line.lines("runs")[0] == "0 of 1 runs not finished"
    [record] = json.loads(line("runs", "--format", "json").stdout)
    assert (record["state"], record["units_done"]) == ("cancelled", 5)


def test_what_comes_from_the_record_is_not_given_again(line: Line) -> None:
    done = line("run", "backfill", "--resume", "k", "--as-of", "2025-01-10", status=1)
    assert done.stderr.startswith(
        "error: --as-of comes from the record of the run; leave it out — see: duecourse run --help"
    )


def test_bounds_of_the_configuration(line: Line, shared_database: Database, tmp_path: Path) -> None:
    books = Books(shared_database)
    fill(books, 2)
    file = tmp_path / "duecourse.toml"
    file.write_text("[throttle]\nmax_replica_lag = '10 s'\nmax_waiting_sessions = 5\n")
    scope = ("run", "backfill", "--tenant", books.tenant, "--as-of", "2025-01-10")
    line(*scope, "--run-key", "a")
    line(*scope, "--run-key", "b", "--max-replica-lag", "1 min")
    settings = [books.run(key)["settings"] for key in ("a", "b")]
    assert [each["max_replica_lag"] for each in settings] == ["00:00:10", "00:01:00"]
    assert [each["max_waiting_sessions"] for each in settings] == [5, 5]
    file.write_text("[throttle]\nmax_lag = 3\n")
    refused = line(*scope, status=1)
    assert refused.stderr.startswith("error: duecourse.toml has no bound max_lag = 3 — the table ")
