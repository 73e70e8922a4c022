"""A saved plan as a page of HTML, for a ticket."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from duecourse import changes, pages, plan_units
from duecourse.cli._plan_view import cells_of, flat
from duecourse.operations import OPERATIONS, Operation
from duecourse.pages import timeline
from duecourse.pages.timeline import Timeline
from duecourse.plan_units import Unit

_OF_ACTION = {"backfill": "made", "regenerate": "new", "supersede": "old"}
#: The columns that a schedule's rows do not repeat.
_OF_UNIT = ("name",)


def lines(head: Mapping[str, Any], units: Sequence[Unit]) -> Iterator[str]:
    """Yield the text of the page piece by piece."""
    chosen, summary = OPERATIONS[head["operation"]], head["summary"]
    arguments = head["arguments"]
    touched = [unit for unit in units if unit["changes"] or plan_units.reasons(unit)]
    touched.sort(key=lambda unit: str(unit["name"]))
    told = {name: value for name, value in arguments.items() if value is not None}
    values: dict[str, Any] = {
        "version": head["duecourse"],
        "made_at": datetime.fromisoformat(head["made_at"]),
        "tenant": head["tenant_name"],
        "operation": head["operation"],
        "as_of": arguments.get("as_of"),
        "about": [
            *((name.replace("_", " "), value) for name, value in told.items()),
            ("plan hash", head["plan_hash"]),
        ],
        "reach": changes.reach(chosen, summary),
        "marks": changes.marks(chosen, summary),
        "totals": [(what, number) for _, number, what in changes.lines(chosen, summary)],
        "breakdowns": [
            (titles, sorted(summary[name].items()))
            for name, titles in chosen.breakdowns.items()
            if summary[name]
        ],
        "axis": None,
        "units": [],
        "rows": [],
    }
    if chosen.when == "service_period":
        values |= _schedules(chosen, touched, date.fromisoformat(arguments["as_of"]))
    else:
        cells = cells_of(chosen)
        values |= {
            "columns": tuple(chosen.columns),
            "rows": [list(map(_text, cells(row))) for row in flat(chosen, touched)],
        }
    return pages.lines("plan", **values)


def _schedules(chosen: Operation, units: Sequence[Unit], today: date) -> dict[str, Any]:
    """Return schedules with their timelines."""
    places = [place for place, name in enumerate(chosen.columns.values()) if name not in _OF_UNIT]
    cells = cells_of(chosen)
    shown = []
    for unit in units:
        rows = [list(map(_text, cells(row))) for row in flat(chosen, [unit])]
        shown.append(
            {
                "name": unit["name"],
                "reasons": plan_units.reasons(unit),
                "timeline": _drawn(unit),
                "rows": [[row[place] for place in places] for row in rows],
            }
        )
    titles = list(chosen.columns)
    return {
        "axis": timeline.axis((each["timeline"] for each in shown), today),
        "units": shown,
        "columns": [titles[place] or "what" for place in places],
    }


def _drawn(unit: Unit) -> Timeline:
    drawn = Timeline()
    for action, rows in unit["kept"].items():
        for when, *_ in rows:
            drawn.add("stays", *_days(when))
            if action == "escalate":
                drawn.add("people", *_days(when))
    for row in unit["changes"]:
        days = _days(row["service_period"])
        if row["action"] == "escalate":
            drawn.add("stays", *days)
            drawn.add("people", *days)
        elif row["action"] in _OF_ACTION:
            drawn.add(_OF_ACTION[row["action"]], *days)
    return drawn


def _days(when: str) -> tuple[date, date]:
    start, end = map(date.fromisoformat, when.split("/"))
    return start, end


def _text(value: object) -> object:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
