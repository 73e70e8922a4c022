"""Templates are kept compiled where Python keeps its own modules so, and no command needs them."""

import shutil
from pathlib import Path

import pytest

from tests.conftest import Command


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder in which Python keeps what it has compiled."""
    return tmp_path_factory.mktemp("kept")


def rendered(duecourse: Command, kept: Path, **settings: str) -> str:
    """Return a template's text, which only the first of its kind in a folder has compiled."""
    settings = {"PYTHONPYCACHEPREFIX": str(kept), "PYTHONDONTWRITEBYTECODE": "", **settings}
    done = duecourse("render", "0001.ops", env=settings)
    assert (done.returncode, done.stderr) == (0, "")
    return str(done.stdout)


def compiled(kept: Path) -> Path:
    """Return the only template that is kept."""
    [folder] = kept.rglob("render.cpython-*/")
    [file] = folder.iterdir()
    return file


def test_what_is_kept_is_used(duecourse: Command, kept: Path) -> None:
    first = rendered(duecourse, kept)
    file = compiled(kept)
    whole = file.read_bytes()
    file.write_bytes(whole.replace(b"CREATE SCHEMA", b"CREATE schema"))
    assert rendered(duecourse, kept) == first.replace("CREATE SCHEMA", "CREATE schema") != first
    file.write_bytes(whole)


@pytest.mark.parametrize("spoilt", [b"", b"nothing of the kind", slice(0, 40), slice(0, 1000)])
def test_what_is_spoilt_is_compiled_anew(
    duecourse: Command, kept: Path, spoilt: bytes | slice
) -> None:
    first = rendered(duecourse, kept)
    file = compiled(kept)
    whole = file.read_bytes()
    file.write_bytes(spoilt if isinstance(spoilt, bytes) else whole[spoilt])
    assert rendered(duecourse, kept) == first
    assert file.read_bytes() == whole


def test_what_cannot_be_kept_is_not(duecourse: Command, kept: Path) -> None:
    first = rendered(duecourse, kept)
    folder = compiled(kept).parent
    shutil.rmtree(folder)
    assert rendered(duecourse, kept, PYTHONDONTWRITEBYTECODE="1") == first
    assert not folder.exists()
    folder.touch()
    assert rendered(duecourse, kept) == first
    folder.unlink()
