"""Profiles: databases of others that can be adopted in place, a folder of sql/profiles each."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from uuid import UUID

from duecourse import locate
from duecourse.errors import DuecourseError


@dataclass(frozen=True)
class Profile:
    """What ``profile.toml`` says; the native one, of tables that are all ours, has nothing."""

    name: str = "native"
    #: Whose tables they are, in a few words.
    description: str = ""
    #: By our name, as in ``billing.clients``, the table of theirs that stands for it.
    adopted: Mapping[str, str] = field(default_factory=dict)
    #: The table of theirs that is written as the ledger of service periods; None: none is.
    ledger: str | None = None
    #: By the name of a routine that their own system does the work of: the hint that says so.
    refused: Mapping[str, str] = field(default_factory=dict)
    #: Patterns of the files of objects, checks too, that are not made.
    left_out: tuple[str, ...] = ()
    #: The operation (``duecourse plan``) that shows first how the books stand.
    first: str = "backfill"
    #: Of their tables, those that are written.
    writes: tuple[str, ...] = ()
    #: By table, the columns of keys that hold what is written.
    keys: Mapping[str, list[str]] = field(default_factory=dict)
    #: Whether the tables know of one tenant only, for whom adopt makes an id.
    one_tenant: bool = False

    def has(self, file: str) -> bool:
        """Return whether the folder of the profile has a file of that name."""
        return (folder(self.name) / file).is_file()

    def makes(self, path: str) -> bool:
        """Return whether a file of objects, counted from the root, is made under this profile."""
        return not any(fnmatch(path, pattern) for pattern in self.left_out)


@dataclass(frozen=True)
class Adoption:
    """How a database was adopted: the row of ``ops.adoption``; without one nothing was."""

    profile: str = "native"
    #: The schema of the adopted tables, as the catalog stores it.
    source: str = "public"
    #: Whether our triggers and foreign keys guard the adopted ledger.
    guards: bool = False
    #: Whether the recommended indexes are kept on the adopted tables.
    indexes: bool = False
    #: Whether a unique index refuses further rents of a month.
    unique_rents: bool = False
    #: Whose books they are, where the adopted tables know of one tenant only.
    tenant: UUID | None = None


@dataclass(frozen=True)
class Wanted:
    """How a database is to be adopted: what is None stays as it is recorded, or as by default."""

    profile: str
    source: str | None = None
    guards: bool | None = None
    indexes: bool | None = None
    unique_rents: bool | None = None


NATIVE = Profile()
NOTHING_ADOPTED = Adoption()


def folder(name: str) -> Path:
    """Return the folder of a profile."""
    return locate.folder("sql") / "profiles" / name


def names() -> list[str]:
    """Return the names of the profiles that can be adopted."""
    return sorted(path.parent.name for path in folder("").glob("*/profile.toml"))


@cache
def of(name: str) -> Profile:
    """Return the profile of that name."""
    if name == NATIVE.name:
        return NATIVE
    if name not in names():
        raise DuecourseError(
            f"there is no profile {name!r}", f"there are: {', '.join(names()) or 'none'}"
        )
    settings = tomllib.loads((folder(name) / "profile.toml").read_text(encoding="utf-8"))
    refused = {
        routine: group["hint"] for group in settings["refused"] for routine in group["routines"]
    }
    lists = {key: tuple(settings.get(key, ())) for key in ("left_out", "writes")}
    return Profile(name, **{**settings, **lists, "refused": refused})
