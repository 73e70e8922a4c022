"""What a run was allowed to do: a saved plan, bounds, or a yes typed in a terminal."""

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import click

from duecourse import changes, output, plan_file, surface, tenants
from duecourse.cli._rehearsal import Planned, rehearse
from duecourse.cli._scope import integer, is_given, option_of
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.operations import OPERATIONS, Operation

_Function = TypeVar("_Function", bound=Callable[..., Any])


def _bound(text: str) -> int:
    number = integer(text)
    if number < 0:
        raise click.BadParameter(f"{text!r} is less than nothing.")
    return number


def _cents(text: str) -> int:
    if not text.isascii() or not text.isdigit():
        raise click.BadParameter(f"{text!r} is no number of cents.")
    return int(text)


def _share(text: str) -> Decimal:
    try:
        share = Decimal(text.removesuffix("%"))
    except InvalidOperation:
        share = Decimal("NaN")
    if not (share.is_finite() and 0 <= share <= 100):
        raise click.BadParameter(f"{text!r} is no share from 0 to 100 percent.")
    return share


_OPTIONS = (
    click.option("--yes", is_flag=True, help="Do not ask in a terminal."),
    click.option(
        "--max-rows", metavar="N", type=_bound, help="Refuse (6) to write more rows than that."
    ),
    click.option(
        "--max-share",
        metavar="PERCENT",
        type=_share,
        help="Refuse (6) to write more than that share of the live rows that it looks at.",
    ),
    click.option(
        "--max-cents",
        metavar="N",
        type=_cents,
        help="Of charges and rent: refuse (6) to charge more than that.",
    ),
)


@dataclass(frozen=True)
class Bounds:
    """How much a run may do, and whether somebody is asked."""

    yes: bool
    max_rows: int | None
    max_share: Decimal | None
    max_cents: int | None

    @property
    def are_given(self) -> bool:
        """Whether there is any."""
        return (self.max_rows, self.max_share, self.max_cents) != (None, None, None)


def consent_options(function: _Function) -> _Function:
    """Add the bounds, and ``--yes``."""
    for add in reversed(_OPTIONS):
        function = add(function)
    return function


def bounds_of(ctx: click.Context, operation: str, arguments: dict[str, Any]) -> Bounds:
    """Take the bounds out of the arguments."""
    names = ("yes", "max_rows", "max_share", "max_cents")
    bounds = Bounds(**{name: arguments.pop(name) for name in names})
    chosen = OPERATIONS[operation]
    for option, given, meant in (
        ("--max-share", bounds.max_share, chosen.live),
        ("--max-cents", bounds.max_cents, chosen.cents),
    ):
        if given is not None and not meant:
            raise click.UsageError(f"{option} means nothing to {operation}", ctx)
    return bounds


def read_plan(ctx: click.Context, file: Path, operation: str) -> dict[str, Any]:
    """Return a saved plan; options may not contradict what it was made with."""
    for name in (*OPERATIONS[operation].planned, "expected_plan_hash"):
        if is_given(ctx, name):
            raise click.UsageError(f"{option_of(ctx, name)} comes from the plan; leave it out", ctx)
    return plan_file.load(file, operation)


def agreed(
    connection: Connection,
    operation: str,
    arguments: dict[str, Any],
    bounds: Bounds,
    begun: Mapping[UUID, surface.Row],
) -> dict[str, Any]:
    """Return the arguments, pinned to the plans that keep the bounds and that got a yes.

    ``begun``: what the run has done already, by tenant; that was agreed to before.
    """
    chosen = OPERATIONS[operation]
    tenant, given = arguments["tenant"], arguments["expected_plan_hash"]
    hashes = {each: run["plan_hash"] for each, run in begun.items()}
    asks = not (bounds.yes or given or arguments["dry_run"]) and sys.stdin.isatty()
    if asks or bounds.are_given or (tenant is None and any(hashes.values())):
        whole = {**arguments, "expected_plan_hash": None, "run_key": None}
        _, plans = rehearse(connection, chosen, whole)
        hashes = {plan.tenant: plan.plan_hash for plan in plans} | hashes
        ended = {each for each, run in begun.items() if run["finished_at"] is not None}
        ahead = [plan for plan in plans if plan.tenant not in ended]
        if bounds.are_given:
            _assert_bounds(chosen, ahead, bounds)
            _assert_pinned([run for each, run in begun.items() if each not in ended])
        new = [plan for plan in ahead if plan.tenant not in begun]
        if asks and any(changes.rows(chosen, plan.counts) for plan in new):
            _ask(connection, chosen, arguments, new)
    if tenant is None:
        pinned = output.to_json({str(each): hashes[each] for each in hashes}) if hashes else None
    else:
        pinned = given or hashes.get(tenant)
    return arguments | {"expected_plan_hash": pinned}


def _assert_pinned(runs: Iterable[surface.Row]) -> None:
    """Refuse bounds for what may write more than was looked at: a run that was begun without."""
    for run in runs:
        if run["plan_hash"] is None:
            raise DuecourseError(
                f"run {run['run_key']} was begun without bounds", "leave them out, or --run-key"
            )


def _assert_bounds(chosen: Operation, plans: list[Planned], bounds: Bounds) -> None:
    """Refuse what goes beyond a bound, before anything is written."""
    counts = changes.total([plan.counts for plan in plans])
    rows, live = changes.rows(chosen, counts), changes.live_rows(chosen, counts)
    cents = counts.get(chosen.cents or "", 0)
    told = f"{changes.counted(rows, 'row')} would be written"
    beyond = ""
    if bounds.max_rows is not None and rows > bounds.max_rows:
        beyond = f"{told}, more than --max-rows {bounds.max_rows:,}"
    elif bounds.max_share is not None and rows * 100 > bounds.max_share * live:
        share = f"{rows * 100 / live:.1f} % of {live:,} live ones" if live else "to no live one"
        beyond = f"{told}, {share}, more than --max-share {bounds.max_share}"
    elif bounds.max_cents is not None and cents > bounds.max_cents:
        beyond = f"{cents:,} cents would be charged, more than --max-cents {bounds.max_cents:,}"
    if beyond:
        raise DuecourseError(
            beyond,
            "nothing was written; review the plan, then allow more",
            exit_status=ExitStatus.REFUSED,
        )


def _ask(
    connection: Connection,
    chosen: Operation,
    arguments: Mapping[str, Any],
    plans: list[Planned],
) -> None:
    """Show what changes, a line a tenant, and ask."""
    with surface.snapshot(connection):
        names = tenants.names(connection, [plan.tenant for plan in plans])
    info = connection.info
    day = f", as of {arguments['as_of']}" if "as_of" in arguments else ""
    for plan in plans:
        told = f"{names[plan.tenant]}{day}, {info.dbname} on {info.host}:  "
        click.echo(output.visible(told) + changes.marks(chosen, plan.counts), err=True)
    counts = changes.total([plan.counts for plan in plans])
    money = f", {counts[chosen.cents]:,} cents" if chosen.cents else ""
    number = changes.counted(changes.rows(chosen, counts), "row")
    try:
        is_agreed = click.confirm(
            f"{changes.reach(chosen, counts)}. Write {number}{money}?", prompt_suffix=" ", err=True
        )
    except click.Abort:
        is_agreed = False
    if not is_agreed:
        raise DuecourseError("not agreed to; nothing was written")
