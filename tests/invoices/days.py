"""Which days of an obligation its live rows take, day by day (semantics §0 and 2.6)."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

from tests.invoices.cadences import Cadence, Span, of_client, of_contract

#: The days of a span as numbers.
Days = set[int]


@dataclass(frozen=True)
class Assignment:
    """Whom a contract bills from when to when; the end is exclusive."""

    key: str
    client: str
    start: date
    end: date | None
    is_active: bool

    def holds(self, day: date) -> bool:
        """Whether a day lies in it."""
        return self.start <= day and (self.end is None or day < self.end)

    def cut(self, days: Span) -> Days:
        """Return those days of a span that lie in it."""
        return numbers((max(days[0], self.start), min(days[1], self.end or days[1])))


@dataclass(frozen=True)
class Period:
    """A live row of the ledger."""

    key: str
    client: str
    state: str
    provenance: str
    service: Span
    window: Span
    activity: Span | None
    whole: Span | None
    charge: str | None

    @property
    def covered(self) -> Span:
        """What it bills."""
        return self.activity or self.service

    @property
    def is_billed(self) -> bool:
        """Whether it moves the billed boundary."""
        return self.state == "billed" or self.charge is not None


@dataclass(frozen=True)
class Detail:
    """A dated invoice detail that counts: neither reversed nor of a cancelled invoice alone."""

    invoice: str
    charge: str
    days: Span


@dataclass(frozen=True)
class Life:
    """One obligation with all that its days come from; live rows in row order."""

    key: str
    contract: str
    owner: str
    timing: str
    frequency: str
    clients: dict[str, tuple[str, dict[str, Any]]]
    assignments: list[Assignment]
    periods: list[Period]
    details: list[Detail]

    @property
    def spans(self) -> list[Assignment]:
        """The active assignments that have a day, in order."""
        active = (a for a in self.assignments if a.is_active and (not a.end or a.start < a.end))
        return sorted(active, key=lambda a: a.start)

    def cadence(self, assignment: Assignment) -> Cadence:
        """Return the cadence by which an assignment is billed."""
        if self.owner == "contract":
            return of_contract(self.frequency, assignment.start)
        return of_client(*self.clients[assignment.client])

    def taken(self) -> Counter[int]:
        """Count the live rows that take each day."""
        return Counter(day for row in self.periods for day in self.days(row))

    def days(self, row: Period) -> Days:
        """Return the days of a row: what it covers; its period once an operator decided on it."""
        if row.provenance != "user_edited" and row.state != "skipped":
            return numbers(row.covered)
        around = self.assignment(row.activity[0]) if row.activity else None
        within = around.cut(row.service) if around else numbers(row.service)
        return within | numbers(row.covered)

    def disputed(self) -> list[Detail]:
        """Return the details that no live row accounts for."""
        charges = {row.charge for row in self.periods}
        exact = {row.covered for row in self.periods}
        return [d for d in self.details if d.charge not in charges and d.days not in exact]

    def billed(self) -> Days:
        """Return the days that are billed, by rows or details."""
        rows = (self.days(row) for row in self.periods if row.is_billed)
        return union([*rows, *(numbers(detail.days) for detail in self.details)])

    def boundary(self) -> date | None:
        """Return the end of what is billed."""
        billed = [self.days(row) for row in self.periods if row.is_billed]
        ends = [date.fromordinal(max(days) + 1) for days in billed]
        return max([*ends, *(d.days[1] for d in self.disputed())], default=None)

    def generation_start(self) -> date | None:
        """Return the day from which the first span that is not behind the boundary generates."""
        fence = self.boundary() or date.min
        starts = (max(a.start, fence) for a in self.spans if not a.end or a.end > fence)
        return next(starts, None)

    def first(self) -> date | None:
        """Return the day before which nothing is known of it."""
        return min((row.service[0] for row in self.periods), default=None)

    def gap(self) -> Days:
        """Return the days behind the boundary that nothing takes, in any assignment."""
        first, fence = self.first(), self.boundary()
        if first is None or fence is None or fence <= first:
            return set()
        days = union(a.cut((first, fence)) for a in self.assignments)
        return days - self.taken().keys() - union(numbers(d.days) for d in self.details)

    def holes(self) -> Days:
        """Return the days of spans between its first and its last row that nothing takes."""
        taken = self.taken() or {1: 0}
        ends = date.fromordinal(min(taken)), date.fromordinal(max(taken))
        return union(a.cut(ends) for a in self.spans) - taken.keys()

    def wanted(self, as_of: date, target: int) -> Days:
        """Return the days of its spans, from its first row on and up to the horizon."""
        start = self.generation_start()
        first = self.first() or start
        horizon = max(as_of, start or as_of) + timedelta(target)
        return union(a.cut((first or horizon, horizon)) for a in self.spans)

    def is_ambiguous(self) -> bool:
        """Whether two of its spans share a day."""
        return any(not a.end or b.start < a.end for a, b in pairwise(self.spans))

    def assignment(self, day: date) -> Assignment | None:
        """Return the assignment in which a day lies."""
        return next((a for a in ranked(self.assignments) if a.holds(day)), None)


def numbers(days: Span) -> Days:
    """Return the days of a span."""
    return set(range(days[0].toordinal(), days[1].toordinal()))


def union(sets: Iterable[Days]) -> Days:
    """Return the days of any of some sets."""
    return {day for days in sets for day in days}


def ranked(assignments: list[Assignment]) -> list[Assignment]:
    """Return the active assignments before the inactive ones, then by start and id."""
    return sorted(assignments, key=lambda a: (not a.is_active, a.start, a.key))
