"""The tests mirror the house: what is public has a test of its name, in the folder of its name."""

import re
from pathlib import Path

import pytest

from duecourse.objects import checks, object_paths
from tests.conftest import ROOT
from tests.examples.reference import public_routines

TESTS = ROOT / "tests"


def check_of(test: str) -> str | None:
    """Return the check that a test is named for: the longest with which its name begins."""
    return max(
        (check for check in checks() if f"{test}_".startswith(f"{check}_")), key=len, default=None
    )


def test_a_public_routine_has_a_test_of_its_name(shared_dsn: str) -> None:
    folders = {
        Path(path).name.removesuffix(".sql.j2"): Path(path).parent.name for path in object_paths()
    }
    missing = {
        file
        for routine in public_routines(shared_dsn)
        if not (TESTS / (file := f"{folders[routine.name]}/test_{routine.name}.py")).exists()
    }
    assert missing == set()


def test_a_check_has_a_test_of_its_name() -> None:
    text = "\n".join(file.read_text() for file in (TESTS / "verify").glob("test_*.py"))
    tested = {check_of(test) for test in re.findall(r"^def test_(\w+)\(", text, re.MULTILINE)}
    assert [check for check in checks() if check not in tested] == []


@pytest.mark.parametrize(
    ("test", "check"),
    [
        ("account", "account"),
        ("account_of_nobody", "account"),
        ("payment_movement_of_nobody", "payment_movement"),
        ("payment_status_unknown", "payment_status"),
        ("accounts", None),
    ],
)
def test_the_longest_name_is_meant(test: str, check: str | None) -> None:
    assert check_of(test) == check
