"""Files that we write: nobody else may read them, for they may hold what the books hold."""

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any


def private(path: Path, mode: str, **settings: Any) -> Any:
    """Open a file to write; a new one is its owner's alone, one that exists keeps its rights."""
    return open(path, mode, opener=lambda name, flags: os.open(name, flags, 0o600), **settings)


def write_whole(texts: Mapping[Path, Iterable[str]]) -> None:
    """Write files of pieces, all or none; who reads one meanwhile sees the one before, or this."""
    with ExitStack() as stack:
        written: list[tuple[Path, Path]] = []
        for path, text in texts.items():
            if path.exists() and not path.is_file():
                # A pipe or a device is written to, not replaced.
                with path.open("w", encoding="utf-8") as pipe:
                    pipe.writelines(text)
                continue
            with NamedTemporaryFile(
                "w", dir=path.parent, prefix=f".{path.name}.", delete=False, encoding="utf-8"
            ) as file:
                made = Path(file.name)
                stack.callback(made.unlink, missing_ok=True)
                file.writelines(text)
            written.append((path, made))
        for path, made in written:
            made.replace(path)
