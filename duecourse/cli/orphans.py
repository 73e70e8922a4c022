"""``duecourse orphans``, and how many of them a run leaves."""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any
from uuid import UUID

import click
from psycopg.errors import InsufficientPrivilege

from duecourse import output, surface
from duecourse.cli._scope import tenant
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection

_COLUMNS = ("what", "id", "renter", "unit", "period", "cents")
_KINDS = ("payment_without_charge", "charge_without_payment")


@click.command()
@tenant()
@options()
@pass_session
def orphans(session: Session, /, **arguments: Any) -> None:
    """Show payments without a rent charge, and rent charges without a payment; reads only.

    \b
    duecourse orphans --tenant "Mill Street"
    """
    with session.reading(arguments) as connection:
        rows = surface.select(connection, "ledger.orphans", arguments)
        if session.format == "json":
            output.show_rows("json", (), rows)
            return
        found = list(rows)
        counts = Counter(row["kind"] for row in found)
        output.show_rows(
            "table",
            _COLUMNS,
            iter(found),
            _cells,
            total=f"payments without a rent charge: {counts[_KINDS[0]]:,}, rent charges without a"
            f" payment: {counts[_KINDS[1]]:,}",
        )


def _cells(row: surface.Row) -> Iterator[object]:
    yield row["kind"].replace("_", " ")
    for name in ("id", "tenant_user_id", "unit_id", "billing_period"):
        yield row[name]
    yield f"{row['amount_cents']} {row['currency']}"


def count_after(connection: Connection, whose: UUID | None, run_key: str) -> list[dict[str, Any]]:
    """Return how many orphans of each kind there are, a row a tenant of a backfill of charges.

    Tenants whose books the login may run but not read are left out.
    """
    run = {"tenant": whose, "procedure_name": "backfill_charges", "run_key": run_key}
    with surface.snapshot(connection):
        tenants = [row["tenant"] for row in surface.select(connection, "ops.run_records", run)]
    counts = []
    for each in tenants:
        with suppress(InsufficientPrivilege), surface.snapshot(connection):
            rows = surface.select(connection, "ledger.orphans", {"tenant": each})
            found = Counter(row["kind"] for row in rows)
            counts.append({"tenant": each, **{kind: found[kind] for kind in _KINDS}})
    return counts
