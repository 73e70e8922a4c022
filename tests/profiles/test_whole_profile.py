"""What a profile must have to be whole; a new one is held to it as soon as it has a folder."""

import csv
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

from duecourse import profile
from duecourse.config import Config
from duecourse.migrate import migration_paths
from duecourse.objects import object_paths, tokens
from duecourse.operations import OPERATIONS
from duecourse.profile import Adoption, Profile
from duecourse.render import render
from tests.conftest import ROOT
from tests.examples.reference import public_routines

_TABLE = re.compile(r"^CREATE TABLE IF NOT EXISTS (\S+) \($", re.MULTILINE)
_VIEW = re.compile(r"^CREATE OR REPLACE VIEW (\S+)", re.MULTILINE)

NATIVE_TABLES = {
    name for path in migration_paths() for name in _TABLE.findall(render(path, Config()))
}


@pytest.fixture(params=profile.names())
def theirs(request: pytest.FixtureRequest) -> Profile:
    """Return each profile."""
    return profile.of(request.param)


def config_of(theirs: Profile) -> Config:
    """Return the settings of a database that was adopted by a profile."""
    return Config(adoption=Adoption(theirs.name, guards=True))


def own_paths(theirs: Profile) -> list[str]:
    """Return the files that a profile makes of its own."""
    return [path for path in object_paths(theirs) if path.startswith("sql/profiles/")]


def stem(path: str) -> str:
    """Return the name of what a file makes."""
    name = Path(path).name.removesuffix(".sql.j2")
    return name.partition("_")[2] if name[0].isdigit() else name


def test_each_adopted_table_is_a_view(theirs: Profile) -> None:
    assert set(theirs.adopted) <= NATIVE_TABLES
    config = config_of(theirs)
    views = {name for path in own_paths(theirs) for name in _VIEW.findall(render(path, config))}
    assert set(theirs.adopted) - views == set()
    made = {name for path in migration_paths() for name in _TABLE.findall(render(path, config))}
    assert made & set(theirs.adopted) == set()
    assert NATIVE_TABLES - made == set(theirs.adopted)


def test_migrations_touch_nothing_of_theirs(theirs: Profile) -> None:
    """Only foreign keys of our own tables name a table of theirs."""
    config = config_of(theirs)
    for path in migration_paths():
        words = [word for word in tokens(render(path, config)) if word[-1] != "'"]
        code = " ".join(words)
        assert [name for name in theirs.adopted if f" {name.replace('.', ' . ')} " in code] == []
        assert set(re.findall(r"(\w+) public \. \w+", code)) <= {"REFERENCES"}


def test_what_is_needed_is_named(theirs: Profile) -> None:
    with (profile.folder(theirs.name) / "needs.csv").open(encoding="utf-8", newline="") as file:
        needs = [*csv.DictReader(file)]
    tables = {need["table"] for need in needs}
    assert set(theirs.adopted.values()) <= tables
    assert {*theirs.writes, *theirs.keys} <= tables
    columns = {(need["table"], need["column"]) for need in needs}
    keys = {
        (table, column)
        for table, its_keys in theirs.keys.items()
        for key in its_keys
        for column in key.split()
    }
    assert keys <= columns
    assert theirs.ledger is None or theirs.ledger in theirs.writes
    assert theirs.description
    assert theirs.first in OPERATIONS


def test_each_refused_routine_has_its_door(theirs: Profile) -> None:
    paths = {stem(path): path for path in object_paths(theirs)}
    for name, hint in theirs.refused.items():
        text = render(paths[name], config_of(theirs))
        assert f"'{name}, profile {theirs.name}'" in text, name
        assert hint[-1] == "."
        assert "DC110" not in render(paths[name], Config())


def test_no_pattern_is_idle(theirs: Profile) -> None:
    paths = object_paths()
    for pattern in theirs.left_out:
        assert [path for path in paths if fnmatch(path, pattern)], pattern


def test_each_object_of_its_own_has_a_test(theirs: Profile) -> None:
    text = "\n".join(file.read_text() for file in (ROOT / "tests/profiles").glob("test_*.py"))
    checks = [stem(path) for path in own_paths(theirs) if "/verify/" in path]
    assert [name for name in checks if f'"{name}"' not in text] == []


def test_a_public_routine_of_a_profile_is_tested(adopted_alga_dsn: str) -> None:
    native = {stem(path) for path in object_paths()}
    own = {routine.name for routine in public_routines(adopted_alga_dsn)} - native
    own -= {name for name in own if name.startswith("check_")}
    text = "\n".join(file.read_text() for file in (ROOT / "tests/profiles").glob("test_*.py"))
    assert {name for name in own if f"{name}(" not in text} == set()
