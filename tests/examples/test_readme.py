"""The README against the real thing; ``python -m tests.examples.readme`` makes it right again."""

import configparser
import re
from collections.abc import Iterator

import click
import psycopg
import pytest

from duecourse.cli import main
from tests.conftest import ROOT
from tests.examples.readme import README, commands_of, prepare, regenerate

TEXT = README.read_text(encoding="utf-8")


def section(title: str) -> str:
    """Return what stands under a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


@pytest.fixture
def shell_dsn(empty_dsn: str) -> Iterator[str]:
    """Yield an empty database; drop the role that the session makes, which the server keeps."""
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute("DROP ROLE IF EXISTS cutover_team")
        yield empty_dsn
        connection.execute("DROP OWNED BY cutover_team")
        connection.execute("DROP ROLE cutover_team")


def test_sessions_and_tables_are_real(shell_dsn: str, dsn: str) -> None:
    prepare(dsn)
    assert regenerate(TEXT, shell_dsn, dsn) == TEXT


def test_run_it_and_test_it_are_one_command_each() -> None:
    for title in ("Run it", "Test it"):
        [block] = re.findall(r"```\w*\n(.*?)```", section(title), re.DOTALL)
        assert len(block.splitlines()) == 1


def test_every_command_is_typed_in_the_readme() -> None:
    blocks = re.findall(r"^```(console|sh)\n(.*?)^```$", TEXT, re.MULTILINE | re.DOTALL)
    typed = "\n".join(block for _, block in blocks)
    names = main.list_commands(click.Context(main))
    assert [name for name in names if f"duecourse {name}" not in typed] == []


def test_every_procedure_is_called_in_the_readme() -> None:
    files = (
        file
        for topic in ("service_periods", "invoices", "charges", "cutover")
        for file in (ROOT / "procedures" / topic).glob("[!_]*.sql.j2")
    )
    names = sorted(file.name.partition(".")[0] for file in files)
    assert [name for name in names if not re.search(rf"=# CALL \w+\.{name}\(", TEXT)] == []


def test_every_dependency_has_its_line() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = "\n".join(
        [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    )
    wanted = {re.split(r"[\[ <>=]", line)[0] for line in declared.split("\n") if line}
    assert wanted - {"duecourse"} == set(re.findall(r"`([\w-]+)`", section("Dependencies"))) - {
        "embedded",
        "test",
    }


def test_a_command_may_have_several_lines() -> None:
    assert commands_of("sql", "=# SELECT 1,\n-#     2;\n ?column?\n=# \\q\n") == [
        "SELECT 1,\n    2;",
        "\\q",
    ]
