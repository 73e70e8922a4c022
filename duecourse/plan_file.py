"""Saved plans: JSON with a checksum over what they say, so that one that was edited is refused."""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from duecourse import output
from duecourse.errors import DuecourseError
from duecourse.files import private
from duecourse.operations import OPERATIONS

#: How a plan is written down; what was written otherwise is refused.
FORM = 2

_CHECKSUM = "checksum"


def save(path: Path, head: Mapping[str, object], units: Iterable[object]) -> None:
    """Write a plan unit by unit."""
    head = {"form": FORM, **head}
    digest = _Digest(head)
    with private(path, "w", encoding="utf-8") as file:
        file.writelines(output.json_document(head, digest.of(units), {_CHECKSUM: digest}))


def load(path: Path, operation: str | None = None) -> dict[str, Any]:
    """Return a plan as it was saved, of this operation if one is named; ``rows``: its units."""
    again = f"make one: duecourse plan {operation or 'backfill'} --out FILE"
    try:
        saved = json.loads(path.read_text(encoding="utf-8"))
        made_for, form = saved["operation"], saved.get("form")
        rows, checksum = saved.pop("rows", []), saved.pop(_CHECKSUM, None)
        saved["arguments"].items(), saved["plan_hash"].encode()
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise DuecourseError(f"{path} is not a saved plan", again) from error
    if operation not in (None, made_for):
        raise DuecourseError(
            f"{path} is a plan to {made_for}", f"run: duecourse run {made_for} --plan {path}"
        )
    if form != FORM:
        raise DuecourseError(f"{path} was saved by another version of duecourse", again)
    digest = _Digest(saved)
    for _ in digest.of(rows):
        pass
    if str(digest) != checksum or made_for not in OPERATIONS:
        raise DuecourseError(f"{path} was edited since it was saved", again)
    return {**saved, "rows": rows}


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
