"""A plan on the screen: what it comes to, then a row a schedule, or each row that changes."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import click

from duecourse import changes, output, plan_units
from duecourse.operations import OPERATIONS, Operation
from duecourse.plan_units import Unit


def show(head: Mapping[str, Any], units: Iterable[Unit], *, rows: bool) -> None:
    """Print a plan, made now or saved."""
    operation, summary = head["operation"], head["summary"]
    chosen = OPERATIONS[operation]
    told = changes.written(chosen, summary, "to write")
    if left := changes.for_people(chosen, summary):
        told += f"; {left:,} for people"
    click.echo(told)
    day = head["arguments"].get("as_of")
    as_of = f", as of {day}" if day else ""
    click.echo(
        output.visible(f"{operation} of {head['tenant_name']}{as_of}: ")
        + changes.reach(chosen, summary)
    )
    for mark, number, what in changes.lines(chosen, summary):
        click.echo(f"{mark} {number:>7,}  {what}")
    fields = {name: value for name, value in summary.items() if name.endswith("_cents")}
    output.show_fields({**fields, "plan_hash": head["plan_hash"]})
    for name, titles in chosen.breakdowns.items():
        if counts := summary[name]:
            output.show_table(titles, sorted(counts.items()))
    if rows:
        output.show_rows("table", tuple(chosen.columns), flat(chosen, units), cells_of(chosen))
        return
    touched = [unit for unit in units if unit["changes"] or plan_units.reasons(unit)]
    if touched:
        touched.sort(key=lambda unit: str(unit["name"]))
        output.show_rows(
            "table",
            (chosen.unit, "rows", "because of"),
            iter(touched),
            lambda unit: _line(chosen, unit),
        )


def _line(chosen: Operation, unit: Unit) -> Iterator[object]:
    yield unit["name"]
    yield plan_units.marks(chosen, unit)
    yield plan_units.reasons(unit)


def flat(chosen: Operation, units: Iterable[Unit]) -> Iterator[dict[str, Any]]:
    """Yield the rows that change, each with what it shares with others of its unit."""
    for unit in units:
        for row in unit["changes"]:
            yield {**unit, **row, "mark": chosen.actions[row["action"]][0]}


def cells_of(chosen: Operation) -> Callable[[dict[str, Any]], Iterator[object]]:
    """Return what makes the cells of a row: a column's first value that is there."""

    def cells(row: dict[str, Any]) -> Iterator[object]:
        for names in chosen.columns.values():
            values = (row.get(name) for name in names.split())
            yield next((value for value in values if value not in (None, [])), None)

    return cells
