"""The charge ledger offline: what the vectors leave out, and what cannot be read."""

import json
from typing import Any

import pytest

from duecourse.offline import Fault
from tests.offline.conftest import Plan

HUGE = 10**30
NEAR = 2**63 - 1
DAY = "2024-03-01"


def payment(number: int, **values: Any) -> dict[str, Any]:
    return {
        "payment_id": f"p{number}",
        "tenant_id": "r",
        "unit_id": "u",
        "amount_cents": 100,
        "status": "succeeded",
        "billing_period": "2024-01",
        "paid_on": "2024-01-05",
        **values,
    }


def charge(number: int, **values: Any) -> dict[str, Any]:
    return {
        "charge_id": f"c{number}",
        "tenant_id": "r",
        "unit_id": "u",
        "type": "rent",
        "amount_cents": 100,
        "billing_period": "2024-01",
        "effective_on": "2024-01-01",
        "reversed_at": None,
        **values,
    }


def answer(plan: Plan, operation: str, **given: Any) -> Any:
    [found] = plan(operation, [json.dumps(given).encode()])
    assert not isinstance(found, Fault), found
    return found["output"]


@pytest.mark.parametrize("amount", [NEAR, NEAR + 1, HUGE])
def test_amounts_near_and_beyond_64_bits(plan: Plan, amount: int) -> None:
    payments = [payment(1, amount_cents=amount), payment(2, amount_cents=amount)]
    unit = {"unit_id": "u", "rent_amount_cents": None}
    found = answer(plan, "charge_backfill", units=[unit], payments=payments)
    assert [made["amount_cents"] for made in found["charges_to_create"]] == [amount]
    assert found["warnings"][0]["delta_cents"] == amount
    charges = [charge(1, amount_cents=amount), charge(2, amount_cents=amount)]
    [row] = answer(plan, "balances", payments=payments, charges=[*charges, charges[0]])["balances"]
    assert (row["charged_cents"], row["balance_cents"]) == (3 * amount, amount)


def test_a_reversal_does_not_stand(plan: Plan) -> None:
    given = {"units": [{"unit_id": "u", "rent_amount_cents": 5}], "payments": [payment(1)]}
    reversal = charge(1, reverses_charge_id="c0", amount_cents=-100)
    found = answer(plan, "charge_backfill", **given, charges=[reversal])
    assert found["counts"]["to_create"] == 1
    found = answer(plan, "charge_backfill", **given, charges=[reversal, charge(2), charge(3)])
    assert found["counts"] == {
        "keys_with_payments": 1,
        "to_create": 0,
        "already_charged": 1,
        "quarantined": 0,
    }


def test_null_periods_are_one_key_and_no_period(plan: Plan) -> None:
    payments = [
        payment(1, billing_period=None),
        payment(2, billing_period=None),
        payment(3, billing_period=""),
        payment(4, unit_id="other", billing_period=None, status="failed"),
    ]
    charges = [
        charge(1, billing_period=None),
        charge(2, billing_period=None, tenant_id="s"),
        charge(3, billing_period=None, unit_id="other"),
    ]
    found = answer(plan, "charge_backfill", units=[], payments=payments, charges=charges)
    assert [row["billing_period"] for row in found["quarantined"]] == [None, ""]
    assert {row["reason"] for row in found["quarantined"]} == {"invalid_billing_period"}
    assert found["orphan_payment_ids"] == ["p1", "p2", "p3"]
    assert found["orphan_charge_ids"] == ["c2", "c3"]


def test_the_year_0_has_periods(plan: Plan) -> None:
    given = {"units": [{"unit_id": "u"}], "payments": [payment(1, billing_period="0000-12")]}
    [made] = answer(plan, "charge_backfill", **given)["charges_to_create"]
    assert made["description"] == "Rent for 0000-12"


def test_keys_sort_by_code_point(plan: Plan) -> None:
    renters = ["b", "B", "a:b", "a", "🙂", "\uffee", "é", "e\u0301"]
    payments = [payment(n, tenant_id=renter) for n, renter in enumerate(renters)]
    unit = {"unit_id": "u", "rent_amount_cents": 1}
    found = answer(plan, "charge_backfill", units=[unit], payments=payments)
    assert [made["tenant_id"] for made in found["charges_to_create"]] == sorted(renters)
    balances = answer(plan, "balances", payments=payments)["balances"]
    assert [row["tenant_id"] for row in balances] == sorted(renters)


def test_rows_stand_over_their_defaults(plan: Plan) -> None:
    defaults = payment(0) | {"effective_on": DAY, "type": "rent"}
    given = {
        "row_defaults": defaults,
        "payments": [{"payment_id": "p"}, {"payment_id": "q", "status": None}],
        "charges": [{"charge_id": "c", "billing_period": "2024-02"}],
    }
    found = answer(plan, "charge_backfill", units=[{"unit_id": "u"}], **given)
    assert [made["amount_cents"] for made in found["charges_to_create"]] == [100]
    assert found["orphan_charge_ids"] == ["c"]
    [row] = answer(plan, "balances", **given)["balances"]
    assert (row["charged_cents"], row["paid_cents"]) == (100, 100)


def test_a_status_or_type_of_null_counts_nowhere(plan: Plan) -> None:
    unread = payment(1, status=None)
    found = answer(
        plan, "charge_backfill", units=[], payments=[unread], charges=[charge(1, type=None)]
    )
    assert found["counts"]["keys_with_payments"] == 0
    assert found["orphan_charge_ids"] == []
    [row] = answer(plan, "balances", payments=[unread])["balances"]
    assert (row["paid_cents"], row["pending_cents"]) == (0, 0)


def test_nothing_gives_nothing(plan: Plan) -> None:
    assert answer(plan, "balances") == {"balances": []}
    found = answer(plan, "charge_backfill", units=[], payments=[], charges=None)
    assert found.pop("counts") == dict.fromkeys(
        ("keys_with_payments", "to_create", "already_charged", "quarantined"), 0
    )
    assert list(found.values()) == [[]] * 6


@pytest.mark.parametrize(
    ("operation", "given", "reason"),
    [
        (
            "balances",
            {"charges": [charge(1, amount_cents=1.5)]},
            "amount_cents is 1.5, not a whole",
        ),
        (
            "balances",
            {"charges": [charge(1, amount_cents="1")]},
            'amount_cents is "1", not a whole',
        ),
        (
            "balances",
            {"as_of": DAY, "charges": [charge(1, effective_on=None)]},
            "effective_on is null, not a day",
        ),
        (
            "balances",
            {"as_of": DAY, "payments": [payment(1, paid_on="soon")]},
            'paid_on is "soon", not a day',
        ),
        ("balances", {"as_of": "2024-02-30"}, "date field value out of range"),
        ("charge_backfill", {"payments": [payment(1, tenant_id=None)]}, "tenant_id is null, not a"),
        ("charge_backfill", {"payments": [payment(1, amount_cents=[])]}, "amount_cents is []"),
        (
            "charge_backfill",
            {"payments": [payment(1)], "units": [{"rent_amount_cents": 1}]},
            "unit_id is missing, not a text",
        ),
        ("charge_backfill", {"payments": [payment(1)], "units": {}}, "units is {}"),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(
    plan: Plan, operation: str, given: object, reason: str
) -> None:
    [fault] = plan(operation, [json.dumps(given).encode()])
    assert isinstance(fault, Fault)
    assert reason in fault.reason
