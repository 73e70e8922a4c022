"""The checks of verify/, run over one state of the database: what each finds, or how it broke."""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

import psycopg
from psycopg.errors import InsufficientPrivilege

from duecourse import surface
from duecourse.database import Connection
from duecourse.errors import from_database_error
from duecourse.objects import Check
from duecourse.surface import Row

#: What a refusal of the arguments or of the login begins with: then no check can look.
_OF_THE_CALL = "DC"


class Outcome(StrEnum):
    """What became of a check."""

    ERRORED = "errored"
    FAILED = "failed"
    WARNED = "warned"
    OK = "ok"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """What a check found, each finding a row; ``error``: why it could not look."""

    check: Check
    outcome: Outcome
    findings: Sequence[Row] = ()
    error: str | None = None
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether verification has failed by it."""
        return self.outcome in (Outcome.ERRORED, Outcome.FAILED)


@dataclass(frozen=True)
class Report:
    """The results over the books of a tenant, or (without one) over the database itself."""

    tenant: UUID | None
    name: str
    as_of: date
    results: Sequence[Result]
    started: datetime = field(default_factory=lambda: datetime.now(UTC))

    def of(self, *outcomes: Outcome) -> list[Result]:
        """Return the results with one of these outcomes, in order."""
        return [result for result in self.results if result.outcome in outcomes]

    @property
    def failed(self) -> int:
        """How many checks failed or could not look."""
        return sum(result.is_bad for result in self.results)

    @property
    def seconds(self) -> float:
        """How long all took."""
        return sum(result.seconds for result in self.results)


@dataclass(frozen=True)
class Wanted:
    """Which checks run, and which findings count.

    ``severity``: findings of less are not looked at; ``fail_on``: findings of less do not fail.
    """

    chosen: Sequence[str] = ()
    skipped: Sequence[str] = ()
    severity: str = "warning"
    fail_on: str = "error"

    def picks(self, check: Check) -> bool:
        """Return whether a check was asked for; it may still be skipped."""
        return not self.chosen or check.name in self.chosen

    def sees(self, finding: Row) -> bool:
        """Return whether a finding is looked at."""
        return finding["severity"] == "error" or self.severity == "warning"

    def fails(self, finding: Row) -> bool:
        """Return whether a finding fails its check."""
        return finding["severity"] == "error" or self.fail_on == "warning"


def reports(
    connection: Connection,
    declared: Sequence[Check],
    tenants: Mapping[UUID | None, str],
    as_of: date,
    wanted: Wanted,
) -> list[Report]:
    """Look at tenants (None: the database itself) in one state of the database; reads only.

    Where the database is looked at beside tenants, the checks that are of it run once.
    """
    apart = None in tenants
    for tenant in tenants:
        if tenant is not None:
            surface.judge(connection, tenant)
    found = []
    with surface.snapshot(connection):
        for tenant, name in tenants.items():
            made = [
                check
                for check in declared
                if wanted.picks(check)
                and (check.of_database if tenant is None else not (apart and check.of_database))
            ]
            results = list(_results(connection, made, tenant, as_of, wanted))
            found.append(Report(tenant, name, as_of, results))
    return found


def _results(
    connection: Connection, made: Sequence[Check], tenant: UUID | None, as_of: date, wanted: Wanted
) -> Iterator[Result]:
    for check in made:
        if check.name in wanted.skipped:
            yield Result(check, Outcome.SKIPPED)
            continue
        begun = time.perf_counter()
        error, seen = None, []
        try:
            with connection.transaction():
                seen = list(filter(wanted.sees, find(connection, check, tenant, as_of)))
        except psycopg.Error as raised:
            if connection.closed or _is_of_the_call(raised):
                raise
            error = str(from_database_error(raised))
        outcome = Outcome.ERRORED if error else _outcome(seen, wanted)
        yield Result(check, outcome, seen, error, time.perf_counter() - begun)


def find(connection: Connection, check: Check, tenant: UUID | None, as_of: date) -> Iterator[Row]:
    """Yield what a check finds; inside a transaction."""
    arguments = {"tenant": tenant, "as_of": as_of}
    return surface.select(connection, f"{check.schema}.check_{check.name}", arguments)


def _is_of_the_call(error: psycopg.Error) -> bool:
    """Return whether every check would say so: of the arguments, or of the login."""
    refused = isinstance(error, InsufficientPrivilege) and error.diag.message_detail is not None
    return refused or (error.sqlstate or "").startswith(_OF_THE_CALL)


def _outcome(findings: Sequence[Row], wanted: Wanted) -> Outcome:
    if any(map(wanted.fails, findings)):
        return Outcome.FAILED
    return Outcome.WARNED if findings else Outcome.OK
