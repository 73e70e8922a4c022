"""Options that mean the same in every command: whose books, as of when, which part of them."""

import re
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Any, TypeVar

import click
from click.core import ParameterSource
from click.shell_completion import CompletionItem

from duecourse import config, surface, tenants, windows
from duecourse.database import connect
from duecourse.operations import OPERATIONS

_Function = TypeVar("_Function", bound=Callable[..., Any])

TENANT_VARIABLE = "DUECOURSE_TENANT"


def integer(text: str) -> int:
    """Read what PostgreSQL's integer holds; which of it makes sense, the database says."""
    try:
        number = int(text)
    except ValueError:
        number = 2**31
    if not -(2**31) <= number < 2**31:
        raise click.BadParameter(f"{text!r} is not an integer of 32 bits.")
    return number


def day(text: str) -> date:
    """Read a date."""
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is not a date such as 2026-11-20.") from error


def window(text: str) -> tuple[date, date]:
    """Read a window."""
    try:
        return windows.parse(text)
    except ValueError as error:
        raise click.BadParameter(
            f"{text!r} is no window such as 2026-09 or 2026-09-15..2026-10-15."
        ) from error


_INTERVAL = re.compile(
    r"\s*(\d+(\.\d+)?\s*([mu]s|m|h|d|s(ec(ond)?s?)?|min(ute)?s?|hours?|days?)\s*)+"
    r"|\d+:\d\d(:\d\d(\.\d+)?)?|PT?[\dTHMS.]+|0"
)


def interval(text: str) -> str:
    """Read how long: a length of time in PostgreSQL's words."""
    if not _INTERVAL.fullmatch(text):
        raise click.BadParameter(f"{text!r} is no interval such as '2 s'.")
    return text


def plan_hash(text: str) -> str:
    """Read the hash of a plan."""
    if not re.fullmatch("[0-9a-f]{32}", text):
        raise click.BadParameter(f"{text!r} is not a plan hash (32 hexadecimal digits).")
    return text


def _today() -> str:
    return datetime.now(UTC).date().isoformat()


def _one_tenant(text: str) -> str:
    if text == tenants.ALL:
        raise click.BadParameter("'all' is not offered here; name one tenant.")
    return text


def complete_tenant(
    ctx: click.Context, parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    """Return the tenants whose names begin so, where the database answers."""
    with suppress(Exception), connect() as connection, surface.snapshot(connection):
        found = surface.select(connection, "ops.find_tenants", {"text": incomplete})
        return [CompletionItem(row["tenant_name"], help=str(row["tenant"])) for row in found]
    return []


def _optional(ctx: click.Context, parameter: click.Parameter, text: str | None) -> str | None:
    """Return the tenant that was typed or is in the environment, else that of duecourse.toml."""
    return text or config.load().tenant


def settled(ctx: click.Context, parameter: click.Parameter, text: str | None) -> str:
    """Return that tenant, which has to be somewhere."""
    if (found := _optional(ctx, parameter, text)) is None:
        raise click.MissingParameter(ctx=ctx, param=parameter)
    return found


def tenant(
    *, every: bool = False, required: bool = True, whose: str = "Whose books"
) -> Callable[[_Function], _Function]:
    """Add ``--tenant``, which the environment or duecourse.toml may say, too.

    It is a text until `Session.books` finds whom it means; with ``every`` it may be ``all``.
    """
    return click.option(
        "--tenant",
        metavar="NAME|ID|all" if every else "NAME|ID",
        type=str if every else _one_tenant,
        envvar=TENANT_VARIABLE,
        callback=settled if required else _optional,
        shell_complete=complete_tenant,
        help=f"{whose}; the beginning of the name or id is enough.",
    )


as_of = click.option(
    "--as-of",
    metavar="DATE",
    type=day,
    default=_today,
    show_default="today, UTC",
    help="The date that decides what is due.",
)


client = click.option(
    "--client", "client_id", metavar="NAME|ID", help="Only this client; a beginning is enough."
)


ids_too = click.option("--ids", is_flag=True, help="Show ids and keys, too.")


def every_row(text: str) -> Callable[[_Function], _Function]:
    """Add ``--all``, which shows what is left out otherwise."""
    return click.option("--all", "everything", is_flag=True, help=text)


def scope(
    *, every_tenant: bool = False, bounds: bool = False, part: bool = True
) -> Callable[[_Function], _Function]:
    """Add ``--tenant`` and ``--as-of``; with ``part`` the filters, with ``bounds`` the horizons."""
    whose = "Whose books, all: every tenant" if every_tenant else "Whose books"
    shared = [tenant(every=every_tenant, required=not every_tenant, whose=whose), as_of]
    if part:
        shared += [
            client,
            click.option("--schedule", "schedule_key", metavar="KEY", help="Only this schedule."),
        ]
    if bounds:
        shared += [
            click.option(
                "--target-horizon-days",
                metavar="DAYS",
                type=integer,
                help="How far ahead periods have to exist.",
            ),
            click.option(
                "--replenishment-threshold-days",
                metavar="DAYS",
                type=integer,
                help="A schedule that reaches less far is replenished.",
            ),
            click.option(
                "--max-periods-per-schedule",
                metavar="N",
                type=integer,
                help="Escalate a schedule that would get more new periods.",
            ),
        ]

    def decorate(function: _Function) -> _Function:
        for add in reversed(shared):
            function = add(function)
        return function

    return decorate


def operation_options(*, every_tenant: bool = False) -> Callable[[_Function], _Function]:
    """Add the argument that names what to plan or run, with the scopes of all of them."""
    shared = [
        click.argument("operation", metavar="OPERATION", type=click.Choice(list(OPERATIONS))),
        scope(every_tenant=every_tenant, bounds=True),
        click.option(
            "--amount-rule",
            metavar="RULE",
            help="Of charges: unit_rent_first (default), whole_unit_rent, largest_payment or"
            " sum_of_payments.",
        ),
        click.option(
            "--through",
            metavar="DATE",
            type=day,
            help="Of rent: months that have begun by this day (default: --as-of).",
        ),
    ]

    def decorate(function: _Function) -> _Function:
        for add in reversed(shared):
            function = add(function)
        return function

    return decorate


def of_operation(ctx: click.Context, name: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments but for those of other operations, which cannot be given.

    ``--as-of`` can: it only names a run whose plan no date decides.
    """
    others = {other for each in OPERATIONS.values() for other in each.planned}
    others -= set(OPERATIONS[name].planned)
    for other in sorted(others - {"as_of"}):
        if is_given(ctx, other):
            raise click.UsageError(f"{option_of(ctx, other)} means nothing to {name}", ctx)
    return {key: value for key, value in arguments.items() if key not in others}


def is_given(ctx: click.Context, name: str) -> bool:
    """Return whether a parameter was typed."""
    return ctx.get_parameter_source(name) is ParameterSource.COMMANDLINE


def option_of(ctx: click.Context, name: str) -> str:
    """Return the option of a parameter."""
    return next(p.opts[0] for p in ctx.command.params if p.name == name)
