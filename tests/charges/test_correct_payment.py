"""Correcting a payment or a refund: what stood is taken back, what is right takes its place."""

import pytest

from tests.charges.owner import Owner, refused
from tests.charges.stripe_events import intent
from tests.charges.stripe_inbox import Inbox


def test_what_was_received(owner: Owner) -> None:
    payment = owner.record()
    owner.correct(payment, amount_cents=90_000, reason="Counted again")
    owner.correct(payment, effective_on="2026-05-04")
    owner.correct(payment, effective_on="2026-05-04", amount_cents=90_000)
    assert owner.movements(payment) == [
        ("received", 100_000, "2026-05-03", "u-1", None),
        ("received", -100_000, "2026-05-03", "u-1", 1),
        ("received", 90_000, "2026-05-03", "u-1", None),
        ("received", -90_000, "2026-05-03", "u-1", 3),
        ("received", 90_000, "2026-05-04", "u-1", None),
    ]
    assert (owner.balance(as_of="2026-05-03"), owner.balance()) == (0, -90_000)
    user = owner.database.info.user
    assert owner.acts(payment) == [("correct", "Counted again", user), ("correct", "wrong", user)]


def test_what_never_was(owner: Owner) -> None:
    payment = owner.record()
    owner.correct(payment, amount_cents=0)
    assert owner.balance() == 0
    owner.correct(payment, amount_cents=7)
    assert owner.balance() == -7


def test_an_imported_payment_gets_its_day(owner: Owner) -> None:
    payment = owner.payment(paid_on=None)
    assert owner.balance(as_of="2026-05-01") == -100_000
    owner.correct(payment, effective_on="2026-05-08")
    assert (owner.balance(as_of="2026-05-07"), owner.balance()) == (0, -100_000)


def test_a_refund(owner: Owner) -> None:
    payment = owner.record()
    owner.refund(payment, 10_000)
    owner.refund(payment, 20_000, effective_on="2026-05-10")
    owner.correct(payment, amount_cents=15_000, movement_number=2, effective_on="2026-05-08")
    assert owner.movements(payment)[3:] == [
        ("refund", 10_000, "2026-05-09", "u-1", 2),
        ("refund", -15_000, "2026-05-08", "u-1", None),
    ]
    owner.correct(payment, amount_cents=0, movement_number=3)
    row = owner.rows("payments")[payment]
    assert (row["refunded_cents"], str(row["refunded_on"])) == (15_000, "2026-05-08")
    days = ("2026-05-07", "2026-05-08", "2026-05-10")
    assert [owner.balance(as_of=day) for day in days] == [-100_000, -85_000, -85_000]
    with refused("DC108", f"payment {payment}: no movement 3 of it stands", "ledger.show_payment"):
        owner.correct(payment, amount_cents=1, movement_number=3)
    owner.correct(payment, amount_cents=0, movement_number=5)
    assert owner.rows("payments")[payment]["refunded_on"] is None


def test_a_refund_of_the_books(owner: Owner) -> None:
    payment = owner.payment(refunded_cents=500, refunded_on="2026-05-09")
    owner.correct(payment, amount_cents=300, movement_number=2)
    assert owner.balance() == -99_700
    assert [m[1] for m in owner.movements(payment)] == [100_000, -500, 500, -300]


def test_no_more_goes_back_than_came_nor_before_it_came(owner: Owner) -> None:
    payment = owner.record()
    owner.refund(payment, 10_000)
    with refused("DC108", "9999 cents would have come and 10000 gone back", "first"):
        owner.correct(payment, amount_cents=9_999)
    with refused("DC108", "100000 cents would have come and 100001 gone back"):
        owner.correct(payment, amount_cents=100_001, movement_number=2)
    with refused("DC108", "gone back on 2026-05-09 and come on 2026-05-10", "other day first"):
        owner.correct(payment, effective_on="2026-05-10")
    with refused("DC108", "gone back on 2026-05-02 and come on 2026-05-03"):
        owner.correct(payment, effective_on="2026-05-02", movement_number=2)
    assert len(owner.acts(payment)) == 1


def test_only_what_came_and_stripe_does_not_tell_of(owner: Owner) -> None:
    pending = owner.payment(status="pending")
    with refused("DC108", f"payment {pending}: it is pending", "ledger.record_payment"):
        owner.correct(pending, amount_cents=1)
    Inbox(owner.database, owner.tenant).ingest(intent("pi_1"))
    payment = next(p for p in owner.rows("payments") if p != pending)
    with refused("DC108", f"payment {payment}: events of Stripe tell", "ledger.post_charge"):
        owner.correct(payment, amount_cents=1)


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({}, "nothing to correct"),
        ({"amount_cents": -1}, "p_amount_cents is -1, not 0 to"),
        ({"effective_on": "infinity"}, "p_effective_on is infinity"),
        ({"amount_cents": 1, "reason": ""}, "p_reason is null or blank"),
    ],
)
def test_bad_arguments_are_refused(owner: Owner, arguments: dict[str, object], detail: str) -> None:
    payment = owner.record()
    with refused("DC001", detail, "Call again"):
        owner.correct(payment, **arguments)
    assert owner.acts(payment) == []
