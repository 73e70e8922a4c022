"""Moving a payment: its money on its days, out of one account and into the other."""

import pytest

from tests.charges.owner import Owner, refused
from tests.charges.stripe_events import intent
from tests.charges.stripe_inbox import Inbox


def test_its_money_goes_along_day_by_day(owner: Owner) -> None:
    payment = owner.record()
    owner.refund(payment, 10_000)
    owner.move(payment, unit_id="u-2", tenant_user_id="r-2", reason="Of r-2")
    assert owner.movements(payment) == [
        ("received", 100_000, "2026-05-03", "u-1", None),
        ("refund", -10_000, "2026-05-09", "u-1", None),
        ("received", -100_000, "2026-05-03", "u-1", 1),
        ("refund", 10_000, "2026-05-09", "u-1", 2),
        ("received", 100_000, "2026-05-03", "u-2", None),
        ("refund", -10_000, "2026-05-09", "u-2", None),
    ]
    for day, there in (("2026-05-02", 0), ("2026-05-03", -100_000), ("2026-05-09", -90_000)):
        balances = {r["unit_id"]: r["balance_cents"] for r in owner.select("balances", as_of=day)}
        assert balances == {"u-1": 0, "u-2": there}
    user = owner.database.info.user
    assert owner.rows("payments")[payment]["moved_by"] == user
    assert owner.acts(payment)[1:] == [("move", "Of r-2", user)]


def test_what_is_not_given_stays(owner: Owner) -> None:
    payment = owner.payment(status="pending")
    owner.move(payment, billing_period="2026-06")
    row = owner.rows("payments")[payment]
    assert (row["tenant_user_id"], row["unit_id"], row["billing_period"]) == (
        "r-1", "u-1", "2026-06",
    )  # fmt: skip
    # There already.
    owner.move(payment, billing_period="2026-06", tenant_user_id="r-1")
    assert len(owner.acts(payment)) == 1


def test_later_events_leave_it_where_it_is(owner: Owner) -> None:
    inbox = Inbox(owner.database, owner.tenant)
    inbox.ingest(intent("pi_1", "processing"))
    [payment] = owner.rows("payments")
    owner.move(payment, tenant_user_id="r-1", unit_id="u-1", billing_period="2026-05")
    inbox.ingest(intent("pi_1"))
    row = owner.rows("payments")[payment]
    assert (row["status"], row["tenant_user_id"], row["unit_id"], row["billing_period"]) == (
        "succeeded", "r-1", "u-1", "2026-05",
    )  # fmt: skip
    assert {unit for _, _, _, unit, _ in owner.movements(payment)} == {"u-1"}


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "detail"),
    [
        ({}, "DC001", "nowhere to move it"),
        ({"unit_id": "u-2", "reason": None}, "DC001", "p_reason is null or blank"),
        ({"tenant_user_id": ""}, "DC001", "p_tenant_user_id is empty"),
        ({"tenant_user_id": "x" * 2000}, "DC001", "longer than 2000 bytes together"),
        ({"billing_period": "May"}, "DC001", "p_billing_period is 'May', not YYYY-MM"),
        ({"unit_id": "nowhere"}, "DC003", "unit 'nowhere' of tenant"),
        ({"unit_id": "u-2", "payment_id": "nothing"}, "DC003", "payment 'nothing' of tenant"),
    ],
)
def test_bad_arguments_are_refused(
    owner: Owner, arguments: dict[str, object], sqlstate: str, detail: str
) -> None:
    payment = owner.record()
    with refused(sqlstate, detail):
        owner.call("move_payment", **{"payment_id": payment, "reason": "x", **arguments})
    assert owner.acts(payment) == []
