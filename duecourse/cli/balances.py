"""``duecourse balances``."""

from typing import Any

import click

from duecourse import output, surface
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = (
    "tenant_user_id",
    "unit_id",
    "currency",
    "charged_cents",
    "paid_cents",
    "refunded_cents",
    "pending_cents",
    "balance_cents",
)
_LINES = ("effective_on", "kind", "description", "amount_cents", "running_balance_cents")


@click.command()
@scope(part=False)
@click.option("--renter", "tenant_user_id", metavar="ID", help="Only this renter.")
@click.option("--unit", "unit_id", metavar="ID", help="Only this unit.")
@click.option("--explain", is_flag=True, help="The lines that add up to one balance.")
@options()
@pass_session
def balances(session: Session, /, explain: bool, **arguments: Any) -> None:
    """Show what each renter owes for each unit, and what is pending; reads only.

    A positive balance owes: charges, less payments that succeeded net of refunds. JSON also holds
    the ids of the lines of --explain.
    """
    if explain and None in (arguments["tenant_user_id"], arguments["unit_id"]):
        raise click.UsageError("--explain wants --renter and --unit")
    reading, columns = ("explain_balance", _LINES) if explain else ("balances", _COLUMNS)
    with session.books(arguments) as connection, surface.snapshot(connection):
        rows = surface.select(connection, f"ledger.{reading}", arguments)
        output.show_rows(session.format, columns, rows)
