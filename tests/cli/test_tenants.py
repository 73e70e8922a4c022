"""Whose books a command is for: by name, id or their beginning, typed or set."""

from pathlib import Path

import pytest

from tests.conftest import Command, Database
from tests.service_periods.books import Books

NAMED = {1: "Alder Row IT Services", 2: "Alder Court", 3: "Birch"}


@pytest.fixture(scope="module")
def books(shared_database: Database) -> dict[str, Books]:
    """Return three tenants of these names."""
    made = {name: Books(shared_database, number) for number, name in NAMED.items()}
    for name, each in made.items():
        shared_database.execute(
            "UPDATE billing.tenants SET tenant_name = %s WHERE tenant = %s", (name, each.tenant)
        )
        each.line()
    return made


@pytest.fixture
def of(books: dict[str, Books], typed: Command, shared_dsn: str) -> Command:
    """Return the command line on their database."""
    return lambda *arguments: typed(*arguments, "--dsn", shared_dsn)


def test_the_list(of: Command, books: dict[str, Books]) -> None:
    done = of("tenants")
    assert done.stdout.splitlines() == [
        "tenant                 id        books       escalated  last run",
        "Alder Court            00000000  1 schedule",
        "Alder Row IT Services  00000000  1 schedule",
        "Birch                  00000000  1 schedule",
    ]
    assert str(books["Birch"].tenant) in of("tenants", "--ids").stdout


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alder Row IT Services", "Alder Row IT Services"),
        ("alder r", "Alder Row IT Services"),
        ("B", "Birch"),
        ("00000000-0000-0002", "Alder Court"),
    ],
)
def test_a_name_or_its_beginning(
    of: Command, books: dict[str, Books], text: str, expected: str
) -> None:
    done = of("coverage", "--tenant", text, "--as-of", "2025-01-10", "--format", "json")
    assert done.stderr == ""
    assert str(books[expected].tenant) in done.stdout
    assert of("cutover", text).returncode == 0


def test_more_than_one_or_none(of: Command, books: dict[str, Books]) -> None:
    done = of("coverage", "--tenant", "alder")
    assert (done.returncode, done.stdout) == (1, "")
    court, row = (books[NAMED[number]].tenant for number in (2, 1))
    assert done.stderr == (
        f"error: 'alder' may be 2 tenants: Alder Court ({court}), Alder Row IT Services ({row})"
        " — write more of the name, or the id\n"
    )
    done = of("coverage", "--tenant", "cedar")
    assert done.stderr == (
        "error: no tenant has a name or id that begins with 'cedar' — duecourse tenants lists"
        " them\n"
    )
    done = of("coverage", "--tenant", "all")
    assert "'all' is not offered here; name one tenant" in done.stderr


def test_an_option_before_the_environment_before_the_file(
    of: Command, books: dict[str, Books], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def seen(*arguments: str) -> str:
        done = of("coverage", *arguments, "--as-of", "2025-01-10", "--format", "json")
        return next(name for name, each in books.items() if str(each.tenant) in done.stdout)

    done = of("coverage")
    assert done.stderr == (
        "error: Missing option '--tenant'. — duecourse tenants lists them; to name one for all"
        ' commands: DUECOURSE_TENANT, or tenant = "…" in duecourse.toml\n'
    )
    (tmp_path / "duecourse.toml").write_text('tenant = "Birch"\n')
    assert seen() == "Birch"
    monkeypatch.setenv("DUECOURSE_TENANT", "alder c")
    assert seen() == "Alder Court"
    assert seen("--tenant", "alder row") == "Alder Row IT Services"
    (tmp_path / "duecourse.toml").write_text("tenant = 3\n")
    monkeypatch.delenv("DUECOURSE_TENANT")
    done = of("coverage")
    assert done.stderr == ("error: duecourse.toml: tenant is 3, not a text — put it in quotes\n")


def test_nobody_is_there(typed: Command, dsn: str, database: Database) -> None:
    done = typed("tenants", "--dsn", dsn)
    login = database.info.user
    assert done.stdout == (
        f"no tenant of whom {login} may see something; first: duecourse import FOLDER, or"
        f" duecourse grant {login} view --tenant all\n"
    )
