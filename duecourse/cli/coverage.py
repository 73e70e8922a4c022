"""``duecourse coverage``."""

from collections.abc import Iterator
from datetime import date
from typing import Any

import click

from duecourse import output, surface, windows
from duecourse.cli import _schedules
from duecourse.cli._scope import every_row, ids_too, scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = ("line", "reaches", "should", "what")


@click.command()
@scope(bounds=True)
@every_row("Show the schedules that are well, too.")
@ids_too
@options()
@pass_session
def coverage(session: Session, /, everything: bool, ids: bool, **arguments: Any) -> None:
    """Show which schedules stop short, have gaps or overlap; reads only.

    "reaches" is how far the periods go, "should" the target horizon. A schedule that does not even
    reach the threshold is replenished by the nightly run. JSON holds every schedule, with keys and
    all issues.

    \b
    duecourse coverage --tenant "Alder Row"
    duecourse coverage --tenant "Alder Row" --client Bramble --all
    """
    with session.reading(arguments) as connection:
        tenant = arguments["tenant"]
        rows = _schedules.named(
            connection, tenant, surface.select(connection, "assess_coverage", arguments)
        )
        if session.format == "json":
            output.show_rows("json", (), rows)
            return
        found = list(rows)
        broken = [row for row in found if _is_broken(row)]
        shown = [*broken, *(row for row in found if not _is_broken(row))] if everything else broken
        output.show_rows(
            "table",
            [*_COLUMNS, "schedule_key"] if ids else _COLUMNS,
            iter(shown),
            lambda row: [*_cells(row), row["schedule_key"]][: len(_COLUMNS) + ids],
            total=f"{len(broken):,} of {len(found):,} schedules stop short or are broken, as of"
            f" {arguments['as_of']}" + ("" if everything else " (all: --all)"),
        )


def _is_broken(row: surface.Row) -> bool:
    return bool(row["continuity_issues"] or not row["meets_target_horizon"])


def _cells(row: surface.Row) -> Iterator[object]:
    yield _schedules.line(row)
    yield row["furthest_generated_end"]
    yield row["target_horizon_end"]
    yield output.mark(", ".join(_faults(row)) or "ok")


def _faults(row: surface.Row) -> Iterator[str]:
    reaches, should = row["furthest_generated_end"], row["target_horizon_end"]
    if not row["meets_target_horizon"]:
        yield "no rows" if reaches is None else f"{(should - reaches).days} days short"
    for kind in ("gap", "overlap"):
        found = [i for i in row["continuity_issues"] or [] if i["kind"] == kind]
        days = sorted(
            sorted(map(date.fromisoformat, (i["previous_end"], i["next_start"]))) for i in found
        )
        if days[1:]:
            yield f"{len(days)} {kind}s from {days[0][0]}"
        elif days:
            yield f"{kind} {windows.text(*days[0])}"
