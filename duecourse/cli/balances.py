"""``duecourse balances``."""

from typing import Any

import click

from duecourse import output, surface
from duecourse.cli._scope import every_row, scope
from duecourse.cli._session import Session, options, pass_session

#: Of a balance and of its lines: the columns, by what stands over them; amounts are in cents.
BALANCE = {
    "renter": "tenant_user_id",
    "unit": "unit_id",
    "currency": "currency",
    "charged": "charged_cents",
    "paid": "paid_cents",
    "refunded": "refunded_cents",
    "pending": "pending_cents",
    "balance": "balance_cents",
}
_LINE = {
    "on": "effective_on",
    "kind": "kind",
    "description": "description",
    "cents": "amount_cents",
    "balance": "running_balance_cents",
}


@click.command()
@scope(part=False)
@click.option("--renter", "tenant_user_id", metavar="ID", help="Only this renter.")
@click.option("--unit", "unit_id", metavar="ID", help="Only this unit.")
@click.option("--explain", is_flag=True, help="The lines that add up to one balance.")
@every_row("Show the accounts that are settled, too.")
@options()
@pass_session
def balances(session: Session, /, explain: bool, everything: bool, **arguments: Any) -> None:
    """Show what each renter owes for each unit, and what is pending, in cents; reads only.

    A positive balance owes: charges, less payments that succeeded net of refunds. JSON also holds
    the ids of the lines of --explain.

    \b
    duecourse balances --tenant "Mill Street"
    duecourse balances --tenant "Mill Street" --renter ada --unit mill-1 --explain
    """
    if explain and None in (arguments["tenant_user_id"], arguments["unit_id"]):
        raise click.UsageError("--explain wants --renter and --unit")
    reading, columns = ("explain_balance", _LINE) if explain else ("balances", BALANCE)
    with session.reading(arguments) as connection:
        rows = surface.select(connection, f"ledger.{reading}", arguments)
        total = None
        if session.format == "table" and not explain:
            found = list(rows)
            owing = [row for row in found if row["balance_cents"] > 0]
            credit = [row for row in found if row["balance_cents"] < 0]
            settled = [row for row in found if not row["balance_cents"]]
            total = (
                f"{len(owing):,} of {len(found):,} accounts owe, {len(credit):,} have a credit, as"
                f" of {arguments['as_of']}, in cents" + ("" if everything else " (all: --all)")
            )
            rows = iter([*owing, *credit, *(settled if everything else [])])
        output.show_rows(
            session.format,
            tuple(columns),
            rows,
            lambda row: [row[name] for name in columns.values()],
            total=total,
        )
