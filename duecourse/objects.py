"""The files of the repeatable objects: views, routines, triggers and types."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path

from duecourse import locate
from duecourse.errors import DuecourseError
from duecourse.profile import NATIVE, Profile, names, of

_GUARDS = "sql/period_guards"
#: What is made where Citus distributes the tables, and nowhere else.
_OF_CITUS = "sql/engines/citus"

STAGES = (
    "sql/types",
    "sql/ops",
    _GUARDS,
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
    "procedures/checks",
    "procedures/engine",
    "verify",
)

#: What lies in the folder of a profile beside its objects.
NO_OBJECTS = ("constraints.sql.j2", "indexes.sql.j2", "survey.sql.j2")

_SUFFIX = ".sql.j2"

#: What a file of verify/ says of its check.
_DECLARED = re.compile(
    r"""\{%\ call\ check\(\s*"(?P<name>\w+)",\s(?P<severity>"error"|"warning"|none),
    (?P<rest>.*?)\)\s*%\}""",
    re.VERBOSE | re.DOTALL,
)

#: What a file makes, in one sentence, after what it imports.
_FIRST_LINE = re.compile(r"^-- (.*)$", re.MULTILINE)

_TOKEN = re.compile(
    r"""\s+ | --[^\n]* | /\*.*?\*/
    | ([eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | [\w$]+ | (?:[+*<>=~!@\#%^&|`?]|-(?!-)|/(?!\*))+ | .)""",
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


@dataclass(frozen=True)
class Check:
    """A check of verify/, as its file declares it.

    ``severity``: of what it finds; ``error or warning`` where it finds both. ``of_database``: it is
    no matter of one tenant.
    """

    name: str
    path: str
    schema: str
    severity: str
    of_database: bool
    what: str


def tokens(text: str) -> Iterator[str]:
    """Yield the words, signs and literals of SQL, in dollar-quoted bodies too, without comments."""
    return filter(None, _TOKEN.findall(text))


def stages(profile: Profile = NATIVE, *, citus: bool = False) -> list[str]:
    """Return the folders of the objects in the order in which they are applied.

    ``citus``: where Citus distributes the tables. Under a profile the guards come last: who makes
    them keeps the writers of an adopted ledger waiting from then on.
    """
    if profile == NATIVE:
        return [*([_OF_CITUS] if citus else []), *STAGES]
    own = f"sql/profiles/{profile.name}"
    types, *others = (stage for stage in STAGES if stage != _GUARDS)
    return [types, own, *others, f"{own}/verify", _GUARDS]


def object_paths(profile: Profile = NATIVE, *, citus: bool = False) -> list[str]:
    """Return the files of all stages in the order in which they are applied."""
    return [path for stage in stages(profile, citus=citus) for path in _paths(stage, profile)]


def declared(profile: Profile = NATIVE) -> list[Check]:
    """Return the checks in their order."""
    root = locate.root()
    return [
        _read_check(root, path)
        for stage in stages(profile)
        if stage.endswith("verify")
        for path in _paths(stage, profile)
        if path.removeprefix(f"{stage}/")[0].isdigit()
    ]


def checks(profile: Profile = NATIVE) -> dict[str, str]:
    """Return the names of the checks in their order, each with the schema that it is made in."""
    return {check.name: check.schema for check in declared(profile)}


def purposes(profile: Profile = NATIVE) -> dict[str, str]:
    """Return what the objects that are no workers and no checks are for: their first lines."""
    first_lines = {}
    for path in object_paths(profile):
        name = path.rpartition("/")[2].removesuffix(_SUFFIX)
        if not name.startswith(("_", *"0123456789")):
            text = (locate.root() / path).read_text(encoding="utf-8")
            first_lines[name] = _FIRST_LINE.findall(text)[0]
    return first_lines


def checks_anywhere() -> list[str]:
    """Return the names of the checks of all databases, whether adopted or not."""
    profiles = (NATIVE, *map(of, names()))
    return list(dict.fromkeys(name for profile in profiles for name in checks(profile)))


@cache
def _read_check(root: Path, path: str) -> Check:
    """Read what a file declares; checks from number 0800 to 0899 are of the charge ledger."""
    number, _, name = path.rpartition("/")[2].removesuffix(_SUFFIX).partition("_")
    text = (root / path).read_text(encoding="utf-8")
    call, what = _DECLARED.search(text), re.search(r"^-- (.*)$", text, re.MULTILINE)
    if call is None or call["name"] != name or what is None:
        raise DuecourseError(f"{path} declares no check {name}", "see: CONTRIBUTING.md")
    severity = call["severity"].strip('"').replace("none", "error or warning")
    schema = "ledger" if number[:2] == "08" else "billing"
    return Check(name, path, schema, severity, 'of="database"' in call["rest"], what[1])


def _paths(stage: str, profile: Profile) -> list[str]:
    """Return the files of a stage in their order."""
    top, _, below = stage.partition("/")
    names = sorted(file.name for file in (locate.folder(top) / below).glob(f"*{_SUFFIX}"))
    paths = [f"{stage}/{name}" for name in names if name not in NO_OBJECTS]
    return [path for path in paths if profile.makes(path)]
