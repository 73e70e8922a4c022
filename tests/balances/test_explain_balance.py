"""The lines that explain a balance, and run to it."""

from datetime import date

from tests.charges.owner import Owner


def test_lines_run_to_the_balance(owner: Owner) -> None:
    charge = owner.post(effective_on="2026-05-01")
    reversal = owner.reverse(charge, "wrong")
    credit = owner.post(
        type="credit", amount_cents=-5, billing_period=None, effective_on="2026-05-02",
        description="Sorry",
    )  # fmt: skip
    paid = owner.payment(60, refunded_cents=20, refunded_on="2026-05-09")
    owner.payment(7, status="pending")
    late = owner.payment(1, paid_on=None, period=None, created_on="2026-05-10")
    lines = owner.select("explain_balance", tenant_user_id="r-1", unit_id="u-1")
    assert [tuple(line.values())[:6] for line in lines] == [
        ("rent", charge, date(2026, 5, 1), "Rent for 2026-05", 100_000, 100_000),
        ("reversal", reversal, date(2026, 5, 1), "wrong", -100_000, 0),
        ("credit", credit, date(2026, 5, 2), "Sorry", -5, -5),
        ("payment", paid, date(2026, 5, 3), "Payment for 2026-05", -60, -65),
        ("refund", paid, date(2026, 5, 9), "Refund for 2026-05", 20, -45),
        ("payment", late, date(2026, 5, 10), "Payment", -1, -46),
    ]
    assert owner.balance() == -46
    assert len(
        owner.select("explain_balance", tenant_user_id="r-1", unit_id="u-1", as_of="2026-05-03")
    ) == 4  # fmt: skip
    assert owner.select("explain_balance", tenant_user_id="r-1", unit_id="u-2") == []


def test_each_currency_runs_for_itself(owner: Owner) -> None:
    owner.charge(100)
    owner.payment(80, currency="EUR")
    owner.payment(30)
    explain = {"tenant_user_id": "r-1", "unit_id": "u-1"}
    lines = [
        (line["currency"], line["amount_cents"], line["running_balance_cents"])
        for line in owner.select("explain_balance", **explain)
    ]
    assert lines == [("EUR", -80, -80), ("USD", 100, 100), ("USD", -30, 70)]
    [euros] = owner.select("explain_balance", **explain, currency="EUR")
    assert euros["amount_cents"] == -80
