"""Saved plans: JSON with a checksum over what they say, so that one that was edited is refused."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from duecourse import output
from duecourse.errors import DuecourseError
from duecourse.files import private

_CHECKSUM = "checksum"


def save(path: Path, head: Mapping[str, object], rows: Iterable[object]) -> None:
    """Write a plan row by row."""
    digest = _Digest(head)
    with private(path, "w", encoding="utf-8") as file:
        file.writelines(output.json_document(head, digest.of(rows), {_CHECKSUM: digest}))


def load(path: Path, operation: str) -> dict[str, Any]:
    """Return a plan without its rows; it must be of this operation and as it was saved."""
    again = f"make one: duecourse plan {operation} --out FILE"
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        made_for, checksum, rows = (
            saved["operation"],
            saved.pop(_CHECKSUM, None),
            saved.pop("rows", []),
        )
        saved["arguments"].items(), saved["plan_hash"].encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DuecourseError(f"{path} is not a saved plan", again) from error
    if made_for != operation:
        raise DuecourseError(
            f"{path} is a plan to {made_for}", f"run: duecourse run {made_for} --plan {path}"
        )
    digest = _Digest(saved)
    for _ in digest.of(rows):
        pass
    if str(digest) != checksum:
        raise DuecourseError(f"{path} was edited since it was saved", again)
    return dict(saved)


class _Digest:
    """SHA-256 over a plan's values, however the file is laid out."""

    def __init__(self, head: Mapping[str, object]) -> None:
        self._hash = hashlib.sha256(output.to_json(head).encode())

    def of(self, rows: Iterable[object]) -> Iterator[object]:
        """Yield rows, and take them in."""
        for row in rows:
            self._hash.update(b"\n" + output.to_json(row).encode())
            yield row

    def __str__(self) -> str:
        return self._hash.hexdigest()
