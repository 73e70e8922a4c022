"""README.md and docs/: short, whole, without dead links, and in step with the package."""

import configparser
import re
from pathlib import Path

import click
import psycopg
import pytest

from duecourse.cli import main
from tests.conftest import ROOT
from tests.examples.sessions import commands_of, pages

README = (ROOT / "README.md").read_text(encoding="utf-8")
TEXTS = {page: page.read_text(encoding="utf-8") for page in pages()}
EVERY = [*TEXTS, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs" / "reference").glob("*.md"))]
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


def section(title: str) -> str:
    """Return what stands in the README under a heading."""
    return README.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def typed(kind: str) -> str:
    """Return every command of a kind in README.md and docs/."""
    blocks = (found for text in TEXTS.values() for found in _BLOCK.findall(text))
    return "\n".join(
        command for name, block in blocks if name == kind for command in commands_of(kind, block)
    )


def anchors(path: Path) -> set[str]:
    """Return what can stand after # in a link to a page, as GitHub makes it of its headings."""
    headings = re.findall(r"^#+ (.*)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_the_readme_is_short() -> None:
    assert len(README.splitlines()) <= 160


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_lines_are_short(page: Path) -> None:
    prose = _BLOCK.sub("", TEXTS[page])
    assert [line for line in prose.splitlines() if len(line) > 105 and line[0] != "|"] == []
    commands = "\n".join(
        command
        for kind, block in _BLOCK.findall(TEXTS[page])
        if kind in ("console", "sql")
        for command in commands_of(kind, block)
    )
    assert [line for line in commands.splitlines() if len(line) > 115] == []


@pytest.mark.parametrize("page", TEXTS, ids=lambda page: page.name)
def test_no_example_cuts_what_a_command_prints(page: Path) -> None:
    assert not re.search(r"\|\s*cut\b", TEXTS[page])


@pytest.mark.parametrize("page", EVERY, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    text = _BLOCK.sub("", page.read_text(encoding="utf-8"))
    for link in re.findall(r"\]\(([^)]+)\)", text):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        there = page.parent / name if name else page
        assert there.exists(), link
        assert not anchor or anchor in anchors(there), link


def test_every_page_is_linked_from_the_readme() -> None:
    """Or, where it is a page of a folder, from that folder's own page."""
    lost = []
    for path in (ROOT / "docs").rglob("*.md"):
        above = path.parent.with_suffix(".md")
        text = above.read_text(encoding="utf-8") if above.exists() else README
        if f"({path.relative_to(above.parent if above.exists() else ROOT)})" not in text:
            lost.append(str(path))
    assert lost == []


def test_run_it_and_test_it_are_one_command_each() -> None:
    for title in ("Run it", "Test it"):
        [block] = re.findall(r"```\w*\n(.*?)```", section(title), re.DOTALL)
        assert len(block.splitlines()) == 1


def test_every_command_is_typed_on_a_page() -> None:
    names = main.list_commands(click.Context(main, **main.context_settings))
    assert [name for name in names if f"duecourse {name}" not in typed("console")] == []


def test_every_procedure_is_called_on_a_page(shared_database: psycopg.Connection) -> None:
    """But for what its command calls: apply's imports, and permissions."""
    found = shared_database.execute(
        "SELECT DISTINCT proname FROM pg_proc"
        " WHERE prokind = 'p' AND proname !~ '^(_|import_|(grant|revoke)_permission)'"
        " AND pronamespace = ANY ('{billing,ledger,ops}'::regnamespace[])"
    ).fetchall()
    called = typed("sql")
    assert len(found) > 15
    assert [name for (name,) in found if not re.search(rf"CALL \w+\.{name}\(", called)] == []


def test_every_dependency_has_its_line() -> None:
    setup = configparser.ConfigParser()
    setup.read(ROOT / "setup.cfg")
    declared = "\n".join(
        [setup["options"]["install_requires"], *setup["options.extras_require"].values()]
    )
    wanted = {re.split(r"[\[ <>=]", line)[0] for line in declared.split("\n") if line}
    assert wanted - {"duecourse"} == set(re.findall(r"`([\w.-]+)`", section("Dependencies"))) - {
        "embedded",
        "test",
    }
