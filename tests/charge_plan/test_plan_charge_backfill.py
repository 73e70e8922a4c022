"""The plan of the charge backfill over stored books: actions, warnings, amount rules, orphans."""

from datetime import date

import pytest

from tests.charges.owner import HOSTILE, MOST, Owner, Row, refused
from tests.charges.runs import tenancy


def plan(owner: Owner, rule: str = "unit_rent_first") -> dict[tuple[str, str, str | None], Row]:
    rows = owner.select("plan_charge_backfill", amount_rule=rule)
    return {(row["tenant_user_id"], row["unit_id"], row["billing_period"]): row for row in rows}


KEY = ("r-1", "u-1", "2026-05")
Money = tuple[int, str, int | None]


def test_a_key_gets_one_charge(owner: Owner) -> None:
    paid = [owner.payment(60_000), owner.payment(40_000, status="pending")]
    owner.payment(5, status="Succeeded")
    owner.payment(5, status="refunded")
    row = plan(owner)[KEY]
    assert (row["action"], row["type"], row["amount_cents"]) == ("create", "rent", 100_000)
    assert (row["description"], row["effective_on"]) == ("Rent for 2026-05", date(2026, 5, 1))
    assert row["warnings"] == ["amount_differs_from_payments", "split_payments"]
    assert row["delta_cents"] == -40_000
    assert row["payment_ids"] == paid


def test_a_standing_charge_is_found_and_a_reversed_one_is_not(owner: Owner) -> None:
    owner.payment()
    charge = owner.charge(1)
    assert (plan(owner)[KEY]["action"], plan(owner)[KEY]["charge_id"]) == (
        "already_charged",
        charge,
    )
    owner.reverse(charge)
    assert (plan(owner)[KEY]["action"], plan(owner)[KEY]["charge_id"]) == ("create", None)


def test_other_charges_do_not_count(owner: Owner) -> None:
    owner.payment()
    owner.charge(type="late_fee")
    owner.charge(period=None)
    owner.charge(period="2026-06")
    assert plan(owner)[KEY]["action"] == "create"


@pytest.mark.parametrize(
    ("payment", "reason"),
    [
        ({"period": None}, "invalid_billing_period"),
        ({"period": ""}, "invalid_billing_period"),
        ({"period": "2026-13"}, "invalid_billing_period"),
        ({"period": "2026-05\n"}, "invalid_billing_period"),
        ({"period": "２０２６-05"}, "invalid_billing_period"),
        ({"unit_id": "u-9"}, "unknown_unit"),
        ({"unit_id": "u-2", "amount": 0}, "non_positive_amount"),
        ({"unit_id": "u-2", "amount": -5}, "non_positive_amount"),
        ({"unit_id": "u-2", "amount": None}, "non_positive_amount"),
    ],
)
def test_what_cannot_be_charged_is_quarantined(
    owner: Owner, payment: dict[str, object], reason: str
) -> None:
    payment_id = owner.payment(**payment)  # type: ignore[arg-type]
    [row] = plan(owner).values()
    assert (row["action"], row["quarantine_reason"]) == ("quarantine", reason)
    assert row["payment_ids"] == [payment_id]
    assert (row["amount_cents"], row["warnings"], row["effective_on"]) == (None, None, None)


def test_units_are_shared_by_renters_with_charges(owner: Owner) -> None:
    owner.payment()
    owner.payment(tenant_user_id="r-2")
    owner.payment(tenant_user_id="r-3", period="2026-06")
    owner.charge(tenant_user_id="r-4", period="2026-06")
    owner.payment(tenant_user_id="r-5", period="2026-07", status="pending")
    assert {(key[0], tuple(row["warnings"])) for key, row in plan(owner).items()} == {
        ("r-1", ("shared_unit",)),
        ("r-2", ("shared_unit",)),
        ("r-3", ("shared_unit",)),
        ("r-5", ("amount_differs_from_payments", "pending_only")),
    }


@pytest.mark.parametrize(
    ("rule", "known", "unknown"),
    [
        ("unit_rent_first", 100_000, 70_000),
        ("largest_payment", 70_000, 70_000),
        ("sum_of_payments", 110_000, 110_000),
    ],
)
def test_amount_rules(owner: Owner, rule: str, known: int, unknown: int) -> None:
    for unit in ("u-1", "u-2"):
        owner.payment(70_000, unit_id=unit)
        owner.payment(40_000, unit_id=unit, status="pending")
    amounts = [row["amount_cents"] for row in plan(owner, rule).values()]
    assert amounts == [known, unknown]


def test_an_unknown_rule_is_refused(owner: Owner) -> None:
    for reading in ("plan_charge_backfill", "charge_backfill_summary"):
        with refused("DC001", "p_amount_rule is 'x', not unit_rent_first", "Call again"):
            owner.select(reading, amount_rule="x")


def test_amounts_far_beyond_32_bits(owner: Owner) -> None:
    owner.payment(MOST, unit_id="u-2")
    owner.payment(MOST, unit_id="u-2")
    [row] = plan(owner).values()
    assert (row["amount_cents"], row["delta_cents"]) == (MOST, MOST)
    [row] = plan(owner, "sum_of_payments").values()
    assert row["quarantine_reason"] == "amount_out_of_range"
    [row] = owner.select("balances")
    assert row["balance_cents"] == -2 * MOST


