"""Recording a payment by hand: what is taken, and each refusal with its reason."""

import pytest

from tests.charges.owner import HOSTILE, MOST, Owner, refused


def test_it_has_succeeded_on_its_day(owner: Owner) -> None:
    payment = owner.record()
    row = owner.rows("payments")[payment]
    assert (row["status"], row["recorded_by"]) == ("succeeded", owner.database.info.user)
    assert (row["currency"], row["payment_method"], row["moved_by"]) == ("USD", "cash", None)
    assert owner.movements(payment) == [("received", 100_000, "2026-05-03", "u-1", None)]
    assert (owner.balance(as_of="2026-05-02"), owner.balance()) == (0, -100_000)


def test_its_currency_is_that_of_the_property(owner: Owner) -> None:
    owner.insert("ledger.properties", property_id="h", currency="EUR")
    owner.insert("ledger.units", unit_id="u-e", property_id="h")
    owner.record(unit_id="u-e")
    owner.record(unit_id="u-e", currency="USD", amount_cents=5)
    assert [(row["currency"], row["balance_cents"]) for row in owner.select("balances")] == [
        ("EUR", -100_000),
        ("USD", -5),
    ]


def test_a_payment_of_no_month_is_quarantined(owner: Owner) -> None:
    payment = owner.record(billing_period=None)
    assert owner.rows("payments")[payment]["quarantine_reason"] == "invalid_billing_period"


def test_hostile_ids_are_ids(owner: Owner) -> None:
    owner.unit(HOSTILE, 1)
    assert owner.record(unit_id=HOSTILE, tenant_user_id=HOSTILE, o_payment_id=HOSTILE) == HOSTILE
    assert list(owner.rows("payments")) == [HOSTILE]


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"amount_cents": 0}, f"p_amount_cents is 0, not 1 to {MOST}"),
        ({"amount_cents": -1}, "p_amount_cents is -1"),
        ({"amount_cents": None}, "p_amount_cents is null"),
        ({"amount_cents": MOST + 1}, f"p_amount_cents is {MOST + 1}"),
        ({"billing_period": "2026-13"}, "p_billing_period is '2026-13', not YYYY-MM"),
        ({"paid_on": None}, "p_paid_on is null"),
        ({"paid_on": "infinity"}, "p_paid_on is infinity, not of the years"),
        ({"payment_method": " "}, "p_payment_method is blank"),
        ({"tenant_user_id": ""}, "p_tenant_user_id is null or empty"),
        ({"tenant_user_id": "x" * 2000}, "longer than 2000 bytes together"),
        ({"currency": "usd"}, "p_currency is 'usd', not three capitals"),
        ({"o_payment_id": ""}, "o_payment_id is 0 bytes long"),
    ],
)
def test_bad_arguments_are_refused(owner: Owner, arguments: dict[str, object], detail: str) -> None:
    with refused("DC001", detail, "Call again"):
        owner.record(**arguments)
    assert owner.rows("payments") == {}


def test_an_unknown_unit_is_refused(owner: Owner) -> None:
    with refused("DC003", "unit 'nowhere' of tenant", "ledger.units"):
        owner.record(unit_id="nowhere")


def test_a_given_id_records_once(owner: Owner) -> None:
    cash = {"o_payment_id": "mine"}
    assert [owner.record(**cash), owner.record(**cash)] == ["mine", "mine"]
    assert owner.balance() == -100_000
    # What was done since changes nothing of what was recorded.
    owner.correct("mine", amount_cents=90_000)
    owner.move("mine", unit_id="u-2")
    assert owner.record(**cash) == "mine"
    assert owner.balance() == 0
    for other in ({"amount_cents": 90_000}, {"unit_id": "u-2"}, {"payment_method": None}):
        with refused("DC001", "o_payment_id is 'mine', the id of another payment", "an id is made"):
            owner.record(**cash, **other)
    imported = owner.payment(payment_method="cash")
    with refused("DC001", f"o_payment_id is '{imported}', the id of another payment"):
        owner.record(o_payment_id=imported)
