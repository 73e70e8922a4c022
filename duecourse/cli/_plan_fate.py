"""What became of a saved plan that is run: applied already, or stale, and in what."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import click
from psycopg.errors import InsufficientPrivilege

from duecourse import changes, output, plan_difference, plan_units, surface
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.operations import OPERATIONS, Operation
from duecourse.plan_difference import Difference

_SHOWN_ROWS = 12
_WIDTH = 80


def applied(
    connection: Connection, chosen: Operation, arguments: Mapping[str, Any]
) -> surface.Row | None:
    """Return the run that has done what a plan says, or has begun to; None: there is none."""
    run = {"tenant": arguments["tenant"], "procedure_name": chosen.procedure.rpartition(".")[2]}
    with surface.snapshot(connection):
        found = [
            record
            for record in surface.select(connection, "ops.run_records", run)
            if record["plan_hash"] == arguments["expected_plan_hash"]
            and record["status"] != "stale_plan"
        ]
    if not found:
        return None
    latest: surface.Row = found[-1]
    if latest["status"] == "running":
        raise DuecourseError(
            f"this plan is being applied by {latest['role_name']} as run {latest['run_key']}",
            "wait for it",
            exit_status=ExitStatus.LOCK_BUSY,
        )
    if latest["finished_at"] is not None:
        summary = surface.summary(connection, chosen, arguments)
        # What was undone meanwhile is planned as before, and can be done again.
        if summary is None or summary["plan_hash"] == arguments["expected_plan_hash"]:
            return None
    return latest


def stale(
    connection: Connection, operation: str, arguments: Mapping[str, Any], saved: Mapping[str, Any]
) -> dict[str, Any] | None:
    """Return how a saved plan differs from what would be planned now, in one snapshot."""
    chosen = OPERATIONS[operation]
    planned = {name: arguments[name] for name in chosen.planned}
    with suppress(InsufficientPrivilege), surface.snapshot(connection, arguments["tenant"]):
        [summary] = surface.select(connection, chosen.summary, {**planned, **chosen.fixed})
        now = plan_units.read(connection, chosen, planned, summary)
        found = list(plan_difference.differences(chosen, saved["rows"], now))
        units = [each.unit for each in found]
        why = plan_units.standing(connection, chosen, arguments["tenant"], units)
        return {
            "made_at": saved["made_at"],
            "plan_hash": saved["plan_hash"],
            "plan_hash_now": summary["plan_hash"],
            "differences": [
                _told(chosen, each, why[plan_units.key_of(chosen, each.unit)]["reason"])
                for each in found
            ],
        }
    return None


def _told(chosen: Operation, each: Difference, reason: str | None) -> dict[str, Any]:
    now = plan_difference.side(chosen, each, planned=False)
    if reason is not None and not plan_difference.reasons(each.now):
        now = ", ".join(filter(None, (f"not an obligation ({reason})", now)))
    return {
        "name": (each.plan or each.unit)["name"],
        **{name: each.unit[name] for name in chosen.key},
        "plan": plan_difference.side(chosen, each, planned=True) or "nothing",
        "now": now or "nothing",
        "rows": [{"when": row.when} | plan_difference.told(chosen, row) for row in each.rows],
    }


def show(chosen: Operation, found: Mapping[str, Any]) -> None:
    """Print how a saved plan differs."""
    units = found["differences"]
    made = _day(at := datetime.fromisoformat(found["made_at"])) + f"{at:%H:%M}"
    hashes = f"hash {found['plan_hash'][:8]}… is now {found['plan_hash_now'][:8]}…"
    click.echo(
        f"stale: {changes.counted(len(units), chosen.unit)} changed since the plan of {made}"
        f" ({hashes})"
    )
    for unit in units[: output.SHOWN_ROWS]:
        _show_line(f"  {unit['name']}", unit)
        # What is all new, or all gone, needs no rows.
        if "nothing" in (unit["plan"], unit["now"]) or unit["now"].startswith("not an obligation"):
            continue
        for row in unit["rows"][:_SHOWN_ROWS]:
            _show_line(f"    {plan_units.shown(row['when'])}", row)
        _show_more("    ", unit["rows"][_SHOWN_ROWS:])
    _show_more("", units[output.SHOWN_ROWS :])


def _show_more(indent: str, left: Sequence[object]) -> None:
    if left:
        click.echo(f"{indent}and {len(left):,} more; all of them: --format json")


def _show_line(head: str, line: Mapping[str, str]) -> None:
    """Print what a plan said and what it says now, beside their name or under it."""
    sides = f"plan: {line['plan']:<20}  now: {line['now']}"
    whole = f"{head:<28} {sides}"
    if len(whole) > _WIDTH:
        indent = " " * (len(head) - len(head.lstrip()) + 4)
        whole = f"{head}\n{indent}{sides}"
    click.echo(output.visible(whole))


def moment(at: datetime) -> str:
    """Return a moment: of today the time alone."""
    at = at.astimezone(UTC)
    return f"{_day(at)}{at:%H:%M:%S} UTC"


def _day(at: datetime) -> str:
    return "" if at.date() == datetime.now(UTC).date() else f"{at:%Y-%m-%d} "
