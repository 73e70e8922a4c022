"""The files of the repeatable objects: views, routines, triggers and types."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from duecourse import locate

STAGES = (
    "sql/types",
    "sql/ops",
    "sql/period_guards",
    "sql/sources",
    "sql/candidates",
    "sql/plan",
    "sql/charge_guards",
    "sql/charge_plan",
    "sql/stripe",
    "sql/balances",
    "sql/due",
    "sql/history",
    "sql/linkage",
    "sql/guidance",
    "sql/offline",
    "procedures/runs",
    "procedures/service_periods",
    "procedures/invoices",
    "procedures/charges",
    "procedures/imports",
    "procedures/permissions",
    "procedures/cutover",
    "verify",
)

_TOKEN = re.compile(
    r"""(?P<ignored>\s+ | --[^\n]* | /\*.*?\*/)
    | [eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | [\w$]+ | (?:[+*<>=~!@\#%^&|`?]|-(?!-)|/(?!\*))+ | .""",
    re.VERBOSE | re.DOTALL,
)


class State(StrEnum):
    """How a file stands to the database."""

    APPLIED = "applied"
    NEW = "new"
    CHANGED = "changed"
    REWORDED = "reworded"  # comments and white space only
    DRIFTED = "drifted"  # the live catalog is not as the file made it
    REMOVED = "removed"


@dataclass(frozen=True)
class ObjectFile:
    """A file of the package with its rendered text; ``path`` is counted from the root."""

    path: str
    text: str

    @property
    def exact_checksum(self) -> str:
        """SHA-256 of the rendered text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def loose_checksum(self) -> str:
        """SHA-256 of the rendered text without comments and white space."""
        return hashlib.sha256("\n".join(tokens(self.text)).encode()).hexdigest()


@dataclass(frozen=True)
class ObjectState:
    """A file's state; ``drift`` names the live objects that are not as they were applied."""

    path: str
    state: State
    drift: list[str] = field(default_factory=list)


def tokens(text: str) -> Iterator[str]:
    """Yield the words, signs and literals of SQL, in dollar-quoted bodies too, without comments."""
    return (match[0] for match in _TOKEN.finditer(text) if match["ignored"] is None)


def object_paths() -> list[str]:
    """Return the files of all stages in the order in which they are applied."""
    return [
        f"{stage}/{file.name}"
        for stage in STAGES
        for top, _, below in [stage.partition("/")]
        for file in sorted((locate.folder(top) / below).glob("*.sql.j2"))
    ]
