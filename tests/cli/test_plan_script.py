"""``duecourse plan --format sql``: what stands before the script, and what is refused."""

import json

import pytest

from duecourse.errors import ExitStatus
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import Command

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)


@pytest.fixture
def where(duecourse: Command, dsn: str) -> tuple[str, str]:
    """Return the option that names a database with the sample books."""
    assert duecourse("import", SAMPLE, "--dsn", dsn).returncode == ExitStatus.DONE
    return "--dsn", dsn


def test_a_script_says_what_it_is(duecourse: Command, where: tuple[str, str]) -> None:
    plan = json.loads(duecourse("plan", "backfill", *SCOPE, *where, "--format", "json").stdout)
    summary, plan_hash = plan["summary"], plan["plan_hash"]
    script = ("plan", "backfill", *SCOPE, *where, "--format", "sql")
    done = duecourse(*script, "--run-key", "friday", "--schema", "alga")
    assert (done.returncode, done.stderr) == (ExitStatus.DONE, "")
    lines = done.stdout.splitlines()
    assert f"-- plan_hash: {plan_hash}" in lines[:10]
    assert lines.index("\\set ON_ERROR_STOP on") == 5
    assert "FROM alga.recurring_service_periods" in lines
    assert done.stdout.count("'friday'") == summary["backfilled"] + summary["regenerated"] > 0
    assert lines[-1] == (
        f"\\echo {summary['superseded']} rows superseded,"
        f" {summary['backfilled'] + summary['regenerated']} rows inserted"
    )

    accepted = duecourse(*script, "--accept-escalations", plan_hash)
    assert accepted.returncode == ExitStatus.DONE
    assert len(accepted.stdout) > len(duecourse(*script).stdout)
    stale = duecourse(*script, "--accept-escalations", "0" * 32)
    assert (stale.returncode, stale.stdout) == (ExitStatus.PLAN_STALE, "")
    assert stale.stderr == (
        f"error: the plan is {plan_hash}, not {'0' * 32} — review it again, then accept its hash\n"
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("charges", "--tenant", TENANT, "--format", "sql", "--run-key", "k"),
            "--run-key means nothing to the script of charges",
        ),
        (
            ("linkage", "--tenant", TENANT, "--format", "sql", "--accept-escalations", "0" * 32),
            "--accept-escalations means nothing to the script of linkage",
        ),
        (
            ("backfill", "--tenant", TENANT, "--run-key", "k"),
            "--run-key means nothing without --format sql",
        ),
    ],
)
def test_what_means_nothing_is_refused(
    duecourse: Command, arguments: tuple[str, ...], message: str
) -> None:
    done = duecourse("plan", *arguments)
    assert done.returncode == ExitStatus.ERROR
    assert done.stderr == f"error: {message} — see: duecourse plan --help\n"
