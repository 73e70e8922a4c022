"""Posting a charge: what is taken, and each refusal with its reason."""

import pytest

from tests.charges.owner import HOSTILE, MOST, Owner, refused


def test_rent_has_its_defaults(owner: Owner) -> None:
    posted = owner.post()
    charge = owner.rows("charges")[posted]
    assert (charge["description"], str(charge["effective_on"])) == (
        "Rent for 2026-05",
        "2026-05-01",
    )
    assert (charge["currency"], charge["created_by"]) == ("USD", owner.database.info.user)
    assert owner.balance() == 100_000


@pytest.mark.parametrize(
    ("type_", "amount"),
    [("late_fee", 1), ("one_time", MOST), ("credit", -1), ("adjustment", -MOST), ("adjustment", 5)],
)
def test_other_types_need_no_period(owner: Owner, type_: str, amount: int) -> None:
    owner.post(
        type=type_, amount_cents=amount, billing_period=None, effective_on="2026-05-09",
        description="Because",
    )  # fmt: skip
    assert owner.balance() == amount


def test_hostile_ids_are_ids(owner: Owner) -> None:
    owner.unit(HOSTILE, 1)
    owner.post(tenant_user_id=HOSTILE, unit_id=HOSTILE, o_charge_id=HOSTILE)
    owner.post(tenant_user_id="a", unit_id=HOSTILE)
    [row] = owner.select("balances", tenant_user_id=HOSTILE, unit_id=HOSTILE)
    assert (row["unit_id"], row["balance_cents"]) == (HOSTILE, 100_000)


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"amount_cents": 0}, "p_amount_cents is 0"),
        ({"amount_cents": -1}, "p_amount_cents is -1, and a rent is more than 0"),
        ({"amount_cents": None}, "p_amount_cents is null"),
        ({"amount_cents": MOST + 1}, f"p_amount_cents is {MOST + 1}, not -{MOST} to {MOST}"),
        ({"amount_cents": 2**63 - 1}, f"p_amount_cents is {2**63 - 1}"),
        (
            {"type": "credit", "description": "x"},
            "p_amount_cents is 100000, and a credit is less than 0",
        ),
        ({"type": "late_fee", "amount_cents": -5}, "and a late_fee is more than 0"),
        ({"type": "utility"}, "p_type is 'utility', not rent"),
        ({"billing_period": "2026-13"}, "p_billing_period is '2026-13', not YYYY-MM"),
        ({"billing_period": "2026-00"}, "p_billing_period is '2026-00'"),
        ({"billing_period": "2026-05\n"}, "p_billing_period is '2026-05\n'"),
        ({"billing_period": "٢٠٢٦-٠٥"}, "p_billing_period is"),
        ({"billing_period": None, "effective_on": "2026-05-01"}, "rent needs one"),
        ({"type": "late_fee", "billing_period": None}, "p_effective_on and p_billing_period are"),
        ({"effective_on": "infinity"}, "p_effective_on is infinity"),
        ({"effective_on": "0044-03-15 BC"}, "p_effective_on is 0044-03-15 BC, not of the years"),
        ({"type": "late_fee", "description": None}, "p_description is null or blank"),
        ({"description": " \t"}, "p_description is null or blank"),
        ({"tenant_user_id": ""}, "p_tenant_user_id is null or empty"),
        ({"tenant_user_id": "x" * 2000}, "longer than 2000 bytes together"),
        ({"currency": "usd"}, "p_currency is 'usd', not three capitals"),
        ({"o_charge_id": ""}, "o_charge_id is 0 bytes long"),
    ],
)
def test_bad_arguments_are_refused(owner: Owner, arguments: dict[str, object], detail: str) -> None:
    with refused("DC001", detail, "Call again"):
        owner.post(**arguments)
    assert owner.rows("charges") == {}


def test_more_than_64_bits_is_no_amount(owner: Owner) -> None:
    with refused("42883"):
        owner.post(amount_cents=2**63)


def test_an_unknown_unit_is_refused(owner: Owner) -> None:
    with refused("DC003", "unit 'nowhere' of tenant", "ledger.units"):
        owner.post(unit_id="nowhere")


def test_the_currency_is_the_propertys_unless_it_is_given(owner: Owner) -> None:
    owner.unit("u-eur", 1, "EUR")
    posted = [
        owner.post(currency="CHF"),
        owner.post(billing_period="2026-06"),
        owner.post(unit_id="u-eur"),
    ]
    charges = owner.rows("charges")
    assert [charges[charge]["currency"] for charge in posted] == ["CHF", "USD", "EUR"]


def test_rent_of_a_key_is_charged_once(owner: Owner) -> None:
    first = owner.post()
    with refused("DC105", f"charge {first} is the rent of r-1", "ledger.reverse_charge"):
        owner.post(amount_cents=1)
    owner.post(tenant_user_id="r-2")
    owner.post(type="adjustment", description="More")
    owner.reverse(first)
    owner.post(amount_cents=90_000)
    assert owner.balance() == 190_000


def test_a_duplicate_that_stands_alone_is_the_rent_of_its_key(owner: Owner) -> None:
    first = owner.charge()
    second = owner.charge(duplicates_charge_id=first)
    for standing in (first, second):
        with refused("DC105", f"charge {standing} is the rent of r-1", standing):
            owner.post()
        owner.post(type="late_fee", description="Late")
        owner.reverse(standing)
    owner.post(amount_cents=90_000)
    assert owner.balance() == 290_000


def test_a_given_id_posts_once(owner: Owner) -> None:
    late = {"type": "late_fee", "amount_cents": 5, "description": "Late", "o_charge_id": "mine"}
    assert [owner.post(**late), owner.post(**late)] == ["mine", "mine"]
    assert owner.balance() == 5
    with refused("DC001", "o_charge_id is 'mine', the id of another charge"):
        owner.post(**{**late, "amount_cents": 6})
    rent = {"o_charge_id": "rent"}
    assert [owner.post(**rent), owner.post(**rent)] == ["rent", "rent"]
