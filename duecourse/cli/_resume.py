"""How fast a run goes, what becomes of it on Ctrl-C, and how it goes on under its key."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import click
import psycopg

from duecourse import config, surface
from duecourse.cli import _outcome
from duecourse.cli._progress import Progress
from duecourse.cli._scope import integer, interval, is_given, option_of
from duecourse.cli._session import Session
from duecourse.database import Connection
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.operations import OPERATIONS

_Function = TypeVar("_Function", bound=Callable[..., Any])

_INTERVAL = {"metavar": "INTERVAL", "type": interval}
_NUMBER = {"metavar": "N", "type": integer}

#: What may differ when a run is resumed.
_PACE: dict[str, tuple[dict[str, Any], str]] = {
    "batch_size": (_NUMBER, "Schedules, or accounts, a batch."),
    "max_batches": (_NUMBER, "Stop after so many batches."),
    "pause": (_INTERVAL, "Wait between batches, such as '2 s'."),
    "lock_timeout": (_INTERVAL, "How long to wait for the tenant's lock."),
    "max_replica_lag": (_INTERVAL, "Wait while a replica lags behind by more."),
    "max_wal_to_archive": (_NUMBER, "Wait while more WAL files wait to be archived."),
    "max_waiting_sessions": (_NUMBER, "Wait while more sessions queue that met the run's locks."),
}


def pace(function: _Function) -> _Function:
    """Add the options that say how fast a run goes; the bounds may be in duecourse.toml."""
    for name, (kind, text) in reversed(_PACE.items()):
        option = f"--{name.replace('_', '-')}"
        function = click.option(option, default=partial(_configured, name), help=text, **kind)(
            function
        )
    return function


def _configured(name: str) -> str | int | None:
    return dict(config.load().throttle).get(name)


def procedure_of(operation: str) -> str:
    """Return the name of the procedure of an operation, as runs are recorded under it."""
    return OPERATIONS[operation].procedure.rpartition(".")[2]


def operation_of(procedure_name: str) -> str:
    """Return the operation of a procedure, or its name where it has none."""
    return next(
        (name for name in OPERATIONS if procedure_of(name) == procedure_name), procedure_name
    )


@contextmanager
def watched(
    connection: Connection, operation: str, arguments: Mapping[str, Any], *, is_named: bool = True
) -> Iterator[None]:
    """Show the progress of a call; whoever interrupts it is told how to go on."""
    try:
        made_up = None if is_named else arguments["run_key"]
        with Progress(connection, operation, made_up, every=arguments["tenant"] is None):
            yield
    except KeyboardInterrupt as interrupt:
        if arguments.get("dry_run"):
            raise
        raise DuecourseError(
            f"interrupted{_how_far(connection, operation, arguments)}; to go on: duecourse run"
            f" {operation} --resume {arguments['run_key']}",
            exit_status=ExitStatus.INTERRUPTED,
        ) from interrupt


def _how_far(connection: Connection, operation: str, arguments: Mapping[str, Any]) -> str:
    """Return how far a run came, if the server still tells."""
    run = {"tenant": arguments["tenant"], "run_key": arguments["run_key"]}
    with suppress(psycopg.Error, ValueError), surface.snapshot(connection):
        found = list(
            surface.select(
                connection, "ops.run_records", run | {"procedure_name": procedure_of(operation)}
            )
        )
        done, total = (sum(row[f"units_{name}"] for row in found) for name in ("done", "total"))
        [unit] = {row["unit"] for row in found}
        return f" at {done:,} of {total:,} {unit}"
    return ""


def go_on(
    ctx: click.Context, operation: str | None, run_key: str, arguments: dict[str, Any]
) -> ExitStatus:
    """Resume a run with the arguments of its record, at the pace that was typed, if any was."""
    session = ctx.ensure_object(Session)
    for name in ctx.params:
        if is_given(ctx, name) and name not in (
            *_PACE, "tenant", "operation", "resumed", "run_key", "reason", "allow_known_escalations"
        ):  # fmt: skip
            raise click.UsageError(
                f"{option_of(ctx, name)} comes from the record of the run; leave it out", ctx
            )
    given = {name: arguments.get(name) for name in _PACE if is_given(ctx, name)}
    scope = {"tenant": arguments["tenant"], "run_key": run_key}
    with session.books(scope) as connection:
        if operation is None:
            operation = _operation_of_key(connection, scope)
        given |= {"procedure_name": procedure_of(operation), "reason": arguments.get("reason")}
        with watched(connection, operation, scope):
            result = surface.call(connection, "ops.resume_run", {**scope, **given})
        if result["o_status"] == "running":
            click.echo(f"{run_key} goes on where it runs; see: duecourse runs")
            return ExitStatus.DONE
        shown = _outcome.of_run(connection, operation, {**scope, "dry_run": False}, result, {})
    allow_known = bool(ctx.params.get("allow_known_escalations"))
    status = _outcome.exit_status(shown, allow_known=allow_known, detailed=False)
    _outcome.show(session.format, operation, shown, status, is_named=True)
    return status


def _operation_of_key(connection: Connection, scope: Mapping[str, Any]) -> str:
    """Return the operation of the run that a key means, if it is not ambiguous."""
    with surface.snapshot(connection):
        found = list(surface.select(connection, "ops.run_records", scope))
    names = {row["procedure_name"] for row in found if row["finished_at"] is None}
    names = names or {row["procedure_name"] for row in found}
    if len(names) != 1:
        return ""
    return operation_of(names.pop())
