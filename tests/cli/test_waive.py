"""waive, and what verify then says: waived, over the day after, and never found."""

import json
from collections.abc import Callable
from typing import Any

import click
import pytest

from duecourse.errors import DuecourseError, ExitStatus
from tests.checks.waived import NEXT_DAY, Waived
from tests.conftest import Database
from tests.service_periods.books import AS_OF
from tests.settings.sample import cli

FAILED = ExitStatus.VERIFICATION_FAILED
Said = Callable[..., tuple[int, str]]


@pytest.fixture
def waived(shared_database: Database) -> Waived:
    """Return a tenant whose one schedule reaches too short."""
    waived = Waived(shared_database)
    waived.delete(waived.last_row())
    return waived


@pytest.fixture
def said(waived: Waived, shared_dsn: str) -> Said:
    """Return the command line on that tenant."""

    def say(command: str, *arguments: object, as_of: object = AS_OF) -> tuple[int, str]:
        scope = ("--tenant", waived.tenant, "--as-of", as_of, "--dsn", shared_dsn)
        return cli(command, *arguments, *scope)

    return say


def report(said: Said, **options: Any) -> Any:
    """Return what verify says of the coverage."""
    return json.loads(said("verify", "--check", "coverage", "--format", "json", **options)[1])


def test_a_waiver_that_ends(waived: Waived, said: Said) -> None:
    key = waived.the_line.schedule_key
    assert said("verify", "--check", "coverage")[0] == FAILED
    why = ("--reason", "paused until spring", "--until", AS_OF)
    assert said("waive", "coverage", "--object", key, *why) == (
        0,
        f"coverage of {key}: passes until {AS_OF}\n",
    )
    status, shown = said("verify", "--check", "coverage", "--all")
    assert status == ExitStatus.DONE
    assert "0 ok, 1 waived" in " ".join(shown.split())
    user = waived.database.info.user
    assert f"    waived until {AS_OF} by {user}: paused until spring" in shown
    [check] = report(said)["checks"]
    assert (check["result"], report(said)["failed"]) == ("waived", 0)
    assert check["findings"][0]["waived"] == {
        "object_key": key, "until": str(AS_OF), "reason": "paused until spring", "by": user,
    }  # fmt: skip
    tap = said("verify", "--check", "coverage", "--format", "tap")[1]
    assert "ok 1 - coverage\n" in tap
    assert f'waived: "until {AS_OF} by {user}: paused until spring"' in tap
    junit = said("verify", "--check", "coverage", "--format", "junit")[1]
    assert 'failures="0"' in junit
    assert f"<system-out>waived until {AS_OF} by {user}: paused" in junit
    # The day after it fails again.
    assert said("verify", "--check", "coverage", as_of=NEXT_DAY)[0] == FAILED
    assert said("waive", "coverage", "--object", key, "--end")[1] == f"coverage of {key}: ended\n"
    assert said("verify", "--check", "coverage")[0] == FAILED


def test_a_waiver_of_every_object(waived: Waived, said: Said) -> None:
    said("waive", "coverage", "--reason", "all", "--until", AS_OF)
    assert said("verify", "--check", "coverage", "--fail-on", "warning")[0] == ExitStatus.DONE


def test_a_waiver_that_lets_nothing_pass_is_told(said: Said) -> None:
    said("waive", "coverage", "--object", "x", "--reason", "gone", "--until", AS_OF)
    status, shown = said("verify", "--check", "coverage")
    assert status == FAILED
    assert f"waived, but not found: coverage of x, until {AS_OF} by " in shown
    [unused] = report(said)["unused_waivers"]
    assert (unused["check"], unused["object_key"]) == ("coverage", "x")
    assert "not found" not in said("verify", "--skip", "coverage", "--check", "coverage")[1]


def test_the_waivers_are_shown(said: Said) -> None:
    said("waive", "coverage", "--reason", "all", "--until", AS_OF)
    assert "coverage  every object  open" in said("waive")[1]
    [row] = json.loads(said("waive", "--format", "json", as_of=NEXT_DAY)[1])
    assert row["state"] == "over"


def test_what_waive_refuses(said: Said) -> None:
    for arguments, part in (
        (("coverage",), "give --reason and --until, or --end"),
        (("coverage", "--reason", "x", "--until", AS_OF, "--end"), "give --reason and"),
        (("coverage", "--reason", "x"), "--until is missing"),
        (("coverage", "--until", AS_OF), "--reason is missing"),
        (("coverages", "--end"), "there is no check 'coverages'"),
    ):
        with pytest.raises(click.UsageError, match=part):
            said("waive", *arguments)
    with pytest.raises(DuecourseError, match="nothing of coverage is waived so"):
        said("waive", "coverage", "--end")


def test_a_check_of_the_database(waived: Waived, said: Said, shared_dsn: str) -> None:
    """It is waived for the database, whatever tenant is named, and so for each tenant."""
    database = waived.database
    database.execute("ALTER TABLE ledger.charges DISABLE TRIGGER charges_guard_insert")
    at = ("verify", "--check", "charge_guard")
    assert said(*at)[0] == FAILED
    said("waive", "charge_guard", "--reason", "a load", "--until", AS_OF)
    assert said(*at)[0] == ExitStatus.DONE
    alone = ("--as-of", AS_OF, "--dsn", shared_dsn)
    assert cli(*at, *alone)[0] == ExitStatus.DONE
    cli("waive", "charge_guard", "--end", *alone)
    database.execute("ALTER TABLE ledger.charges ENABLE TRIGGER charges_guard_insert")


def test_since_when_a_check_fails(waived: Waived, said: Said) -> None:
    assert "failed since" not in said("verify", "--check", "coverage")[1]
    said("verify", "--check", "coverage", "--check", "charge_guard", "--record")
    since = waived.history()["coverage"]["failed_since"]
    assert list(waived.history()) == ["coverage"]
    shown = said("verify", "--check", "coverage")[1]
    assert f"  failed since {since:%Y-%m-%d %H:%M} UTC\n" in shown
    assert report(said)["checks"][0]["failed_since"] == since.isoformat()
    waived.call()
    assert "failed since" not in said("verify", "--check", "coverage")[1]
