"""The checks of verify/, run over one state of the database: what each finds, or how it broke."""

import re
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from uuid import UUID

import psycopg
from psycopg.errors import InsufficientPrivilege
from psycopg.types.json import Jsonb

from duecourse import surface
from duecourse.database import Connection
from duecourse.errors import from_database_error
from duecourse.objects import Check
from duecourse.surface import Row

#: A schedule and its obligation.
_SCHEDULE_KEY = re.compile(r"schedule:[0-9a-f-]{36}:\w+:([0-9a-f-]{36}):\w+:\w+$")

#: Of a refusal of the arguments: then no check can look.
_OF_THE_CALL = ("DC001", "DC002")


class Outcome(StrEnum):
    """What became of a check."""

    ERRORED = "errored"
    FAILED = "failed"
    WARNED = "warned"
    WAIVED = "waived"
    OK = "ok"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class Result:
    """What a check found, each finding a row; ``error``: why it could not look.

    A finding's ``waived`` is the waiver that lets it pass, or None.
    """

    check: Check
    outcome: Outcome
    findings: Sequence[Row] = ()
    error: str | None = None
    seconds: float = 0.0

    @property
    def is_bad(self) -> bool:
        """Whether verification has failed by it."""
        return self.outcome in (Outcome.ERRORED, Outcome.FAILED)

    def counts(self) -> dict[str, int]:
        """Return how many findings are errors, warnings, or waived."""
        live = [row["severity"] for row in self.findings if row["waived"] is None]
        return {
            "errors": live.count("error"),
            "warnings": live.count("warning"),
            "waived": len(self.findings) - len(live),
        }


@dataclass(frozen=True)
class Report:
    """The results over the books of a tenant, or (without one) over the database itself."""

    tenant: UUID | None
    name: str
    as_of: date
    results: Sequence[Result]
    #: What people call the schedules that findings name, by the key of the schedule.
    names: Mapping[str, str] = field(default_factory=dict)
    #: Waivers in force that let nothing pass.
    unused: Sequence[Row] = ()
    #: Since when checks fail, by name, as far as it was recorded.
    failed_since: Mapping[str, datetime] = field(default_factory=dict)
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
    """Look at tenants (None: the database itself) in one state of the database; reads only."""
    for tenant in tenants:
        if tenant is not None:
            surface.judge(connection, tenant)
    with surface.snapshot(connection):
        return look(connection, declared, tenants, as_of, wanted)


def look(
    connection: Connection,
    declared: Sequence[Check],
    tenants: Mapping[UUID | None, str],
    as_of: date,
    wanted: Wanted,
) -> list[Report]:
    """Do so inside a snapshot.

    Where the database is looked at beside tenants, the checks that are of it run once.
    """
    apart = None in tenants
    found = []
    for tenant, name in tenants.items():
        made = [
            check
            for check in declared
            if wanted.picks(check)
            and (check.of_database if tenant is None else not (apart and check.of_database))
        ]
        waivers = _Waivers(connection, tenant, as_of)
        results = list(_results(connection, made, tenant, as_of, wanted, waivers))
        history = surface.select(connection, "ops.verify_history", {"tenant": tenant})
        since = {row["check_name"]: row["failed_since"] for row in history}
        unused = waivers.unused(results)
        names = _names(connection, tenant, results)
        found.append(Report(tenant, name, as_of, results, names, unused, since))
    return found


def record(connection: Connection, report: Report) -> None:
    """Record what was found, of the checks that are the tenant's (or the database's) own."""
    found = [
        {"check_name": result.check.name, "outcome": result.outcome, **result.counts()}
        for result in report.results
        if result.outcome != Outcome.SKIPPED and result.check.of_database == (report.tenant is None)
    ]
    given = {"tenant": report.tenant, "as_of": report.as_of, "results": Jsonb(found)}
    surface.call(connection, "ops.record_checks", given)


def _names(
    connection: Connection, tenant: UUID | None, results: Sequence[Result]
) -> dict[str, str]:
    """Return what people call the schedules that findings name: client and line."""
    keys = {
        row["object_key"]: UUID(match[1])
        for result in results
        for row in result.findings
        if (match := _SCHEDULE_KEY.match(row["object_key"]))
    }
    if not keys:
        return {}
    arguments = {"tenant": tenant, "obligation_ids": list(set(keys.values()))}
    called = {
        row["obligation_id"]: f"{row['client_name']}: {row['contract_line_name']}"
        for row in surface.select(connection, "schedule_names", arguments)
    }
    return {key: called[line] for key, line in keys.items() if line in called}


class _Waivers:
    """The waivers in force for a tenant; of checks of the database those of the database."""

    def __init__(self, connection: Connection, tenant: UUID | None, as_of: date) -> None:
        self._open: list[Row] = []
        self._used: list[Row] = []
        for whose in dict.fromkeys((tenant, None)):
            arguments = {"tenant": whose, "as_of": as_of}
            for row in surface.select(connection, "ops.waivers", arguments):
                if row["state"] == "open":
                    self._open.append(row)

    def of(self, finding: Row) -> Row | None:
        """Return the waiver that lets a finding pass; the one that names its object first."""
        for waiver in reversed(self._open):
            if waiver["check_name"] == finding["check_name"] and waiver["object_key"] in (
                finding["object_key"],
                None,
            ):
                self._used.append(waiver)
                return waiver
        return None

    def unused(self, results: Sequence[Result]) -> list[Row]:
        """Return those of checks that have looked, and that let nothing pass."""
        looked = {result.check.name for result in results if result.outcome != Outcome.SKIPPED}
        return [
            waiver
            for waiver in self._open
            if waiver["check_name"] in looked and waiver not in self._used
        ]


def _results(
    connection: Connection,
    made: Sequence[Check],
    tenant: UUID | None,
    as_of: date,
    wanted: Wanted,
    waivers: _Waivers,
) -> Iterator[Result]:
    for check in made:
        if check.name in wanted.skipped:
            yield Result(check, Outcome.SKIPPED)
            continue
        begun = time.perf_counter()
        error, seen = None, []
        try:
            with connection.transaction():
                rows = filter(wanted.sees, find(connection, check, tenant, as_of))
                seen = [{**row, "waived": waivers.of(row)} for row in rows]
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
    return refused or error.sqlstate in _OF_THE_CALL


def _outcome(findings: Sequence[Row], wanted: Wanted) -> Outcome:
    live = [row for row in findings if row["waived"] is None]
    if any(map(wanted.fails, live)):
        return Outcome.FAILED
    if live:
        return Outcome.WARNED
    return Outcome.WAIVED if findings else Outcome.OK
