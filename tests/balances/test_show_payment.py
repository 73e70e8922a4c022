"""Showing a payment: itself, its movements and the acts on it."""

from tests.charges.owner import Owner


def test_all_of_it(owner: Owner) -> None:
    payment = owner.record()
    owner.refund(payment, 10, reason="A part")
    owner.move(payment, unit_id="u-2")
    [shown] = owner.select("show_payment", payment_id=payment)
    assert (shown["payment"]["payment_id"], shown["payment"]["unit_id"]) == (payment, "u-2")
    assert [m["amount_cents"] for m in shown["movements"]] == [
        100_000, -10, -100_000, 10, 100_000, -10,
    ]  # fmt: skip
    assert [m["corrects_number"] for m in shown["movements"]] == [None, None, 1, 2, None, None]
    assert [(a["act"], a["reason"], a["row_before"]["unit_id"]) for a in shown["acts"]] == [
        ("refund", "A part", "u-1"),
        ("move", "elsewhere", "u-1"),
    ]


def test_no_such_payment(owner: Owner) -> None:
    assert owner.select("show_payment", payment_id="nothing") == []
