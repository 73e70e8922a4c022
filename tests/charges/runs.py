"""Bulk runs over a small charge ledger, and what they leave."""

from datetime import date
from typing import Any

from psycopg.rows import dict_row

from tests.charges.owner import Owner, Row

AS_OF = date(2026, 5, 20)

#: What a standing rent charge is known by.
Key = tuple[str, str, str]


def perform(owner: Owner, procedure: str, **arguments: object) -> Row:
    """CALL a procedure of the ledger; return its INOUT results."""
    statement, values = owner._named("CALL", procedure, arguments)
    row = owner.database.cursor(row_factory=dict_row).execute(statement, values).fetchone()
    assert row is not None
    return row


def backfill(owner: Owner, **arguments: object) -> tuple[Any, ...]:
    """Run the backfill of charges; return rows, batches and status."""
    return tuple(perform(owner, "backfill_charges", **arguments).values())


def post_rent(owner: Owner, **arguments: object) -> tuple[Any, ...]:
    """Post rent; return rows, batches and status."""
    return tuple(perform(owner, "post_rent", **{"as_of": AS_OF, **arguments}).values())


def tenancy(owner: Owner, start: str, end: str | None = None, /, **columns: object) -> None:
    """Let u-1 to r-1 on the days from start up to end."""
    owner.insert(
        "ledger.tenancies",
        **{
            "tenancy_id": f"t-{next(owner._ids)}",
            "tenant_user_id": "r-1",
            "unit_id": "u-1",
            "start_on": start,
            "end_on": end,
            **columns,
        },
    )


def fill(owner: Owner, renters: int, months: int = 2) -> None:
    """Add payments of many renters for u-1, some of them in two parts."""
    owner.database.execute(
        "INSERT INTO ledger.payments (tenant, payment_id, tenant_user_id, unit_id, amount_cents,"
        " status, billing_period, paid_on)"
        " SELECT %s, format('f-%%s-%%s-%%s', n, m, part), 'renter-' || n, 'u-1',"
        " 50000 * (3 - part), 'succeeded', format('2026-%%s', lpad(m::text, 2, '0')), '2026-05-03'"
        " FROM generate_series(1, %s) AS n, generate_series(1, %s) AS m,"
        " generate_series(1, 1 + n %% 2) AS part",
        (owner.tenant, renters, months),
    )


def rents(owner: Owner) -> dict[Key, tuple[int, date]]:
    """Return amount and day of the standing rent of each key; there is one a key."""
    rows = owner.database.execute(
        "SELECT tenant_user_id, unit_id, billing_period, amount_cents, effective_on"
        " FROM ledger.charges WHERE tenant = %s AND type = 'rent' AND reversed_at IS NULL"
        " AND reverses_charge_id IS NULL",
        (owner.tenant,),
    ).fetchall()
    found = {row[:3]: row[3:] for row in rows}
    assert len(found) == len(rows)
    return found


def record(owner: Owner, run_key: str) -> Row:
    """Return the record of a run."""
    [row] = (
        owner.database.cursor(row_factory=dict_row)
        .execute(
            "SELECT * FROM ops.runs WHERE tenant = %s AND run_key = %s", (owner.tenant, run_key)
        )
        .fetchall()
    )
    return row


def assert_adds_up(counts: Row) -> None:
    """Assert that every key, and every cent, is made, was there already, or is in quarantine."""
    for total in (
        ("keys_with_payments", "payments_cents")
        if "payments_cents" in counts
        else ("keys", "rent_cents")
    ):
        prefix = f"{total}_" if total.endswith("cents") else ""
        parts = ("to_create", "already_charged", "quarantined")
        assert counts[total] == sum(counts[prefix + part] for part in parts)


def plan_hash(owner: Owner, **arguments: object) -> str:
    """Return the hash of the plan of the backfill."""
    [summary] = owner.select("charge_backfill_summary", **arguments)
    return str(summary["plan_hash"])
