"""Refunding by hand: on its day, no more than is left, once; what is Stripe's stays Stripe's."""

import pytest

from tests.charges.owner import MOST, Owner, refused
from tests.charges.stripe_events import intent
from tests.charges.stripe_inbox import Inbox


def test_what_went_back_counts_from_its_day_on(owner: Owner) -> None:
    payment = owner.record()
    owner.refund(payment, 15_000, effective_on="2026-06-10", reason="Heating")
    owner.refund(payment, 10_000, effective_on="2026-05-05")
    assert owner.movements(payment) == [
        ("received", 100_000, "2026-05-03", "u-1", None),
        ("refund", -15_000, "2026-06-10", "u-1", None),
        ("refund", -10_000, "2026-05-05", "u-1", None),
    ]
    days = ("2026-05-03", "2026-05-05", "2026-06-09", "2026-06-10")
    assert [owner.balance(as_of=day) for day in days] == [-100_000, -90_000, -90_000, -75_000]
    row = owner.rows("payments")[payment]
    assert (row["refunded_cents"], str(row["refunded_on"])) == (25_000, "2026-06-10")
    user = owner.database.info.user
    assert owner.acts(payment) == [("refund", "Heating", user), ("refund", "back", user)]
    assert "(Heating)" in str(
        owner.select("explain_balance", tenant_user_id="r-1", unit_id="u-1")[-1]["description"]
    )


def test_a_cheque_that_bounced(owner: Owner) -> None:
    owner.charge()
    payment = owner.record(payment_method="cheque")
    owner.refund(payment, 100_000, reason="The cheque bounced")
    days = ("2026-05-02", "2026-05-03", "2026-05-08", "2026-05-09")
    assert [owner.balance(as_of=day) for day in days] == [100_000, 0, 0, 100_000]


def test_imported_payments_are_refunded_too(owner: Owner) -> None:
    payment = owner.payment(refunded_cents=10, refunded_on="2026-05-04")
    owner.refund(payment, 99_990)
    assert owner.balance() == 0
    assert owner.rows("payments")[payment]["refunded_cents"] == 100_000


def test_no_more_than_is_left(owner: Owner) -> None:
    payment = owner.record()
    owner.refund(payment, 60_000)
    with refused("DC108", f"payment {payment}: 40000 cents of it are left", "ledger.post_charge"):
        owner.refund(payment, 40_001)
    for unpaid in (owner.payment(status="pending"), owner.payment(status="failed")):
        with refused("DC108", f"payment {unpaid}: 0 cents of it are left"):
            owner.refund(unpaid, 1)
    with refused("DC108", f"payment {payment}: it was received on 2026-05-03", "that day or later"):
        owner.refund(payment, 1, effective_on="2026-05-02")
    owner.refund(payment, 40_000, effective_on="2026-05-03")
    assert owner.balance() == 0


def test_a_given_id_refunds_once(owner: Owner) -> None:
    payment, other = owner.record(), owner.record()
    once = {"o_refund_id": "mine"}
    assert owner.refund(payment, 10, **once) == owner.refund(payment, 10, **once) == "mine"
    # Also when it is elsewhere by now.
    owner.move(payment, unit_id="u-2")
    assert owner.refund(payment, 10, **once) == "mine"
    assert owner.rows("payments")[payment]["refunded_cents"] == 10
    for target, amount, more in (
        (payment, 11, {}), (other, 10, {}), (payment, 10, {"reason": "else"}),
        (payment, 10, {"effective_on": "2026-05-10"}),
    ):  # fmt: skip
        with refused("DC001", "o_refund_id is 'mine', the id of another refund", "an id is made"):
            owner.refund(target, amount, **once, **more)


def test_what_events_of_stripe_tell_of_is_refunded_there(owner: Owner) -> None:
    Inbox(owner.database, owner.tenant).ingest(intent("pi_1"))
    [payment] = owner.rows("payments")
    with refused("DC108", f"payment {payment}: events of Stripe tell", "Refund it at Stripe"):
        owner.refund(payment, 1, effective_on="2030-01-01")


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"amount_cents": 0}, f"p_amount_cents is 0, not 1 to {MOST}"),
        ({"amount_cents": None}, "p_amount_cents is null"),
        ({"effective_on": None}, "p_effective_on is null"),
        ({"effective_on": "-infinity"}, "p_effective_on is -infinity"),
        ({"reason": " "}, "p_reason is null or blank"),
        ({"o_refund_id": ""}, "o_refund_id is 0 bytes long"),
    ],
)
def test_bad_arguments_are_refused(owner: Owner, arguments: dict[str, object], detail: str) -> None:
    payment = owner.record()
    given = {"amount_cents": 1, "effective_on": "2026-05-09", "reason": "x", **arguments}
    with refused("DC001", detail, "Call again"):
        owner.call("refund_payment", payment_id=payment, **given)
    assert owner.acts(payment) == []


def test_an_unknown_payment_is_refused(owner: Owner) -> None:
    with refused("DC003", "payment 'nothing' of tenant", "ledger.payments"):
        owner.refund("nothing", 1)
