"""Balances as of a day, of one account or all, and the lines that explain them."""

from tests.charges.owner import MOST, Owner
from tests.charges.runs import backfill


def parts(owner: Owner, as_of: str | None = None) -> tuple[int, ...]:
    [row] = owner.select("balances", as_of=as_of)
    names = ("charged_cents", "paid_cents", "refunded_cents", "pending_cents", "balance_cents")
    return tuple(row[name] for name in names)


def test_days_decide(owner: Owner) -> None:
    owner.charge(effective_on="2026-05-01")
    owner.payment(80_000, paid_on="2026-05-10", refunded_cents=30_000, refunded_on="2026-05-20")
    owner.payment(7, status="pending", paid_on="2026-05-15")
    owner.payment(1, status="pending", paid_on=None)
    owner.payment(999, status="failed")
    assert parts(owner, "2026-04-30") == (0, 0, 0, 1, 0)
    assert parts(owner, "2026-05-01") == (100_000, 0, 0, 1, 100_000)
    assert parts(owner, "2026-05-10") == (100_000, 80_000, 0, 1, 20_000)
    assert parts(owner, "2026-05-20") == (100_000, 80_000, 30_000, 8, 50_000)
    assert parts(owner) == (100_000, 80_000, 30_000, 8, 50_000)


def test_a_refund_without_a_day_counts_with_its_payment(owner: Owner) -> None:
    owner.payment(100, refunded_cents=40, paid_on="2026-05-10")
    assert parts(owner, "2026-05-09") == (0, 0, 0, 0, 0)
    assert parts(owner, "2026-05-10") == (0, 100, 40, 0, -60)


def test_a_refund_before_its_payment_waits_for_it(owner: Owner) -> None:
    owner.payment(100, refunded_cents=40, paid_on="2026-05-10", refunded_on="2026-05-01")
    assert parts(owner, "2026-05-05") == (0, 0, 0, 0, 0)
    assert parts(owner, "2026-05-10") == (0, 100, 40, 0, -60)


def test_success_without_a_day_counts_from_its_period_on(owner: Owner) -> None:
    owner.payment(100, paid_on=None, refunded_cents=5)
    assert parts(owner, "2026-04-30") == (0, 0, 0, 0, 0)
    assert parts(owner, "2026-05-01") == (0, 100, 5, 0, -95)


def test_success_without_a_day_or_a_period_counts_from_its_making_on(owner: Owner) -> None:
    owner.payment(100, "May", paid_on=None, created_on="2026-06-02")
    assert parts(owner, "2026-06-01") == (0, 0, 0, 0, 0)
    assert parts(owner, "2026-06-02") == (0, 100, 0, 0, -100)


def test_a_row_a_currency(owner: Owner) -> None:
    owner.charge(100_000)
    owner.payment(80_000, currency="EUR")
    assert [(r["currency"], r["balance_cents"]) for r in owner.select("balances")] == [
        ("EUR", -80_000),
        ("USD", 100_000),
    ]


def test_quarantined_money_counts(owner: Owner) -> None:
    owner.payment(100, period="soon", unit_id="u-9")
    assert parts(owner) == (0, 100, 0, 0, -100)


def test_a_thousand_of_the_largest_rows_add_up(owner: Owner) -> None:
    owner.database.execute(
        "INSERT INTO ledger.payments (tenant, payment_id, tenant_user_id, unit_id, amount_cents,"
        " status, billing_period, paid_on, refunded_cents)"
        " SELECT %s, n::text, 'r-1', 'u-2', %s, 'succeeded', '2026-05', '2026-05-03', %s"
        " FROM generate_series(1, 1000) AS n",
        (owner.tenant, MOST, MOST),
    )
    [row] = owner.select("balances")
    assert (row["paid_cents"], row["refunded_cents"]) == (1_000 * MOST, 1_000 * MOST)
    [summary] = owner.select("charge_backfill_summary")
    assert summary["payments_cents"] == 1_000 * MOST
    assert backfill(owner) == (1, 1, "done")


def test_one_renter_one_unit_or_both(owner: Owner) -> None:
    for renter in ("r-1", "r-2"):
        for unit in ("u-1", "u-2"):
            owner.charge(tenant_user_id=renter, unit_id=unit)
    every = owner.select("balances")
    assert [(row["tenant_user_id"], row["unit_id"]) for row in every] == [
        ("r-1", "u-1"),
        ("r-1", "u-2"),
        ("r-2", "u-1"),
        ("r-2", "u-2"),
    ]
    assert owner.select("balances", tenant_user_id="r-1") == every[:2]
    assert owner.select("balances", unit_id="u-2") == every[1::2]
    assert owner.select("balances", tenant_user_id="r-2", unit_id="u-1") == [every[2]]
    assert owner.select("balances", tenant_user_id="nobody") == []
