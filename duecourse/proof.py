"""Proof of the checks: each fault is planted, has to be found, and is taken back."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

import psycopg

from duecourse import locate, script
from duecourse.checks import find
from duecourse.config import Config
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus, from_database_error
from duecourse.objects import Check
from duecourse.profile import NATIVE
from duecourse.render import render
from duecourse.surface import Row

#: Whose books the faults are planted in, and when they are looked at, as sql/macros/faults has it.
TENANT = UUID("d0e00000-0000-4000-8000-000000000000")
AS_OF = date(2025, 1, 10)

_FOLDER = "verify/faults"
_SCENE = f"{_FOLDER}/_scene.sql.j2"
#: Whose fault can be planted where the books are tables of another system.
_ANYWHERE = ("catalog_drift", "permission_excess")


@dataclass(frozen=True)
class Proof:
    """A check, what was planted for it, and what it found of that; ``error``: why it did not."""

    check: Check
    fault: str
    findings: Sequence[Row] = ()
    error: str | None = None

    @property
    def holds(self) -> bool:
        """Whether the check has found what was planted."""
        return bool(self.findings) and self.error is None


def faults(config: Config) -> list[str]:
    """Return the checks whose fault can be planted in a database like this."""
    made = [path.name.removesuffix(".sql.j2") for path in (locate.root() / _FOLDER).glob("[a-z]*")]
    return made if config.profile == NATIVE else [name for name in made if name in _ANYWHERE]


def assert_alone(connection: Connection) -> None:
    """Refuse while others are connected: the faults lock tables, some from readers, too."""
    [(others,)] = connection.execute(
        "SELECT pg_catalog.count(*) FROM pg_catalog.pg_stat_activity AS a"
        " WHERE a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
        " AND a.backend_type OPERATOR(pg_catalog.=) 'client backend'"
        " AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
    ).fetchall()
    if others:
        raise DuecourseError(
            f"other sessions are connected to the database ({others:,}): they would wait for locks",
            "if you mean it: duecourse verify --prove --yes",
            exit_status=ExitStatus.REFUSED,
        )


def prove(connection: Connection, config: Config, chosen: Sequence[Check]) -> Iterator[Proof]:
    """Yield the proof of each check that has a fault for here; nothing of it stays."""
    can = faults(config)
    scene = render(_SCENE, config) if config.profile == NATIVE else ""
    for check in chosen:
        if check.name in can:
            text = render(f"{_FOLDER}/{check.name}.sql.j2", config)
            what = re.search(r"^-- (.*)$", text, re.MULTILINE)
            yield _prove(connection, check, what[1] if what else "", scene, text)


def _prove(connection: Connection, check: Check, what: str, scene: str, text: str) -> Proof:
    findings: list[Row] = []
    tenant = None if check.of_database else TENANT
    try:
        with connection.transaction(force_rollback=True):
            # It would rather fail than let others queue behind it.
            connection.execute("SET LOCAL lock_timeout = '2s'")
            script.run(connection, scene)
            before = list(find(connection, check, tenant, AS_OF))
            script.run(connection, text)
            found = find(connection, check, tenant, AS_OF)
            findings = [row for row in found if row not in before]
    except psycopg.Error as error:
        if connection.closed:
            raise
        return Proof(check, what, error=str(from_database_error(error)))
    return Proof(check, what, findings)
