"""A plan as people read it and as it is saved: schedule by schedule, what changes and what stays.

Only rows that change are told whole; of those that stay, in which days and which revision.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby, islice
from typing import Any

from duecourse import surface
from duecourse.database import Connection
from duecourse.operations import Operation

Unit = dict[str, Any]

_NAMED_AT_ONCE = 500
#: What stands against a row.
_KINDS = ("conflict_kind", "quarantine_reason", "problem")
_REASONS = "escalation_reasons"
#: Columns that are two: where it starts, and where it ends.
_RANGES = ("service_period", "invoice_window", "activity_window")


def read(
    connection: Connection, chosen: Operation, arguments: surface.Arguments, summary: surface.Row
) -> Iterator[Unit]:
    """Yield the units of the plan as it is now, with their names; inside a `surface.snapshot`."""
    columns = [*chosen.key, *chosen.shared]
    for name in (chosen.when, *chosen.hashed, *chosen.beside):
        columns += [f"{name}_start", f"{name}_end"] if name in _RANGES else [name]
    given = {**arguments, **chosen.fixed}
    rows = surface.select(connection, chosen.rows, given, tuple(dict.fromkeys(columns)))
    seen = set()
    for unit in _named(connection, chosen, arguments["tenant"], _units(chosen, rows)):
        if _REASONS in unit:
            seen.add(unit["obligation_id"])
        yield unit
    if _REASONS in chosen.shared and len(seen) < summary["schedules_escalated"]:
        bare = _without_rows(connection, arguments, seen)
        yield from _named(connection, chosen, arguments["tenant"], bare)


def _without_rows(
    connection: Connection, arguments: surface.Arguments, seen: set[object]
) -> Iterator[Unit]:
    """Yield the schedules that are left for people and have no rows, which no plan lists."""
    names = ("tenant", "as_of", "target_horizon_days", "max_periods_per_schedule")
    given = {name: arguments[name] for name in names}
    columns = ("obligation_id", "client_id", "schedule_key", "reason")
    wanted = {name: arguments[name] for name in ("client_id", "schedule_key") if arguments[name]}
    rows = (
        row
        for row in surface.select(connection, "escalations", given, columns)
        if row["obligation_id"] not in seen
        and all(str(row[name]) == str(value) for name, value in wanted.items())
    )
    for _, group in groupby(rows, lambda row: row["obligation_id"]):
        first, *others = group
        reasons = [row.pop("reason") for row in (first, *others)]
        yield {**first, _REASONS: reasons, "changes": [], "kept": {}}


def _units(chosen: Operation, rows: Iterable[surface.Row]) -> Iterator[Unit]:
    for _, group in groupby(rows, lambda row: [row[name] for name in chosen.key]):
        unit: Unit = {}
        changes: list[surface.Row] = []
        kept: dict[str, list[list[object]]] = {}
        for row in group:
            if not unit:
                unit = {
                    n: row[n] for n in (*chosen.key, *chosen.shared) if row[n] not in (None, [])
                }
            if stays(chosen, row):
                told = [_value(row, name) for name in (chosen.when, *chosen.kept_by)]
                kept.setdefault(row["action"], []).append(told)
            else:
                changes.append(_slim(chosen, unit, row))
        yield {**unit, "changes": changes, "kept": kept}


def stays(chosen: Operation, row: surface.Row) -> bool:
    """Return whether a row is left as it is, also when what is escalated would be accepted."""
    return row["action"] in chosen.quiet or (
        row["action"] == "escalate" and row["proposed_action"] in chosen.quiet
    )


def _slim(chosen: Operation, unit: Unit, row: surface.Row) -> surface.Row:
    """Return what there is to tell of a row that changes."""
    names = (chosen.when, *chosen.hashed, *chosen.beside)
    told = {name: _value(row, name) for name in names}
    if told.get("proposed_action") == row["action"]:
        del told["proposed_action"]
    told |= {name: row[name] for name in chosen.shared if row[name] != unit.get(name, row[name])}
    return _filled(told)


def _filled(row: surface.Row) -> surface.Row:
    return {name: value for name, value in row.items() if value not in (None, [])}


def _value(row: surface.Row, name: str) -> object:
    if name not in _RANGES:
        return row[name]
    start, end = row[f"{name}_start"], row[f"{name}_end"]
    return None if start is None else f"{start}/{end}"


def _named(
    connection: Connection, chosen: Operation, tenant: object, units: Iterator[Unit]
) -> Iterator[Unit]:
    while some := list(islice(units, _NAMED_AT_ONCE)):
        found = standing(connection, chosen, tenant, some)
        for unit in some:
            yield {"name": found[key_of(chosen, unit)]["name"], **unit}


def standing(
    connection: Connection, chosen: Operation, tenant: object, units: Iterable[Unit]
) -> dict[tuple[str, ...], surface.Row]:
    """Return by their keys how units are called, and why they are owed nothing, if they are not."""
    keys = [key_of(chosen, unit) for unit in units]
    if chosen.key != ("obligation_id",):
        return {key: {"name": ", ".join(key), "reason": None} for key in keys}
    given = {"tenant": tenant, "obligation_ids": [key[0] for key in keys]}
    found = {key: {"name": key[0], "reason": "no such line"} for key in keys}
    for row in surface.select(connection, "schedule_names", given):
        names = (row["client_name"], row["contract_line_name"])
        name = ": ".join(filter(None, names))
        found[(str(row["obligation_id"]),)] = {"name": name, "reason": row["reason"]}
    return found


def key_of(chosen: Operation, unit: Mapping[str, Any]) -> tuple[str, ...]:
    """Return what tells a unit from others."""
    return tuple(str(unit[name]) for name in chosen.key)


def marks(chosen: Operation, unit: Unit) -> str:
    """Return how many rows of each mark change, such as ``~ 2 - 2``."""
    found = Counter(chosen.actions[row["action"]][0] for row in unit["changes"])
    if reasons(unit):
        found["!"] = found["!"] or sum(map(len, unit["kept"].values()))
    told = [f"{mark} {found[mark]:,}" for mark in "+~-!" if found[mark]]
    return "  ".join(told) or ("!" if reasons(unit) else "")


def reasons(unit: Unit) -> list[str]:
    """Return why a unit is left for people, or what stands against each other in it."""
    found = [*unit.get(_REASONS, ())]
    for row in () if found else unit["changes"]:
        kinds = [
            row.get("conflict_kind"),
            row.get("quarantine_reason"),
            row.get("problem"),
            *row.get("warnings", ()),
        ]
        found += filter(None, kinds)
    return list(dict.fromkeys(found))


def shown(when: object) -> str:
    """Return the days, or the month, of a row as people write them."""
    return str(when).replace("/", " to ")
