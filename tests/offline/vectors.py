"""The vectors: cases with their expected answers, a file per family of an operation."""

import gzip
import json
from pathlib import Path
from typing import Any

from duecourse.offline import OPERATIONS

FILES = sorted((Path(__file__).parents[1] / "data" / "vectors").glob("*.jsonl.gz"))


def operation(file: Path) -> str:
    """Return the operation that a file is for: the first part of its name."""
    name = file.name.removesuffix(".jsonl.gz")
    return max((o for o in OPERATIONS if f"{name}_".startswith(f"{o}_")), key=len)


def cases(file: Path) -> list[dict[str, Any]]:
    """Return the cases of a file, each with id, input and expected."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
