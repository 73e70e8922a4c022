"""The plan of the charge backfill in counts and cents that add up, and its hash."""

from tests.charges.owner import Owner
from tests.charges.runs import assert_adds_up, backfill


def test_the_hash_covers_what_would_be_charged(owner: Owner) -> None:
    def plan_hash(**arguments: object) -> str:
        [summary] = owner.select("charge_backfill_summary", **arguments)
        return str(summary["plan_hash"])

    payment = owner.payment(status="pending")
    first = plan_hash()
    assert plan_hash(amount_rule="largest_payment") != first
    owner.database.execute(
        "UPDATE ledger.payments SET status = 'succeeded' WHERE (tenant, payment_id) = (%s, %s)",
        [owner.tenant, payment],
    )
    assert plan_hash() == first
    owner.database.execute(
        "UPDATE ledger.units SET rent_amount_cents = 1 WHERE (tenant, unit_id) = (%s, 'u-1')",
        [owner.tenant],
    )
    assert plan_hash() != first


def test_keys_and_cents_add_up_to_the_plan(owner: Owner) -> None:
    owner.payment(60_000), owner.payment(40_000, status="pending")
    owner.payment(period="2026-06"), owner.charge(period="2026-06")
    owner.payment(7, period="soon"), owner.payment(9, unit_id="u-9")
    owner.payment(1, status="failed", period="2026-07")
    [summary] = owner.select("charge_backfill_summary")
    assert_adds_up(summary)
    plan = owner.select("plan_charge_backfill")
    actions = [row["action"] for row in plan]
    assert {
        "to_create": actions.count("create"),
        "already_charged": actions.count("already_charged"),
        "quarantined": actions.count("quarantine"),
        "keys_with_payments": len(plan),
    }.items() <= summary.items()
    assert summary["charges_cents"] == 100_000
    assert summary["payments_cents"] == 200_016
    assert summary["warnings"] == {"amount_differs_from_payments": 1, "split_payments": 1}
    assert summary["quarantine_reasons"] == {"invalid_billing_period": 1, "unknown_unit": 1}
    assert (summary["accounts_escalated"], summary["new_escalations"]) == (2, 2)
    backfill(owner)
    [after] = owner.select("charge_backfill_summary")
    assert (after["to_create"], after["accounts_escalated"], after["new_escalations"]) == (0, 2, 0)
