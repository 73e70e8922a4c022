"""A folder for a server that is going to be killed."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def home() -> Iterator[Path]:
    """Yield a folder that the server's account can reach."""
    with tempfile.TemporaryDirectory(prefix="duecourse-test-") as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
