"""Charge ledgers of any size: renters with a year of payments, some refunded, hardly a charge."""

import os
from typing import Any

import psycopg

#: Keys of the largest run; DUECOURSE_FULL_SIZE=1 measures at full size.
FULL = os.environ.get("DUECOURSE_FULL_SIZE") == "1"
KEYS = 1_000_000 if FULL else 100_000
MONTHS = 10
ACCOUNTS = KEYS // MONTHS

OWNER = "00000000-0000-4000-8000-0000000000c1"

Connection = psycopg.Connection[tuple[Any, ...]]

_LEDGER = (
    "INSERT INTO billing.tenants (tenant, tenant_name) VALUES (%(tenant)s, 'Bench')",
    """INSERT INTO ledger.units (tenant, unit_id, rent_amount_cents)
       SELECT %(tenant)s, 'unit-' || n, nullif(90000 + n %% 70 * 1000, 100000)
       FROM generate_series(0, %(accounts)s - 1) AS n""",
    """INSERT INTO ledger.tenancies (tenant, tenancy_id, tenant_user_id, unit_id, start_on)
       SELECT %(tenant)s, 'let-' || n, 'renter-' || n, 'unit-' || n, '2025-04-01'
       FROM generate_series(0, %(accounts)s - 1) AS n""",
    # The rent of each unit was raised a year ago.
    """INSERT INTO ledger.unit_rents (tenant, unit_id, effective_from, rent_amount_cents)
       SELECT u.tenant, u.unit_id, d.day, u.rent_amount_cents - d.less
       FROM ledger.units AS u
       CROSS JOIN (VALUES (date '2025-01-01', 1000), ('2026-01-01', 0)) AS d (day, less)
       WHERE u.rent_amount_cents IS NOT NULL""",
    """INSERT INTO ledger.payments (tenant, payment_id, tenant_user_id, unit_id, amount_cents,
           status, billing_period, paid_on)
       SELECT %(tenant)s, format('%%s-%%s-%%s', n, m, part), 'renter-' || n, 'unit-' || n,
           (90000 + n %% 70 * 1000) / (1 + part),
           CASE (n + m) %% 30 WHEN 0 THEN 'pending' ELSE 'succeeded' END,
           '2026-' || lpad(m::text, 2, '0'), make_date(2026, m, 3)
       FROM generate_series(0, %(accounts)s - 1) AS n, generate_series(1, %(months)s) AS m,
           generate_series(0, CASE (n + m) %% 20 WHEN 0 THEN 1 ELSE 0 END) AS part""",
    # Refunds of two days.
    """UPDATE ledger.payments SET refunded_cents = 500, refunded_on = paid_on + 4
       WHERE tenant = %(tenant)s AND status = 'succeeded' AND md5(payment_id) < '2'""",
    """UPDATE ledger.payments SET refunded_cents = 900, refunded_on = paid_on + 40
       WHERE tenant = %(tenant)s AND status = 'succeeded' AND md5(payment_id) < '1'""",
)


def make(connection: Connection) -> None:
    """Write the units and payments of all accounts."""
    values = {"tenant": OWNER, "accounts": ACCOUNTS, "months": MONTHS}
    for statement in _LEDGER:
        connection.execute(statement.encode(), values)
        connection.execute("VACUUM ANALYZE ledger.payments, ledger.payment_movements")


def empty(connection: Connection) -> None:
    """Take every charge away, which no operator can."""
    guard = "TRIGGER charges_guard_truncate"
    connection.execute(f"ALTER TABLE ledger.charges DISABLE {guard}".encode())
    connection.execute("TRUNCATE ledger.charges")
    connection.execute(f"ALTER TABLE ledger.charges ENABLE {guard}".encode())
    connection.execute("CHECKPOINT")


def grow(connection: Connection, rows: int) -> None:
    """Fill charges and movements up with rows of other renters, past the triggers."""
    connection.execute("SET session_replication_role = replica")
    for table, columns, values in (
        ("charges", "charge_id, type, billing_period", "'more-' || n, 'late_fee', '2026-05'"),
        (
            "payment_movements",
            "payment_id, movement_number, kind, source",
            "'more-' || n, 1, 'received', 'import'",
        ),
    ):
        connection.execute(
            f"INSERT INTO ledger.{table} (tenant, tenant_user_id, unit_id, currency, amount_cents,"
            f" effective_on, {columns})"
            f" SELECT '{OWNER}', 'other-' || n / 100, 'unit-' || n / 100, 'USD', 500, '2026-05-01',"
            f" {values} FROM generate_series((SELECT count(*) FROM ledger.{table}) + 1, {rows})"
            " AS n".encode()
        )
    connection.execute("RESET session_replication_role")
    connection.execute("VACUUM ANALYZE ledger.charges, ledger.payment_movements")


def seeds_manner(connection: Connection) -> int:
    """Backfill as the first script did: read all, a set in memory, one INSERT a charge."""
    payments = connection.execute(
        "SELECT tenant_user_id, unit_id, billing_period, amount_cents, currency"
        " FROM ledger.payments WHERE tenant = %s AND status IN ('succeeded', 'pending')",
        (OWNER,),
    ).fetchall()
    rents: dict[str, int | None] = dict(
        connection.execute(
            "SELECT unit_id, rent_amount_cents FROM ledger.units WHERE tenant = %s", (OWNER,)
        ).fetchall()
    )
    charged = {
        f"{renter}:{unit}:{period}"
        for renter, unit, period in connection.execute(
            "SELECT tenant_user_id, unit_id, billing_period FROM ledger.charges"
            " WHERE tenant = %s AND type = 'rent'",
            (OWNER,),
        )
    }
    largest: dict[tuple[str, str, str, str], int] = {}
    for renter, unit, period, amount, currency in payments:
        key = (renter, unit, period, currency)
        largest[key] = max(amount, largest.get(key, 0))
    made = 0
    for (renter, unit, period, currency), amount in largest.items():
        if f"{renter}:{unit}:{period}" in charged:
            continue
        rent = rents[unit]
        connection.execute(
            "INSERT INTO ledger.charges (tenant, charge_id, tenant_user_id, unit_id, type,"
            " description, amount_cents, currency, billing_period, effective_on)"
            " VALUES (%s, gen_random_uuid()::text, %s, %s, 'rent', %s, %s, %s, %s, %s)",
            (OWNER, renter, unit, f"Rent for {period}", amount if rent is None else rent,
             currency, period, f"{period}-01"),
        )  # fmt: skip
        made += 1
    return made
