"""A look at the tables to adopt: what is there, what cannot be used, what adopt would add."""

import csv
import re
from collections import Counter
from dataclasses import dataclass
from functools import cache

from psycopg.types.json import Jsonb

from duecourse import migrate, profile
from duecourse.adopted import settled
from duecourse.config import Config
from duecourse.database import Connection, own_names, query
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.profile import NATIVE, Wanted
from duecourse.render import render

_MADE = re.compile(r"^CREATE (?:OR REPLACE )?(TABLE|VIEW|FUNCTION|PROCEDURE)\b", re.MULTILINE)
_NAMED = re.compile(r"\bduecourse_\w+")


@dataclass(frozen=True)
class Finding:
    """What is not as the profile needs it (``error``) or worth knowing, and what to do."""

    severity: str
    message: str
    hint: str


@dataclass(frozen=True)
class Survey:
    """How the tables are found, with their rows, and what adopt would make, by its kind."""

    profile: str
    source: str
    role: str
    database: str
    is_adopted: bool
    tables: dict[str, int]
    schemas: list[str]
    made: dict[str, int]
    on_theirs: list[str]
    findings: list[Finding]

    def refuse_errors(self) -> None:
        """Refuse what cannot be adopted, by the first reason."""
        errors = [found for found in self.findings if found.severity == "error"]
        if errors:
            more = f"; and {len(errors) - 1} more: --dry-run shows them" if errors[1:] else ""
            raise DuecourseError(
                errors[0].message + more, errors[0].hint, exit_status=ExitStatus.REFUSED
            )


def look(connection: Connection, config: Config, wanted: Wanted) -> Survey:
    """Look at what is to be adopted; reads only. ``config``: as the database is recorded."""
    chosen = settled(connection, config, wanted)
    adoption, theirs = chosen.adoption, chosen.profile
    _refuse_options(wanted)
    needs = _needs(theirs.name)
    given = {
        "profile": theirs.name,
        "source": adoption.source,
        "schemas": chosen.schemas,
        "needs": Jsonb(needs),
        "keys": Jsonb(dict(theirs.keys)),
        "writes": list(theirs.writes),
        "ledger": theirs.ledger,
        "guards": adoption.guards,
        "indexes": adoption.indexes or adoption.unique_rents,
    }
    findings = [Finding(*row) for row in query(connection, "survey", chosen, **given)]
    tables: dict[str, int] = {}
    if not any(found.severity == "error" for found in findings):
        names = sorted({need["table"] for need in needs})
        for name, statement in query(
            connection, "survey_tables", chosen, source=adoption.source, names=names
        ):
            [(tables[name],)] = connection.execute(statement.encode())
        if not any(tables.values()):
            findings.append(
                Finding("notice", "the tables have no rows", "is this the database? It would work")
            )
        findings += _of_its_own(connection, chosen)
    made, on_theirs = _made(chosen)
    return Survey(
        theirs.name,
        adoption.source,
        connection.info.user,
        connection.info.dbname,
        config.adoption.profile != NATIVE.name,
        tables,
        chosen.schemas,
        dict(made),
        on_theirs,
        findings,
    )


def _refuse_options(wanted: Wanted) -> None:
    """Refuse options that mean nothing to a profile."""
    theirs = profile.of(wanted.profile)
    for option, given, is_known in (
        ("--guards", wanted.guards, theirs.ledger is not None),
        ("--indexes", wanted.indexes, theirs.has("indexes.sql.j2")),
        ("--unique-rents", wanted.unique_rents, "ledger.charges" in theirs.adopted),
    ):
        if given and not is_known:
            raise DuecourseError(
                f"{option} means nothing to {wanted.profile}",
                "leave it out",
                exit_status=ExitStatus.REFUSED,
            )


def _needs(name: str) -> list[dict[str, str]]:
    """Return the columns that a profile needs, with their types: its ``needs.csv``."""
    with (profile.folder(name) / "needs.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _of_its_own(connection: Connection, config: Config) -> list[Finding]:
    """Return what the profile itself looks for, as its ``survey.sql.j2`` has it."""
    if not config.profile.has("survey.sql.j2"):
        return []
    text = render(f"sql/profiles/{config.profile.name}/survey.sql.j2", config)
    with own_names(connection):
        return [Finding(*row) for row in connection.execute(text.encode())]


@cache
def _made(config: Config) -> tuple[Counter[str], list[str]]:
    """Count what adopt would make, by its kind; and name what of it is on tables of theirs.

    Foreign keys of our own tables, which name rows of theirs, are not among it.
    """
    chosen, theirs = config.adoption, config.profile
    texts = [render(path, config) for path in [*migrate.migration_paths(), *config.object_paths]]
    options = {
        f"sql/profiles/{theirs.name}/constraints.sql.j2": chosen.guards,
        f"sql/profiles/{theirs.name}/indexes.sql.j2": chosen.indexes,
        "sql/applying/rent_index.sql.j2": chosen.unique_rents,
    }
    source = re.escape(str(config.variables["source"]))
    triggers = re.compile(rf"^CREATE OR REPLACE TRIGGER (\w+)\s[^;]*?\sON {source}\.", re.MULTILINE)
    names = [name for text in texts for name in triggers.findall(text)]
    for path, is_chosen in options.items():
        names += _NAMED.findall(render(path, config)) if is_chosen else []
    kinds = Counter(kind.lower() for text in texts for kind in _MADE.findall(text))
    return kinds, list(dict.fromkeys(names))
