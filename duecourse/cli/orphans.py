"""``duecourse orphans``."""

from uuid import UUID

import click

from duecourse import output, surface
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = (
    "kind",
    "id",
    "tenant_user_id",
    "unit_id",
    "billing_period",
    "currency",
    "amount_cents",
)


@click.command()
@click.option("--tenant", metavar="UUID", type=click.UUID, required=True, help="Whose books.")
@options()
@pass_session
def orphans(session: Session, /, tenant: UUID) -> None:
    """Show payments without a rent charge, and rent charges without a payment; reads only."""
    with session.connection() as connection, surface.snapshot(connection):
        rows = surface.select(connection, "ledger.orphans", {"tenant": tenant})
        output.show_rows(session.format, _COLUMNS, rows)
