"""What became of a plan: where it says something else now, schedule by schedule and row by row."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from duecourse import changes, plan_units
from duecourse.operations import Operation
from duecourse.plan_units import Unit

Entry = dict[str, Any]

#: What is said of a whole schedule.
_REASONS = "escalation_reasons"


@dataclass(frozen=True)
class Row:
    """The days, or the month, of rows that were planned in another way, both ways."""

    when: str
    plan: Sequence[Entry]
    now: Sequence[Entry]


@dataclass(frozen=True)
class Difference:
    """A schedule, or an account, whose plan is another; None: it had, or has, no rows."""

    plan: Unit | None
    now: Unit | None
    rows: Sequence[Row]

    @property
    def unit(self) -> Unit:
        """What both are of."""
        return self.now or self.plan or {}


def differences(
    chosen: Operation, saved: Iterable[Unit], current: Iterable[Unit]
) -> Iterator[Difference]:
    """Yield what differs: first where there are rows now, then where there are none any more."""
    before = {plan_units.key_of(chosen, unit): unit for unit in saved}
    for now in current:
        plan = before.pop(plan_units.key_of(chosen, now), None)
        rows = _rows(chosen, plan, now)
        if rows or reasons(plan) != reasons(now):
            yield Difference(plan, now, rows)
    for plan in before.values():
        rows = _rows(chosen, plan, None)
        if rows or reasons(plan):
            yield Difference(plan, None, rows)


def reasons(unit: Unit | None) -> Sequence[str]:
    """Return why a schedule is left for people."""
    return tuple((unit or {}).get(_REASONS, ()))


def _rows(chosen: Operation, plan: Unit | None, now: Unit | None) -> list[Row]:
    one, other = _entries(chosen, plan), _entries(chosen, now)
    return [
        Row(when, one.get(when, []), other.get(when, []))
        for when in sorted(one.keys() | other.keys())
        if one.get(when) != other.get(when)
    ]


def _entries(chosen: Operation, unit: Unit | None) -> dict[str, list[Entry]]:
    """Return what a plan hash covers of the rows of a unit, by their days."""
    found: dict[str, list[Entry]] = {}
    if unit is None:
        return found
    for action, rows in unit["kept"].items():
        for when, *values in rows:
            entry = dict(zip(chosen.kept_by, values, strict=True))
            found.setdefault(when, []).append({"action": action, **entry})
    for row in unit["changes"]:
        whole = {**unit, **row}
        names = (name for name in (*chosen.hashed, *chosen.shared) if name != _REASONS)
        entry = {name: _plain(whole[name]) for name in names if name in whole}
        found.setdefault(row[chosen.when], []).append(entry)
    for entries in found.values():
        entries.sort(key=str)
    return found


def _plain(value: object) -> object:
    return value if isinstance(value, int | list) else str(value)


def side(chosen: Operation, difference: Difference, *, planned: bool) -> str:
    """Return what a plan says of the rows in which the two differ, such as ``+ 8 periods``."""
    rows = [row.plan if planned else row.now for row in difference.rows]
    found = Counter(chosen.actions[entry["action"]] for entries in rows for entry in entries)
    noun = chosen.when.rpartition("_")[2]
    parts = [
        f"+ {changes.counted(count, noun)}" if mark == "+" else f"{mark} {count:,} {word}"
        for (mark, word), count in sorted(found.items())
    ]
    parts += [f"! {reason}" for reason in reasons(difference.plan if planned else difference.now)]
    return ", ".join(parts)


def told(chosen: Operation, row: Row) -> dict[str, str]:
    """Return in words what a plan said of the rows of some days, and what it says now."""
    one, other = (
        ", ".join(" ".join(chosen.actions[entry["action"]]) for entry in entries) or "nothing"
        for entries in (row.plan, row.now)
    )
    if one != other:
        return {"plan": one, "now": other}
    names = {name: None for entry in (*row.plan, *row.now) for name in entry}
    for name in names:
        values = [[entry.get(name) for entry in entries] for entries in (row.plan, row.now)]
        if values[0] != values[1]:
            one += f", {name} {_told(values[0])}"
            other += f", {name} {_told(values[1])}"
    return {"plan": one, "now": other}


def _told(values: Iterable[object]) -> str:
    # Of the key of a schedule its end tells how it is billed, and when.
    return " and ".join(
        "none" if value is None else ":".join(str(value).split(":")[-2:]) for value in values
    )
