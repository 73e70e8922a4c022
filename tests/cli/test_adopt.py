"""``duecourse adopt`` and ``duecourse unadopt``: what they show, when they ask, what they leave."""

import json
import re
from collections.abc import Iterator

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from duecourse.cli import start
from duecourse.config import Config
from duecourse.errors import ExitStatus
from duecourse.profile import Adoption
from duecourse.render import render
from tests.conftest import clone
from tests.profiles.loading import load_alga


@pytest.fixture(scope="module")
def source_dsn(empty_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database with the tables and the books."""
    with clone(empty_server, "_adopt") as dsn:
        with psycopg.connect(dsn, autocommit=True) as database:
            load_alga(database)
        yield dsn


class Typed:
    """Types commands at a database."""

    def __init__(self, dsn: str, capsys: pytest.CaptureFixture[str]) -> None:
        self._dsn = dsn
        self._capsys = capsys

    def __call__(self, *arguments: str) -> tuple[int, str, str]:
        """Return the exit status of a command and what it printed, errors apart."""
        with pytest.raises(SystemExit) as caught:
            start([*arguments, "--dsn", self._dsn])
        return (int(str(caught.value.code)), *self._capsys.readouterr())


@pytest.fixture
def typed(source_dsn: str, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Return a function that runs the command line."""
    return Typed(source_dsn, capsys)


def test_a_look_changes_nothing(typed: Typed, source_dsn: str) -> None:
    status, shown, _ = typed("adopt", "alga", "--dry-run", "--guards", "on", "--indexes")
    assert status == ExitStatus.DONE
    assert re.search(r"^recurring_service_periods +4706$", shown, re.MULTILINE)
    assert "adds the schemas billing, ledger, ops:" in shown
    on_theirs = set(re.findall(r"\bduecourse_\w+(?:_idx|_fkey)\b", shown))
    files = ("indexes.sql.j2", "constraints.sql.j2")
    config = Config(adoption=Adoption("alga"))
    made = "".join(render(f"sql/profiles/alga/{file}", config) for file in files)
    assert on_theirs == set(re.findall(r"\bduecourse_\w+(?:_idx|_fkey)\b", made))
    with psycopg.connect(source_dsn) as database:
        assert database.execute("SELECT to_regnamespace('ops')").fetchone() == (None,)


def test_what_is_wrong_is_shown_whole(typed: Typed) -> None:
    status, shown, error = typed("adopt", "rental", "--dry-run")
    assert status == ExitStatus.REFUSED
    assert "error: schema public has none of the tables of rental" in shown
    assert error.startswith("error: schema public has none of the tables of rental")
    status, shown, _ = typed("adopt", "rental", "--dry-run", "--format", "json")
    assert [item["severity"] for item in json.loads(shown)["findings"]] == ["error"]
    assert status == ExitStatus.REFUSED


def test_from_nothing_to_the_first_plan_and_back(
    typed: Typed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: False)
    assert typed("adopt", "alga") == (
        ExitStatus.REFUSED,
        typed("adopt", "alga", "--dry-run")[1],
        "error: nothing was adopted — if you mean it: duecourse adopt alga --yes\n",
    )
    status, shown, _ = typed("adopt", "alga", "--yes")
    assert status == ExitStatus.DONE
    [first] = re.findall(r"^next: duecourse (plan backfill --tenant \S+)$", shown, re.MULTILINE)
    assert len(re.findall(r"^tenant \S+: schedules \d+", shown, re.MULTILINE)) == 2
    status, shown, _ = typed(*first.split(), "--format", "json")
    assert status == ExitStatus.DONE
    assert json.loads(shown)["summary"]["schedules_written"] > 0
    assert "\nadopted     alga, schema public\n" in typed("status")[1]
    assert typed("verify", *first.split()[2:], "--check", "catalog_drift")[0] == ExitStatus.DONE
    status, shown, error = typed("unadopt")
    assert status == ExitStatus.REFUSED
    assert error == "error: nothing was taken away — if you mean it: duecourse unadopt --yes\n"
    status, shown, _ = typed("unadopt", "--yes")
    assert status == ExitStatus.DONE
    assert shown.endswith("\ndropped the schemas billing, ledger, ops\n")
    status, _, error = typed("unadopt", "--yes")
    assert status == ExitStatus.REFUSED
    assert error.startswith("error: no tables of others were adopted in this database")


def test_render_of_a_profile(capsys: pytest.CaptureFixture[str]) -> None:
    for options, is_a_view in (((), False), (("--profile", "alga"), True)):
        with pytest.raises(SystemExit):
            start(["render", *options])
        shown = capsys.readouterr().out
        assert ("CREATE OR REPLACE VIEW billing.clients" in shown) is is_a_view
        assert ("CREATE TABLE IF NOT EXISTS billing.clients" in shown) is not is_a_view
