"""Payments without a charge, and charges without a payment."""

from tests.charges.owner import Owner


def test_orphans_are_told_both_ways(owner: Owner) -> None:
    lone = owner.payment(period="2026-07")
    vague = owner.payment(5, period=None)
    owner.payment(status="failed", period="2026-08")
    owner.payment()
    owner.charge()
    charged = owner.charge(7, period="2026-09")
    owner.charge(8, period="2026-10", type="late_fee")
    owner.reverse(owner.charge(period="2026-11"))
    assert [
        (row["kind"], row["id"], row["billing_period"], row["amount_cents"])
        for row in owner.select("orphans")
    ] == [
        ("payment_without_charge", lone, "2026-07", 100_000),
        ("payment_without_charge", vague, None, 5),
        ("charge_without_payment", charged, "2026-09", 7),
    ]


def test_money_that_was_given_back_or_never_came_is_no_orphan(owner: Owner) -> None:
    owner.payment(status="failed")
    owner.payment(status="refunded", period="2026-06")
    assert owner.select("orphans") == []
    pending = owner.payment(status="pending")
    assert [row["id"] for row in owner.select("orphans")] == [pending]
