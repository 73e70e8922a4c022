"""Random ledgers: the plan adds up, batches add up to it, charging it leaves nothing to charge."""

from collections import Counter
from datetime import date, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.charges.owner import MOST, Owner, Row
from tests.conftest import Database

BUCKETS = {"create": "to_create", "already_charged": "already_charged", "quarantine": "quarantined"}
RULES = ["unit_rent_first", "whole_unit_rent", "largest_payment", "sum_of_payments"]
RENTERS, UNITS = ["a", "a:b", "é'🙂"], ["u-1", "u-2", "b:u-1", "missing"]
PERIODS = ["2026-05", "2026-06", "2026-13", "", None]
MIDDLE = "80000000-0000-0000-0000-000000000000"

days = st.integers(0, 60).map(lambda day: date(2026, 5, 1) + timedelta(day))
cents = st.sampled_from([-5, 0, 1, 100_000, 60_000, 2**32, MOST])
payments = st.fixed_dictionaries(
    {
        "tenant_user_id": st.sampled_from(RENTERS),
        "unit_id": st.sampled_from(UNITS),
        "amount": st.one_of(st.none(), cents),
        "period": st.sampled_from(PERIODS),
        "status": st.sampled_from(["succeeded", "succeeded", "pending", "failed", "Succeeded"]),
        "paid_on": st.one_of(st.none(), days),
        "refunded_cents": st.sampled_from([0, 0, 1, 60_000]),
        "refunded_on": st.one_of(st.none(), days),
    }
)
charges = st.fixed_dictionaries(
    {
        "tenant_user_id": st.sampled_from(RENTERS),
        "unit_id": st.sampled_from(UNITS),
        "amount": cents,
        "period": st.sampled_from(["2026-05", "2026-06", None]),
        "type": st.sampled_from(["rent", "rent", "rent", "late_fee", "credit", "adjustment"]),
        "effective_on": days,
        "reversed": st.booleans(),
    }
)
ledgers = st.tuples(st.lists(payments, max_size=12), st.lists(charges, max_size=8))
examples = settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def fill(database: Database, ledger: tuple[list[Row], list[Row]]) -> Owner:
    """Make an owner with these payments and charges; of two rents of a key the first."""
    owner = Owner(database)
    owner.unit("b:u-1", -5)
    for payment in ledger[0]:
        owner.payment(**payment)
    standing = set()
    for given_charge in ledger[1]:
        charge: dict[str, Any] = {**given_charge}
        is_reversed = charge.pop("reversed")
        key = (charge["tenant_user_id"], charge["unit_id"], charge["period"])
        if charge["type"] == "rent" and charge["period"] and not is_reversed:
            if key in standing:
                continue
            standing.add(key)
        elif charge["type"] == "rent" and key in standing:
            continue
        made = owner.charge(**charge)
        if is_reversed:
            owner.reverse(made)
    return owner


@examples
@given(ledger=ledgers, rule=st.sampled_from(RULES))
def test_counts_and_cents_add_up(
    shared_database: Database, ledger: tuple[list[Row], list[Row]], rule: str
) -> None:
    owner = fill(shared_database, ledger)
    plan = owner.select("plan_charge_backfill", amount_rule=rule)
    [summary] = owner.select("charge_backfill_summary", amount_rule=rule)
    counted = [
        payment
        for payment in owner.rows("payments").values()
        if payment["status"] in ("succeeded", "pending")
    ]
    keys = Counter((p["tenant_user_id"], p["unit_id"], p["billing_period"]) for p in counted)
    found = [(row["tenant_user_id"], row["unit_id"], row["billing_period"]) for row in plan]
    assert sorted(map(str, found)) == sorted(map(str, keys))
    assert summary["keys_with_payments"] == len(keys)
    assert sum(summary[bucket] for bucket in BUCKETS.values()) == len(keys)
    cents_of = {payment["payment_id"]: payment["amount_cents"] or 0 for payment in counted}
    for action, bucket in BUCKETS.items():
        rows = [row for row in plan if row["action"] == action]
        assert summary[bucket] == len(rows)
        assert summary[f"payments_cents_{bucket}"] == sum(
            cents_of.pop(payment) for row in rows for payment in row["payment_ids"]
        )
    assert cents_of == {}
    assert summary["payments_cents"] == sum(p["amount_cents"] or 0 for p in counted)

    first = "00000000-0000-0000-0000-000000000000"
    halves = [owner.select_batch(rule, *bounds) for bounds in ((first, MIDDLE), (MIDDLE, None))]
    for name in halves[0][0].keys() & summary.keys():
        assert sum(counts[name] for counts, _ in halves) == summary[name]
    words = [a ^ b for a, b in zip(halves[0][1], halves[1][1], strict=True)]
    assert shared_database.execute(
        "SELECT ops.plan_hash(%s, %s, %s::bigint[])", [owner.tenant, f"charges:{rule}", words]
    ).fetchone() == (summary["plan_hash"],)


@examples
@given(ledger=ledgers, rule=st.sampled_from(RULES))
def test_charging_the_plan_leaves_nothing_to_charge(
    shared_database: Database, ledger: tuple[list[Row], list[Row]], rule: str
) -> None:
    owner = fill(shared_database, ledger)
    plan = owner.select("plan_charge_backfill", amount_rule=rule)
    for row in plan:
        if row["action"] == "create":
            owner.charge(
                row["amount_cents"],
                row["billing_period"],
                tenant_user_id=row["tenant_user_id"],
                unit_id=row["unit_id"],
                effective_on=row["effective_on"],
            )
    after = owner.select("plan_charge_backfill", amount_rule=rule)
    assert [row["action"] for row in after] == [
        "already_charged" if row["action"] == "create" else row["action"] for row in plan
    ]
    orphans = {row["id"] for row in owner.select("orphans") if row["kind"][0] == "p"}
    assert orphans == {
        payment for row in after if row["action"] == "quarantine" for payment in row["payment_ids"]
    }


@examples
@given(ledger=ledgers, as_of=st.one_of(st.none(), days))
def test_lines_add_up_to_balances(
    shared_database: Database, ledger: tuple[list[Row], list[Row]], as_of: date | None
) -> None:
    owner = fill(shared_database, ledger)
    balances = owner.select("balances", as_of=as_of)
    rows = [*owner.rows("payments").values(), *owner.rows("charges").values()]
    assert [(row["tenant_user_id"], row["unit_id"]) for row in balances] == sorted(
        {(row["tenant_user_id"], row["unit_id"]) for row in rows}
    )
    for row in balances:
        account = {name: row[name] for name in ("tenant_user_id", "unit_id")}
        lines = owner.select("explain_balance", **account, as_of=as_of)
        running = 0
        for line in lines:
            running += line["amount_cents"]
            assert line["running_balance_cents"] == running
            assert as_of is None or line["effective_on"] <= as_of
        assert row["balance_cents"] == running
        assert owner.select("balances", **account, as_of=as_of) == [row]
