"""Settings: the names of the three schemas, from duecourse.toml."""

import os
import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Self

from duecourse.errors import DuecourseError

MAX_IDENTIFIER_BYTES = 63
#: These would need other escapes in literals, in format() patterns and in dollar-quoted bodies.
_REFUSED_CHARACTERS = re.compile(r"['$%\\\x00-\x1f\x7f\x85\u2028\u2029]")


@dataclass(frozen=True)
class Config:
    """The schema names, validated when made."""

    billing: str = "billing"
    ledger: str = "ledger"
    ops: str = "ops"

    def __post_init__(self) -> None:
        for field in fields(self):
            _validate(field.name, getattr(self, field.name))
        if len(set(self.schemas)) != len(self.schemas):
            raise DuecourseError(
                "two of the schemas billing, ledger and ops have the same name",
                "give each its own name in duecourse.toml",
            )

    @property
    def schemas(self) -> list[str]:
        """The schema names as the catalog stores them."""
        return [getattr(self, field.name) for field in fields(self)]

    @property
    def identifiers(self) -> dict[str, str]:
        """What templates see: each schema's name, quoted unless it is the default."""
        return {
            field.name: name if name == field.default else quote_identifier(name)
            for field, name in zip(fields(self), self.schemas, strict=True)
        }

    @classmethod
    def from_file(cls, path: Path) -> Self:
        """Read the table ``[schemas]`` of a TOML file."""
        try:
            settings = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise DuecourseError(
                f"cannot read {path}: {error.strerror}", "check DUECOURSE_CONFIG"
            ) from error
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise DuecourseError(f"{path} is not TOML: {error}", "correct that line") from error
        names = settings.pop("schemas", {})
        known = {field.name for field in fields(cls)}
        unknown = [*settings, *(names.keys() - known if isinstance(names, dict) else ["schemas"])]
        if unknown:
            raise DuecourseError(
                f"{path} has the unknown setting {sorted(unknown)[0]!r}",
                "it may hold the table [schemas] with billing, ledger and ops",
            )
        return cls(**names)


def load() -> Config:
    """Return what $DUECOURSE_CONFIG says, else ./duecourse.toml, else the defaults."""
    if named := os.environ.get("DUECOURSE_CONFIG"):
        return Config.from_file(Path(named))
    local = Path("duecourse.toml")
    return Config.from_file(local) if local.is_file() else Config()


def quote_identifier(name: str) -> str:
    """Quote a name for SQL; it must have been validated."""
    return '"' + name.replace('"', '""') + '"'


def _validate(setting: str, name: object) -> None:
    def refuse(reason: str) -> DuecourseError:
        return DuecourseError(
            f"schema name {name!r} for {setting!r} {reason}", "choose another in duecourse.toml"
        )

    if not isinstance(name, str) or not name:
        raise refuse("is not a text")
    if len(name.encode("utf-8", "surrogatepass")) > MAX_IDENTIFIER_BYTES:
        raise refuse(f"is longer than {MAX_IDENTIFIER_BYTES} bytes")
    if _REFUSED_CHARACTERS.search(name):
        raise refuse("holds a control character or one of ' $ % \\")
    if name.startswith("pg_") or name == "information_schema":
        raise refuse("belongs to PostgreSQL")
