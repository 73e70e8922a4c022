"""A package of a few objects, made for the test, and the shape of a database to compare."""

import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from duecourse import locate, postgres
from duecourse.config import load
from duecourse.database import connect
from duecourse.migrate import apply, status
from duecourse.objects import ObjectState, State
from duecourse.removal import rollback
from duecourse.render import _environment
from tests.conftest import ROOT

Dump = Callable[..., str]


class Package:
    """The machinery of the real package with objects of the test's own."""

    def __init__(self, root: Path, dsn: str) -> None:
        self._root = root
        self.dsn = dsn
        for name in ("sql/applying", "sql/macros"):
            shutil.copytree(ROOT / name, root / name)
        (root / "migrations").mkdir()
        for file in (ROOT / "migrations").glob("0001.*"):
            shutil.copy(file, root / "migrations")

    def write(self, **files: str) -> None:
        """Write objects by stage and name: ``ops__f`` is sql/ops/f.sql.j2."""
        for name, text in files.items():
            stage, _, stem = name.partition("__")
            path = self._root / "sql" / stage / f"{stem}.sql.j2"
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)

    def write_migration(self, name: str, text: str) -> None:
        """Write a migration as the package has them."""
        (self._root / f"migrations/{name}.sql.j2").write_text(text)
        (self._root / f"migrations/{name}.py").write_text(
            f'from duecourse.frozen import steps_of\n\nsteps = steps_of("{name}")\n'
        )

    def write_rollback(self, name: str, text: str) -> None:
        """Write what takes a migration back."""
        (self._root / f"migrations/{name}.rollback.sql.j2").write_text(text)

    def rollback(self) -> list[str]:
        """Take back the last migration."""
        return rollback(self.dsn)

    def remove(self, stage: str, name: str) -> None:
        """Remove an object's file."""
        (self._root / "sql" / stage / f"{name}.sql.j2").unlink()

    def apply(self) -> dict[str, State]:
        """Apply; return the states that were not ``applied``, by the names of the files."""
        return {_stem(item.path): item.state for item in apply(self.dsn).objects}

    def status(self) -> list[ObjectState]:
        """Return every file's state."""
        with connect(self.dsn) as connection:
            return status(connection).objects

    def edited(self) -> list[str]:
        """Return the migrations that were applied with another text."""
        with connect(self.dsn) as connection:
            return [item.name for item in status(connection).edited]

    def states(self) -> dict[str, State]:
        """Return every file's state, by the names of the files."""
        return {_stem(item.path): item.state for item in self.status()}


def _stem(path: str) -> str:
    return path.rpartition("/")[2].removesuffix(".sql.j2")


@pytest.fixture
def package(tmp_path: Path, empty_dsn: str, monkeypatch: pytest.MonkeyPatch) -> Package:
    """Return a package without objects, for ``empty_dsn``."""
    monkeypatch.setattr(locate, "_PACKAGE", tmp_path / "duecourse")
    monkeypatch.setattr("duecourse.render._environment", _environment.__wrapped__)
    return Package(tmp_path, empty_dsn)


@pytest.fixture
def dump() -> Dump:
    """Return a function that gives the definition of everything in the package's schemas."""

    def run(dsn: str) -> str:
        schemas = [f"--schema={schema}" for schema in load().schemas]
        done = subprocess.run(
            [postgres.binaries() / "pg_dump", "--schema-only", *schemas, f"--dbname={dsn}"],
            capture_output=True,
            check=True,
            text=True,
        )
        # The lines \restrict and \unrestrict carry a random word. pg_attver is an option that
        # Debian's 15 keeps on the columns of a table that was altered; only its own pg_dump knows.
        return "\n".join(
            line
            for line in done.stdout.splitlines()
            if line[:1] != "\\" and "SET (pg_attver=" not in line
        )

    return run
