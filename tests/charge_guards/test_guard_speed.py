"""What the guards of movements do for many payments takes no longer for what the server knows."""

from tests.charges.owner import Owner
from tests.conftest import Database

PAYMENTS = 3_000


def test_many_corrections_in_a_ledger_that_was_never_analyzed(database: Database) -> None:
    """A join may seek each movement of the tenant among all corrections: quadratic."""
    owner = Owner(database)
    database.execute("ALTER TABLE ledger.payment_movements SET (autovacuum_enabled = off)")
    database.execute(
        "INSERT INTO ledger.payments (tenant, payment_id, tenant_user_id, unit_id, amount_cents,"
        " status, billing_period, paid_on)"
        " SELECT %s, 'p-' || n, 'renter-' || n, 'unit-' || n, 500, 'succeeded', '2026-05',"
        " '2026-05-03' FROM generate_series(1, %s) AS n",
        (owner.tenant, PAYMENTS),
    )
    database.execute("SET statement_timeout = '2500ms'")
    database.execute(
        "UPDATE ledger.payments SET amount_cents = 600 WHERE tenant = %s", (owner.tenant,)
    )
    assert database.execute(
        "SELECT count(*), count(corrected_at), count(corrects_number), sum(amount_cents)"
        " FROM ledger.payment_movements"
    ).fetchall() == [(3 * PAYMENTS, PAYMENTS, PAYMENTS, 600 * PAYMENTS)]
