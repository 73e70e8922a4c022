"""What a report tells of a tenant's books: read in one state of the database."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import groupby
from typing import Any
from uuid import UUID

from duecourse import changes, surface, windows
from duecourse.cli import _schedules
from duecourse.database import Connection
from duecourse.operations import OPERATIONS
from duecourse.pages import timeline
from duecourse.pages.timeline import Timeline

#: The plan that is drawn: it makes what is missing, and replaces what is stale.
MODE = "regenerate"

_COLUMNS = (
    "obligation_id",
    "record_id",
    "action",
    "lifecycle_state",
    "conflict_kind",
    "service_period_start",
    "service_period_end",
    "invoice_window_start",
    "invoice_window_end",
)
_TITLES = ("what", "service period", "invoice window", "because of")
_OF_ACTION = {"backfill": "made", "regenerate": "new", "supersede": "old"}
_OF_STATE = {"billed": "billed", "generated": "generated"}


@dataclass
class Schedule:
    """A schedule: its names, what lies when, what changes, and why it is left for people."""

    client: str = ""
    line: str = ""
    timeline: Timeline = field(default_factory=Timeline)
    reasons: dict[str, str] = field(default_factory=dict)
    reaches: date | None = None
    #: Of each row that changes: what becomes of it, its period and window, and its conflict.
    changes: list[tuple[str, str, str, str]] = field(default_factory=list)

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Return the columns of the rows that change, and these; without what says nothing."""
        places = [0, 1]
        if any(window != period for _, period, window, _ in self.changes):
            places.append(2)
        if any(because for *_, because in self.changes):
            places.append(3)
        rows = [tuple(row[place] for place in places) for row in self.changes]
        return tuple(_TITLES[place] for place in places), rows

    @property
    def is_broken(self) -> bool:
        """Whether there is something for people to look at."""
        return bool(self.reasons) or bool(self.timeline.count("gap", "overlap"))


@dataclass
class Books:
    """The schedules of a tenant by client, and what they come to."""

    schedules: list[Schedule]
    #: How many periods are due that no row of the ledger serves.
    unserved: int

    def clients(self) -> Iterator[tuple[str, list[Schedule]]]:
        """Yield clients with their schedules, by name."""
        for name, group in groupby(self.schedules, lambda each: each.client):
            yield name, list(group)

    def count(self, *kinds: str) -> int:
        """Return how many periods there are of some kinds."""
        return sum(each.timeline.count(*kinds) for each in self.schedules)


def read(connection: Connection, arguments: surface.Arguments) -> Books:
    """Return the books of a tenant; inside a snapshot."""
    found: dict[UUID, Schedule] = {}
    tenant = arguments["tenant"]
    coverage = surface.select(connection, "assess_coverage", arguments)
    for row in _schedules.named(connection, tenant, coverage):
        schedule = found.setdefault(row["obligation_id"], _schedule(row))
        schedule.reaches = row["furthest_generated_end"]
        timeline.issues(row["continuity_issues"] or (), schedule.timeline)
    due, unserved = _due(connection, arguments)
    planned = surface.select(
        connection, OPERATIONS[MODE].rows, {**arguments, "mode": MODE}, _COLUMNS
    )
    for row in _schedules.named(connection, tenant, planned):
        schedule = found.setdefault(row["obligation_id"], _schedule(row))
        _add(schedule, row, is_due=row["record_id"] in due)
    left = surface.select(connection, "escalations", arguments)
    for row in _schedules.named(connection, tenant, left):
        schedule = found.setdefault(row["obligation_id"], _schedule(row))
        schedule.reasons[row["reason"]] = row["detail"]
    schedules = sorted(found.values(), key=lambda each: (each.client, each.line))
    return Books(schedules, unserved)


def _schedule(row: surface.Row) -> Schedule:
    """Return a schedule by name; one whose line is gone is no client's."""
    if row["contract_line_name"] is None:
        return Schedule("", _schedules.line(row))
    return Schedule(row["client_name"] or "", row["contract_line_name"])


def _due(connection: Connection, arguments: surface.Arguments) -> tuple[set[UUID], int]:
    """Return the rows of the ledger that are due, and how many periods are due without one."""
    due: set[UUID] = set()
    unserved = 0
    for row in surface.select(connection, "due_work", arguments, ("record_id", "due_state")):
        if row["due_state"] == "due":
            if row["record_id"] is None:
                unserved += 1
            else:
                due.add(row["record_id"])
    return due, unserved


def _add(schedule: Schedule, row: surface.Row, *, is_due: bool) -> None:
    """Add a row of the plan to its schedule."""
    action = row["action"]
    days = row["service_period_start"], row["service_period_end"]
    chosen = OPERATIONS[MODE]
    if action == "skip_historical":
        return
    if action != "conflict":
        kind = _OF_ACTION.get(action) or _OF_STATE.get(row["lifecycle_state"], "kept")
        schedule.timeline.add("due" if is_due and kind in ("generated", "kept") else kind, *days)
    if action == "escalate":
        schedule.timeline.add("people", *days)
    elif action not in chosen.quiet:
        window = (row["invoice_window_start"], row["invoice_window_end"])
        told = windows.text(*days), windows.text(*window)
        because = row["conflict_kind"] or ""
        schedule.changes.append((" ".join(chosen.actions[action]), *told, because))


def plans(connection: Connection, arguments: surface.Arguments) -> list[Any]:
    """Return what the plans come to, of the schedules and of the charge ledger, if it has some."""
    told = []
    for name in (MODE, "charges"):
        chosen = OPERATIONS[name]
        given = {key: arguments[key] for key in chosen.planned if key in arguments}
        [summary] = surface.select(connection, chosen.summary, {**given, **chosen.fixed})
        if summary[chosen.changing[2]]:
            told.append(
                {
                    "name": name,
                    "reach": changes.reach(chosen, summary),
                    "marks": changes.marks(chosen, summary),
                    "hash": summary["plan_hash"],
                    "breakdowns": [
                        (titles, sorted(summary[column].items()))
                        for column, titles in chosen.breakdowns.items()
                        if summary[column]
                    ],
                }
            )
    return told
