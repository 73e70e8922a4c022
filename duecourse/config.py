"""Settings of duecourse.toml, such as the names of the three schemas, and what was adopted."""

import os
import re
import tomllib
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Self

from duecourse import profile
from duecourse.errors import DuecourseError
from duecourse.objects import declared, object_paths, purposes
from duecourse.profile import NATIVE, NOTHING_ADOPTED, Adoption, Profile

MAX_IDENTIFIER_BYTES = 63

_SCHEMAS = ("billing", "ledger", "ops")
#: Of the ledger of service periods, where it is ours.
_LEDGER = "recurring_service_periods"
#: These would need other escapes in literals, in format() patterns and in dollar-quoted bodies.
_REFUSED_CHARACTERS = re.compile(r"['$%\\\x00-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True)
class Config:
    """The schema names, validated when made; whose books, unless another tenant is named.

    And the bounds that runs keep, into how many partitions the ledger is cut (0: into none),
    whether the tables are distributed by Citus, and how the database was adopted, if it was.
    """

    billing: str = "billing"
    ledger: str = "ledger"
    ops: str = "ops"
    tenant: str | None = None
    throttle: tuple[tuple[str, str | int], ...] = ()
    ledger_partitions: int = 0
    citus: bool = False
    shard_count: int | None = None
    adoption: Adoption = NOTHING_ADOPTED

    def __post_init__(self) -> None:
        for name in _SCHEMAS:
            _validate(name, getattr(self, name))
        if self.adoption.profile != NATIVE.name:
            _validate_source(self.adoption.source, self.schemas)
        if len(set(self.schemas)) != len(self.schemas):
            raise DuecourseError(
                "two of the schemas billing, ledger and ops have the same name",
                "give each its own name in duecourse.toml",
            )

    @property
    def schemas(self) -> list[str]:
        """The schema names as the catalog stores them."""
        return [getattr(self, name) for name in _SCHEMAS]

    @property
    def identifiers(self) -> dict[str, str]:
        """Each schema's name, quoted unless it is the default."""
        return {
            schema: name if name == schema else quote_identifier(name)
            for schema, name in zip(_SCHEMAS, self.schemas, strict=True)
        }

    @property
    def profile(self) -> Profile:
        """The profile by which the database was adopted."""
        return profile.of(self.adoption.profile)

    @property
    def object_paths(self) -> list[str]:
        """The files of the repeatable objects, in the order in which they are applied."""
        return object_paths(self.profile, citus=self.citus)

    @cached_property
    def variables(self) -> dict[str, object]:
        """What templates see; see `duecourse.render.render`."""
        adoption = self.adoption
        is_native = adoption.profile == NATIVE.name
        source = adoption.source
        source = source if source == "public" else quote_identifier(source)
        own = f"{self.identifiers['billing']}.{_LEDGER}"
        theirs = self.profile.ledger
        checks = declared(self.profile)
        return {
            **self.identifiers,
            "engine": "citus" if self.citus else "plain",
            "profile": adoption.profile,
            "source": source,
            "ledger_table": own if theirs is None else f"{source}.{theirs}",
            "adopted": self.profile.adopted,
            "refused": self.profile.refused,
            "guards": adoption.guards or is_native,
            "unique_rents": adoption.unique_rents,
            "tenant": "NULL" if adoption.tenant is None else f"'{adoption.tenant}'",
            "checks": {check.name: check.schema for check in checks},
            "database_checks": [check.name for check in checks if check.of_database],
            "purposes": partial(purposes, self.profile),
        }

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the table ``[schemas]`` of a TOML file, and ``tenant``."""
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DuecourseError(
                f"cannot read {path}: {error.strerror}", "check DUECOURSE_CONFIG"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DuecourseError(f"{path} is not TOML: {error}", "correct that line") from error
        names, tenant = settings.pop("schemas", {}), settings.pop("tenant", None)
        throttle = _throttle(path, settings.pop("throttle", {}))
        engine = _engine(path, settings.pop("engine", {}))
        known = set(_SCHEMAS)
        unknown = [*settings, *(names.keys() - known if isinstance(names, dict) else ["schemas"])]
        if unknown:
            raise DuecourseError(
                f"{path} has the unknown setting {sorted(unknown)[0]!r}",
                "it may hold tenant, the table [schemas] with billing, ledger and ops, [throttle]"
                " and [engine]",
            )
        if not isinstance(tenant, str | None):
            raise DuecourseError(f"{path}: tenant is {tenant!r}, not a text", "put it in quotes")
        return cls(**names, tenant=tenant, throttle=throttle, **engine)


def _throttle(path: Path, bounds: object) -> tuple[tuple[str, str | int], ...]:
    """Read the table ``[throttle]``: bounds that a run keeps, unless it is told others."""
    kinds = {"max_replica_lag": str, "max_wal_to_archive": int, "max_waiting_sessions": int}
    for name, value in bounds.items() if isinstance(bounds, dict) else [("throttle", bounds)]:
        if name not in kinds or type(value) is not kinds[name]:
            raise DuecourseError(
                f"{path} has no bound {name} = {value!r}",
                "the table [throttle] may hold max_replica_lag (an interval such as '10 s'),"
                " max_wal_to_archive and max_waiting_sessions (whole numbers)",
            )
    return tuple(bounds.items()) if isinstance(bounds, dict) else ()


def _engine(path: Path, settings: object) -> dict[str, Any]:
    """Read the table ``[engine]``: how the tables are laid out."""
    for name, value in settings.items() if isinstance(settings, dict) else [("engine", settings)]:
        if name == "citus" and type(value) is bool:
            continue
        least = {"ledger_partitions": 2, "shard_count": 1}.get(name)
        if least is None or type(value) is not int or not least <= value <= 1024:
            raise DuecourseError(
                f"{path} has no setting {name} = {value!r} of the engine",
                "the table [engine] may hold ledger_partitions, a whole number from 2 to 1024;"
                " or citus, true or false, and shard_count, a whole number from 1 to 1024",
            )
    chosen = settings if isinstance(settings, dict) else {}
    if "shard_count" in chosen and not chosen.get("citus"):
        raise DuecourseError(
            f"{path} says shard_count, and not citus", "set citus = true, or take shard_count out"
        )
    if "ledger_partitions" in chosen and chosen.get("citus"):
        raise DuecourseError(
            f"{path} says citus and ledger_partitions, of which a database has one",
            "take ledger_partitions out: the shards are its partitions",
        )
    return chosen


def load() -> Config:
    """Return what $DUECOURSE_CONFIG says, else ./duecourse.toml, else the defaults."""
    if named := os.environ.get("DUECOURSE_CONFIG"):
        return Config.from_file(Path(named))
    local = Path("duecourse.toml")
    return Config.from_file(local) if local.is_file() else Config()


def quote_identifier(name: str) -> str:
    """Quote a name for SQL; it must have been validated."""
    return '"' + name.replace('"', '""') + '"'


def _validate_source(name: object, ours: list[str]) -> None:
    _validate("source", name, "rename it, or adopt a copy in a schema of another name")
    if name in ours:
        raise DuecourseError(
            f"the schema {name!r} of the tables to adopt has the name of one of ours",
            "give ours another name: table [schemas] of duecourse.toml",
        )


def _validate(setting: str, name: object, hint: str = "choose another in duecourse.toml") -> None:
    def refuse(reason: str) -> DuecourseError:
        return DuecourseError(f"schema name {name!r} for {setting!r} {reason}", hint)

    if not isinstance(name, str) or not name:
        raise refuse("is not a text")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
        raise refuse(f"is longer than {MAX_IDENTIFIER_BYTES} bytes")
    if _REFUSED_CHARACTERS.search(name):
        raise refuse("holds a control character or one of ' $ % \\")
    if name.startswith("pg_") or name == "information_schema":
        raise refuse("belongs to PostgreSQL")