def test_keys_are_triples_in_the_order_of_code_points(owner: Owner) -> None:
    units = ["b:u-1", "u-1", HOSTILE, "ä", "🙂"]
    for unit in units:
        if unit != "u-1":
            owner.unit(unit, 1)
    keys = {(renter, unit, "2026-05") for renter in ("a", "a:b", "Z", "é") for unit in units}
    for renter, unit, _ in keys:
        owner.payment(tenant_user_id=renter, unit_id=unit)
    owner.payment(tenant_user_id="a", period=None)
    expected = sorted([*keys, ("a", "u-1", "")])
    assert [(*key[:2], key[2] or "") for key in plan(owner)] == expected


def test_a_period_of_the_year_0_begins_on_the_first_day(owner: Owner) -> None:
    owner.payment(period="0000-05")
    [row] = plan(owner).values()
    assert (row["action"], row["effective_on"]) == ("create", date(1, 1, 1))


def test_tenancies_and_dated_rents_decide(owner: Owner) -> None:
    for day, rent in (("2026-01-01", 90_000), ("2026-04-10", 110_000)):
        owner.insert("ledger.unit_rents", unit_id="u-1", effective_from=day, rent_amount_cents=rent)
    tenancy(owner, "2026-03-15")
    tenancy(owner, "2026-05-01", tenant_user_id="mate", rent_amount_cents=40_000)
    for period in ("2026-02", "2026-03", "2026-04", "2026-05"):
        owner.payment(period=period)
    owner.payment(tenant_user_id="mate")
    owner.payment(tenant_user_id="r-0", period="2025-12")
    assert {
        key[::2]: (
            row["amount_cents"],
            row["effective_on"].isoformat(),
            row["covered_days"],
            row["period_days"],
            "outside_tenancy" in row["warnings"],
        )
        for key, row in plan(owner).items()
    } == {
        ("mate", "2026-05"): (40_000, "2026-05-01", 31, 31, False),
        ("r-0", "2025-12"): (100_000, "2025-12-01", 31, 31, True),
        ("r-1", "2026-02"): (90_000, "2026-02-01", 28, 28, True),
        ("r-1", "2026-03"): (49_355, "2026-03-15", 17, 31, False),
        ("r-1", "2026-04"): (90_000, "2026-04-01", 30, 30, False),
        ("r-1", "2026-05"): (110_000, "2026-05-01", 31, 31, False),
    }


def test_books_without_tenancies_warn_of_none(owner: Owner) -> None:
    owner.payment()
    assert plan(owner)[KEY]["warnings"] == []
    tenancy(owner, "2026-05-01", tenant_user_id="r-9")
    assert plan(owner)[KEY]["warnings"] == ["outside_tenancy"]


def test_the_whole_rent_of_the_unit(owner: Owner) -> None:
    owner.insert(
        "ledger.unit_rents", unit_id="u-1", effective_from="2026-01-01", rent_amount_cents=1
    )
    for unit in ("u-1", "u-2"):
        tenancy(owner, "2026-05-15", unit_id=unit, rent_amount_cents=2)
        owner.payment(30_000, unit_id=unit)
        owner.payment(20_000, unit_id=unit)
    rows = plan(owner, "whole_unit_rent").values()
    first = date(2026, 5, 1)
    assert [(row["amount_cents"], row["effective_on"], row["covered_days"]) for row in rows] == [
        (100_000, first, 31),
        (30_000, first, 31),
    ]


def test_what_was_paid_is_net_of_refunds(owner: Owner) -> None:
    owner.payment(refunded_cents=40_000, refunded_on="2026-05-20")
    row = plan(owner)[KEY]
    assert (row["amount_cents"], row["warnings"]) == (100_000, ["amount_differs_from_payments"])
    assert row["delta_cents"] == -40_000


@pytest.mark.parametrize(
    ("rule", "known", "unknown"),
    [
        ("unit_rent_first", (100_000, "USD", -70_000), (80_000, "EUR", 5_000)),
        ("largest_payment", (80_000, "EUR", 5_000), (80_000, "EUR", 5_000)),
        ("sum_of_payments", (85_000, "EUR", None), (85_000, "EUR", None)),
    ],
)
def test_only_money_in_the_currency_of_the_charge_counts(
    owner: Owner, rule: str, known: Money, unknown: Money
) -> None:
    for unit in ("u-1", "u-2"):
        owner.payment(80_000, unit_id=unit, currency="EUR")
        owner.payment(5_000, unit_id=unit, currency="EUR")
        owner.payment(30_000, unit_id=unit)
    rows = plan(owner, rule).values()
    found = [(row["amount_cents"], row["currency"], row["delta_cents"]) for row in rows]
    assert found == [known, unknown]
    assert {"split_payments" in row["warnings"] for row in rows} == {True}


def test_a_key_with_a_duplicate_is_charged(owner: Owner) -> None:
    owner.payment()
    owner.charge(charge_id="z")
    owner.charge(charge_id="a", duplicates_charge_id="z")
    for standing in ("z", "a"):
        row = plan(owner)[KEY]
        assert (row["action"], row["charge_id"]) == ("already_charged", standing)
        owner.reverse(standing)
    assert plan(owner)[KEY]["action"] == "create"
