"""What operators ask of a run, by its key."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from duecourse import output, surface
from duecourse.cli._resume import procedure_of
from duecourse.cli._scope import tenant
from duecourse.cli._session import Session, options
from duecourse.operations import OPERATIONS

_Function = TypeVar("_Function", bound=Callable[..., Any])


def control(
    function: _Function,
    *,
    required: bool = False,
    whose: str = "Whose run, where runs of several have the key",
) -> _Function:
    """Add the argument that names a run, and what tells it from others of that key.

    ``required``: whether the tenant must be named.
    """
    for add in (
        options(),
        click.option("--reason", metavar="TEXT", help="Why; kept, and shown with the run."),
        click.option(
            "--operation",
            type=click.Choice(list(OPERATIONS)),
            help="Which, where runs of several have the key.",
        ),
        tenant(required=required, whose=whose),
        click.argument("run_key", metavar="KEY"),
    ):
        function = add(function)
    return function


def ask(session: Session, verb: str, arguments: dict[str, Any]) -> None:
    """CALL pause_run or cancel_run, and print what it says."""
    operation = arguments.pop("operation")
    arguments["procedure_name"] = procedure_of(operation) if operation else None
    with session.books(arguments) as connection:
        told: list[str] = []
        connection.add_notice_handler(lambda notice: told.append(notice.message_primary or ""))
        result = surface.call(connection, f"ops.{verb}_run", arguments)
    if session.format == "json":
        output.show_json({"run_key": arguments["run_key"], "status": result["o_status"]})
    else:
        for line in told:
            click.echo(output.visible(line))
