"""The tests mirror the house: what is public has a test of its name, in the folder of its name."""

import re
from pathlib import Path

import pytest

from duecourse.locate import checks
from duecourse.objects import object_paths
from tests.conftest import ROOT, Database
from tests.examples.tables import READINGS

TESTS = ROOT / "tests"


def public_routines(database: Database) -> set[str]:
    """Return what operators call: the declared routines, and the readings that need nothing."""
    declared = database.execute(
        "SELECT d.routine_name::text FROM ops.routine_permissions() AS d"
        " WHERE d.permissions IS NOT NULL AND d.routine_name !~ '^(_|check_)'"
    )
    return {name for (name,) in declared} | set(READINGS)


def check_of(test: str) -> str | None:
    """Return the check that a test is named for: the longest with which its name begins."""
    return max(
        (check for check in checks() if f"{test}_".startswith(f"{check}_")), key=len, default=None
    )


def test_a_public_routine_has_a_test_of_its_name(shared_database: Database) -> None:
    folders = {
        Path(path).name.removesuffix(".sql.j2"): Path(path).parent.name for path in object_paths()
    }
    missing = {
        file
        for routine in public_routines(shared_database)
        if not (TESTS / (file := f"{folders[routine]}/test_{routine}.py")).exists()
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
        ("account_currency", "account_currency"),
        ("account_currency_of_nobody", "account_currency"),
        ("accounts", None),
    ],
)
def test_the_longest_name_is_meant(test: str, check: str | None) -> None:
    assert check_of(test) == check
