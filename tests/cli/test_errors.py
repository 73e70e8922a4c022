"""Whatever goes wrong ends as one line that says what to do, with the documented exit status."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from duecourse.errors import ExitStatus, exit_status
from duecourse.registry import APPLY_LOCK
from tests.conftest import ROOT, Command, Database

TENANT = "00000000-0000-0000-0000-000000000001"
DOWN = "postgresql://postgres@127.0.0.1:1/books"
RUN = ("run", "backfill", "--tenant", "all")
READINGS = [
    ("plan", "backfill", "--tenant", TENANT),
    ("coverage", "--tenant", TENANT),
    ("escalations", "--tenant", TENANT),
]


def assert_one_line(done: "subprocess.CompletedProcess[str]", *parts: str, status: int = 1) -> None:
    """Assert a failed command that said one line with these parts, and nothing else."""
    assert done.returncode == status, done
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("error: ")
    for part in (*parts, " — "):
        assert part in done.stderr


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["--nonsense"], "No such option"),
        (["nonsense"], "No such command 'nonsense'"),
        (["plan"], "Missing argument"),
        (["plan", "everything"], "'everything' is not one of"),
        (["plan", "backfill"], "Missing option '--tenant'"),
        (
            ["plan", "backfill", "--tenant", TENANT, "--as-of", "infinity"],
            "'infinity' is not a date",
        ),
        (["coverage", "--tenant", TENANT, "--target-horizon-days", "1e9"], "not an integer"),
        (["coverage", "--tenant", TENANT, "--target-horizon-days", "9999999999"], "not an integer"),
        (["status", "--format", "xml"], "'xml' is not one of"),
        (["status", "--dsn", "x=1=", "--embedded", "y"], "exclude each other"),
        (["status", "--dsn", "nonsense"], "not one that libpq understands"),
        (["render", "nonsense"], "there is nothing named nonsense"),
        (["verify", "--tenant", TENANT, "--check", "nonsense"], "there is no check 'nonsense'"),
        (["run", "backfill"], "name --tenant or --tenant all"),
        (["run", "backfill", "--tenant", TENANT, "--max-cents", "1"], "means nothing to backfill"),
        (["run", "rent", "--tenant", TENANT, "--max-cents", "-1"], "'-1' is no number of cents"),
        (["run", "rent", "--tenant", TENANT, "--max-rows", "-1"], "'-1' is less than nothing"),
        (["run", "rent", "--tenant", TENANT, "--max-share", "nan"], "'nan' is no share from 0 to"),
        (["run", "backfill", "--plan", "/nowhere/plan.json"], "does not exist"),
        (["run", "backfill", "--expected-plan-hash", "abc"], "'abc' is not a plan hash (32 hexa"),
        (["run", "charges", "--accept-escalations", "ABC"], "'ABC' is not a plan hash (32 hexa"),
    ],
)
def test_usage(duecourse: Command, arguments: list[str], part: str) -> None:
    assert_one_line(duecourse(*arguments), part)


@pytest.mark.parametrize("command", [("apply",), ("status",), RUN, *READINGS])
def test_the_server_is_down(duecourse: Command, command: tuple[str, ...]) -> None:
    done = duecourse(*command, "--dsn", DOWN)
    assert_one_line(done, "Connection refused", "check --dsn, DATABASE_URL or the PG* variables")


@pytest.mark.parametrize("command", [RUN, *READINGS])
def test_nothing_was_applied(duecourse: Command, empty_dsn: str, command: tuple[str, ...]) -> None:
    assert_one_line(duecourse(*command, "--dsn", empty_dsn), "billing", "run: duecourse apply")


def test_the_database_does_not_exist(duecourse: Command, dsn: str) -> None:
    done = duecourse("status", "--dsn", make_conninfo(dsn, dbname="no_such_database"))
    assert_one_line(done, 'database "no_such_database" does not exist')


def test_a_role_without_rights(duecourse: Command, dsn: str, database: Database) -> None:
    role = f"stranger_to_{database.info.dbname}"
    database.execute(f'CREATE ROLE "{role}" LOGIN')
    try:
        as_stranger = ("--dsn", make_conninfo(dsn, user=role))
        for command in (("status",), RUN, *READINGS):
            assert_one_line(duecourse(*command, *as_stranger), "permission denied", "the owner")
        assert_one_line(duecourse("apply", *as_stranger), "belongs to role", "connect as")
    finally:
        database.execute(f'DROP ROLE "{role}"')


def test_a_role_that_may_not_create_schemas(
    duecourse: Command, empty_dsn: str, empty_database: Database
) -> None:
    role = f"stranger_to_{empty_database.info.dbname}"
    empty_database.execute(f'CREATE ROLE "{role}" LOGIN')
    try:
        done = duecourse("apply", "--dsn", make_conninfo(empty_dsn, user=role))
        assert_one_line(done, f"GRANT CREATE ON DATABASE {empty_database.info.dbname} TO {role}")
    finally:
        empty_database.execute(f'DROP ROLE "{role}"')


def test_a_read_only_session(duecourse: Command, dsn: str) -> None:
    read_only = make_conninfo(dsn, options="-c default_transaction_read_only=on")
    done = duecourse("apply", "--dsn", read_only)
    assert_one_line(done, "default_transaction_read_only is on", "take it out of PGOPTIONS or --d")
    assert duecourse("status", "--dsn", read_only).returncode == ExitStatus.DONE


@pytest.mark.parametrize(
    ("target", "advice"),
    [
        ("DATABASE {database}", "as its owner, run: ALTER DATABASE {database} RESET "),
        ("ROLE {role} IN DATABASE {database}", "run: ALTER ROLE {role} IN DATABASE {database} RES"),
    ],
)
def test_a_read_only_setting(
    duecourse: Command, dsn: str, database: Database, target: str, advice: str
) -> None:
    """A primary that takes writes is not told to be a standby."""
    where = {"role": database.info.user, "database": database.info.dbname}
    database.execute(f"ALTER {target.format(**where)} SET default_transaction_read_only = on")
    done = duecourse("apply", "--dsn", dsn)
    assert_one_line(done, "default_transaction_read_only is on here", advice.format(**where))
    done = duecourse("grant", where["role"], "view", "--tenant", "all", "--dsn", dsn)
    assert_one_line(done, "read-only transaction", "default_transaction_read_only is on for the")


def test_the_lock_is_busy(duecourse: Command, dsn: str, database: Database) -> None:
    database.execute("SELECT pg_advisory_lock(%s)", [APPLY_LOCK])
    done = duecourse("apply", "--dsn", dsn, "--lock-timeout", 0.2)
    holder = f"is held by session {database.info.backend_pid} (role {database.info.user}, "
    assert_one_line(done, "the apply lock", holder, status=ExitStatus.LOCK_BUSY)


@pytest.fixture
def waiting(dsn: str, database: Database) -> "subprocess.Popen[str]":
    """Return a running apply that waits for a lock."""
    database.execute("SELECT pg_advisory_lock(%s)", [APPLY_LOCK])
    process = subprocess.Popen(
        [sys.executable, "-m", "duecourse", "apply", "--dsn", dsn],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    while not _sessions(database, process):
        time.sleep(0.01)
    return process


def _sessions(database: Database, process: "subprocess.Popen[str]") -> list[int]:
    """Return the sessions that rest as those do that ask again for a lock every moment."""
    assert process.poll() is None
    rows = database.execute(
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'duecourse'"
        " AND datname = current_database() AND state = 'idle'"
        " AND clock_timestamp() - state_change > interval '100 ms'"
    )
    return [pid for (pid,) in rows]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_interrupted(waiting: "subprocess.Popen[str]", number: signal.Signals) -> None:
    waiting.send_signal(number)
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out) == (ExitStatus.ERROR, "")
    assert err.strip() == (
        "error: interrupted — what is committed is kept; run the same command again"
    )


def test_a_killed_connection(waiting: "subprocess.Popen[str]", database: Database) -> None:
    [pid] = _sessions(database, waiting)
    database.execute("SELECT pg_terminate_backend(%s)", [pid])
    out, err = waiting.communicate(timeout=30)
    assert (waiting.returncode, out) == (ExitStatus.ERROR, "")
    assert err.count("\n") == 1
    assert "terminating connection due to administrator command" in err
    assert "run the same command again" in err


def test_a_broken_pipe() -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "duecourse", "render"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.wait(timeout=30) == ExitStatus.ERROR
    assert process.stderr.read() == ""
    process.stderr.close()


def test_debug_shows_the_traceback(duecourse: Command) -> None:
    done = duecourse("status", "--dsn", DOWN, "--debug")
    assert done.returncode == ExitStatus.ERROR
    assert "Traceback" in done.stderr


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "is not a saved plan"),
        ("[]", "is not a saved plan"),
        ('{"operation": "backfill"}', "is not a saved plan"),
        (
            '{"operation": "replenish", "plan_hash": "x", "arguments": {}}',
            "is a plan to replenish",
        ),
    ],
)
def test_a_plan_that_is_none(duecourse: Command, tmp_path: Path, text: str, message: str) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text(text)
    assert_one_line(duecourse("run", "backfill", "--plan", plan), message)


def test_options_against_a_plan(duecourse: Command, tmp_path: Path) -> None:
    plan = tmp_path / "plan.json"
    plan.write_text("{}")
    done = duecourse("run", "backfill", "--plan", plan, "--tenant", TENANT)
    assert_one_line(done, "--tenant comes from the plan")


def test_the_exit_statuses_of_our_sqlstates(database: Database) -> None:
    rows = database.execute("SELECT code, exit_status FROM ops.error_codes()").fetchall()
    assert rows
    assert {code: int(exit_status(code)) for code, _ in rows} == dict(rows)
