"""The plugin of pytest, used by a project that has the built wheel installed, and no checkout."""

import os
import shutil
import subprocess
import sys
import sysconfig
from pathlib import Path

import psycopg
import pytest

from tests.conftest import ROOT

PROJECT = Path(__file__).parent / "project"
BUILT_FROM = ("duecourse", "migrations", "procedures", "sql", "verify")
DATABASES = "SELECT datname FROM pg_database WHERE datname ~ '^duecourse_test_[0-9a-f]{12}'"


def run(*command: object, cwd: Path, **env: str) -> str:
    """Run a command and return what it printed; it must not fail."""
    done = subprocess.run(
        [*map(str, command)],
        cwd=cwd,
        env={**os.environ, **env},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a Python that has the wheel, and what it depends on from here."""
    folder = tmp_path_factory.mktemp("installed")
    source = folder / "source"
    for name in BUILT_FROM:
        shutil.copytree(
            ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info")
        )
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check", "-q")
    offline = ("--no-deps", "--no-index", "--no-cache-dir")
    wheels = folder / "wheels"
    run(*pip, "wheel", *offline, "--no-build-isolation", "-w", wheels, source, cwd=folder)
    [wheel] = wheels.iterdir()
    run(sys.executable, "-m", "venv", "--without-pip", folder / "venv", cwd=folder)
    python = folder / "venv/bin/python"
    run(*pip, "--python", python, "install", *offline, wheel, cwd=folder)
    [packages] = (folder / "venv/lib").glob("*/site-packages")
    (packages / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])
    return python


def test_a_project_of_its_own(python: Path, tmp_path: Path, applied_server: object) -> None:
    """Nothing is left of its databases on the server that is named."""
    server = os.environ["DUECOURSE_TEST_SERVER"]
    project = shutil.copytree(PROJECT, tmp_path / "project")
    said = run(python, "-m", "pytest", "-q", cwd=project, DUECOURSE_TEST_DSN=server, PYTHONPATH="")
    assert "4 passed" in said
    with psycopg.connect(server) as connection:
        assert connection.execute(DATABASES).fetchall() == []


def test_the_wheel_has_what_the_command_needs(python: Path, tmp_path: Path) -> None:
    command = python.parent / "duecourse"
    assert run(command, "--version", cwd=tmp_path, PYTHONPATH="").startswith("duecourse, version")
    said = run(command, "render", "verify", cwd=tmp_path, PYTHONPATH="")
    assert "CREATE OR REPLACE FUNCTION ops.verify" in said
    found = run(python, "-m", "pytest", "--fixtures", "-q", cwd=tmp_path, PYTHONPATH="")
    assert {"duecourse_database", "duecourse_books", "duecourse_dsn"} <= {
        line.split()[0] for line in found.splitlines() if line.startswith("duecourse_")
    }
