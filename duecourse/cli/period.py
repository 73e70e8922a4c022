"""``duecourse period``: change one row of the ledger."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

from duecourse import output, surface
from duecourse.cli._scope import tenant, window
from duecourse.cli._session import Session, options, pass_session

_Function = TypeVar("_Function", bound=Callable[..., Any])

_record = click.argument("record_id", metavar="RECORD", type=click.UUID)
_reason = click.option("--reason", metavar="TEXT", required=True, help="Why; it is kept.")


@click.group()
@options()
def period() -> None:
    """Change one service period: as the ledger's next revision, or out of it.

    RECORD is the id of its row, which duecourse due-work --ids shows.
    """


def _moved(
    name: str, option: str, text: str, *, required: bool = False
) -> Callable[[_Function], _Function]:
    return click.option(option, name, metavar="WINDOW", type=window, required=required, help=text)


@period.command()
@_record
@tenant()
@_moved("service_period", "--service-period", "The days that it is for.")
@_moved("invoice_window", "--invoice-window", "The window in which it is invoiced.")
@_moved("activity_window", "--activity-window", "The days whose work it bills.")
@click.option("--clear-activity-window", is_flag=True, help="It bills the days that it is for.")
@_reason
@options()
@pass_session
def edit(session: Session, /, **arguments: Any) -> None:
    """Move the days of RECORD, or its windows; what is not given stays.

    \b
    duecourse period edit RECORD --service-period 2026-10-15..2026-11-15 --reason "starts later" \\
        --tenant "Alder Row"
    """
    _change(session, "edit", arguments)


@period.command()
@_record
@tenant()
@_reason
@options()
@pass_session
def skip(session: Session, /, **arguments: Any) -> None:
    """Take RECORD out of due work for good.

    \b
    duecourse period skip RECORD --reason "on the house" --tenant "Alder Row"
    """
    _change(session, "skip", arguments)


@period.command()
@_record
@tenant()
@_moved("invoice_window", "--to", "The window in which it is invoiced instead.", required=True)
@_reason
@options()
@pass_session
def defer(session: Session, /, **arguments: Any) -> None:
    """Invoice RECORD in another window.

    \b
    duecourse period defer RECORD --to 2026-11 --reason "agreed on the phone" --tenant "Alder Row"
    """
    _change(session, "defer", arguments)


@period.command()
@_record
@tenant()
@_reason
@options()
@pass_session
def archive(session: Session, /, **arguments: Any) -> None:
    """Take RECORD, which is wrong, out of the live ledger.

    \b
    duecourse period archive RECORD --reason "imported twice" --tenant "Alder Row"
    """
    _change(session, "archive", arguments)


def _change(session: Session, operation: str, arguments: dict[str, Any]) -> None:
    given: dict[str, Any] = {}
    for name, value in arguments.items():
        if isinstance(value, tuple):
            given[f"{name}_start"], given[f"{name}_end"] = value
        else:
            given[name] = value
    with session.books(given) as connection:
        done = surface.call(connection, f"{operation}_service_period", given)
    now = done.get("o_record_id", given["record_id"])
    if session.format == "json":
        output.show_json({"operation": operation, "record_id": now})
    else:
        click.echo(f"{operation}: done, record {now}")
