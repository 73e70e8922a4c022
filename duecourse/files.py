"""Files that we write: nobody else may read them, for they may hold what the books hold."""

import os
from pathlib import Path
from typing import Any


def private(path: Path, mode: str, **settings: Any) -> Any:
    """Open a file to write; a new one is its owner's alone, one that exists keeps its rights."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600), **settings)
