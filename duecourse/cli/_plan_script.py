"""``duecourse plan --format sql``: the plan as a psql script."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

import click

from duecourse import output, surface
from duecourse.cli._scope import is_given, option_of, plan_hash
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.operations import OPERATIONS, Operation

_Function = TypeVar("_Function", bound=Callable[..., Any])

_OPTIONS = {
    "source_schema": click.option(
        "--schema",
        "source_schema",
        metavar="NAME",
        help="Of --format sql: where the tables are (default: as adopted, else public).",
    ),
    "run_key": click.option(
        "--run-key", metavar="KEY", help="Of --format sql: recorded with the rows."
    ),
    "source_rule_version": click.option(
        "--source-rule-version", metavar="TEXT", help="Of --format sql: recorded with the rows."
    ),
    "accept_escalations": click.option(
        "--accept-escalations",
        metavar="HASH",
        type=plan_hash,
        help="Of --format sql: the plan of this hash was reviewed; also what it escalates.",
    ),
}


def script_options(function: _Function) -> _Function:
    """Add what only a script is told."""
    for add in reversed(_OPTIONS.values()):
        function = add(function)
    return function


def assert_offered(ctx: click.Context, operation: str, *, is_asked: bool) -> None:
    """Refuse the options of a script where none is asked for, or where they mean nothing to it."""
    for name in _OPTIONS:
        if not is_given(ctx, name):
            continue
        if not is_asked:
            raise click.UsageError(
                f"{option_of(ctx, name)} means nothing without --format sql", ctx
            )
        if name not in _told(OPERATIONS[operation]):
            raise click.UsageError(
                f"{option_of(ctx, name)} means nothing to the script of {operation}", ctx
            )


def _told(chosen: Operation) -> tuple[str, ...]:
    """Return the names of what the script of an operation is told."""
    return tuple(_OPTIONS) if chosen.script_tells_run else ("source_schema",)


def lines(
    connection: Connection,
    chosen: Operation,
    head: Mapping[str, Any],
    given: Mapping[str, str | None],
) -> Iterator[str]:
    """Yield the script, with what it was made of as comments; inside a `surface.snapshot`."""
    told: dict[str, object] = {name: given[name] for name in _told(chosen)}
    accepted = told.pop("accept_escalations", None)
    if accepted not in (None, head["plan_hash"]):
        raise DuecourseError(
            f"the plan is {head['plan_hash']}, not {accepted}",
            "review it again, then accept its hash",
            exit_status=ExitStatus.PLAN_STALE,
        )
    for name, value in head.items():
        yield f"-- {name}: {value if isinstance(value, str) else output.to_json(value)}"
    if chosen.script_tells_run:
        told["assume_accepted"] = accepted is not None
    arguments = {**head["arguments"], **chosen.fixed, **told}
    for row in surface.select(connection, chosen.script, arguments):
        yield from row.values()
