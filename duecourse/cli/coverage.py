"""``duecourse coverage``."""

from collections.abc import Iterator
from typing import Any

import click

from duecourse import output, surface
from duecourse.cli import _schedules
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = (*_schedules.COLUMNS, "reaches", "horizon", "state", "issues")


@click.command()
@scope(bounds=True)
@options()
@pass_session
def coverage(session: Session, /, **arguments: Any) -> None:
    """Show how far ahead each schedule reaches, and its gaps and overlaps; reads only.

    A schedule is "short" when it does not reach the target horizon, and one to "replenish" when
    it does not even reach the threshold. JSON also holds clients, keys and both ends of an issue.
    """
    with session.books(arguments) as connection, surface.snapshot(connection, arguments["tenant"]):
        rows = surface.select(connection, "assess_coverage", arguments)
        output.show_rows(session.format, _COLUMNS, rows, _cells)


def _cells(row: surface.Row) -> Iterator[object]:
    yield from _schedules.schedule(row)
    yield row["furthest_generated_end"]
    yield row["target_horizon_end"]
    if row["needs_replenishment"]:
        yield "replenish"
    else:
        yield "ok" if row["meets_target_horizon"] else "short"
    yield list(_issues(row["continuity_issues"] or []))


def _issues(issues: list[surface.Row]) -> Iterator[str]:
    """Yield a few words a kind of issue: how many there are, and on which day the first."""
    for kind in ("gap", "overlap"):
        days = [min(i["previous_end"], i["next_start"]) for i in issues if i["kind"] == kind]
        if days[1:]:
            yield f"{len(days)} {kind}s from {min(days)}"
        elif days:
            yield f"{kind} at {days[0]}"
