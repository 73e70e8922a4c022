"""The rent that tenancies owe, a row a month: what is charged, how much, and what is not."""

from datetime import date

import pytest

from tests.charges.owner import Owner, Row, refused
from tests.charges.runs import AS_OF, tenancy


def plan(owner: Owner, **arguments: object) -> list[Row]:
    return owner.select("plan_rent", **{"as_of": AS_OF, **arguments})


def test_a_month_says_all(owner: Owner) -> None:
    tenancy(owner, "2026-03-16")
    owner.unit("u-0", 0)
    tenancy(owner, "2026-05-01", unit_id="u-0")
    tenancy(owner, "2026-05-01", unit_id="u-2")
    charge = owner.charge(1, period="2026-04")
    march, april, may = date(2026, 3, 16), date(2026, 4, 1), date(2026, 5, 1)
    rents = {
        (row["unit_id"], row["action"], row["amount_cents"], row["effective_on"]): row
        for row in plan(owner)
    }
    assert list(rents) == [
        ("u-0", "quarantine", 0, may),
        ("u-1", "create", 51_613, march),
        ("u-1", "already_charged", 100_000, april),
        ("u-1", "create", 100_000, may),
        ("u-2", "quarantine", None, may),
    ]
    zero, first, second, third, unknown = rents.values()
    assert (first["covered_days"], first["period_days"]) == (16, 31)
    assert [row["charge_id"] for row in (first, second, third)] == [None, charge, None]
    assert zero["quarantine_reason"] == "non_positive_amount"
    assert unknown["quarantine_reason"] == "unknown_rent"


def test_months_that_have_begun_by_another_day(owner: Owner) -> None:
    tenancy(owner, "2026-05-01")
    periods = {
        through: [row["billing_period"] for row in plan(owner, through=through)]
        for through in (None, "2026-04-30", "2026-05-01", "2026-07-01")
    }
    assert periods == {
        None: ["2026-05"],
        "2026-04-30": [],
        "2026-05-01": ["2026-05"],
        "2026-07-01": ["2026-05", "2026-06", "2026-07"],
    }


@pytest.mark.parametrize("reading", ["plan_rent", "rent_summary"])
@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"as_of": None}, "p_as_of is null"),
        ({"as_of": "infinity"}, "p_as_of is infinity"),
        ({"as_of": AS_OF, "through": "2036-06-01"}, "p_through is 2036-06-01"),
    ],
)
def test_days_that_are_none(
    owner: Owner, reading: str, arguments: dict[str, object], detail: str
) -> None:
    with refused("DC001", detail, "Call again"):
        owner.select(reading, **arguments)


def test_tenancies_and_dated_rents_decide(owner: Owner) -> None:
    for day, rent in (("2026-01-01", 90_000), ("2026-04-01", 120_000)):
        owner.insert("ledger.unit_rents", unit_id="u-2", effective_from=day, rent_amount_cents=rent)
    tenancy(owner, "2026-03-15", unit_id="u-2")
    tenancy(owner, "2026-05-01", "2026-05-11", rent_amount_cents=31_000)
    tenancy(owner, "2026-05-11", rent_amount_cents=62_000)
    assert [
        (row["unit_id"], row["amount_cents"], row["effective_on"].isoformat())
        for row in plan(owner)
    ] == [
        ("u-1", 31_000, "2026-05-01"),
        ("u-2", 49_355, "2026-03-15"),
        ("u-2", 120_000, "2026-04-01"),
        ("u-2", 120_000, "2026-05-01"),
    ]


def test_a_month_has_the_days_of_all_its_tenancies(owner: Owner) -> None:
    tenancy(owner, "2026-05-01", "2026-05-11")
    tenancy(owner, "2026-05-21")
    [row] = plan(owner, through="2026-05-01")
    assert (row["covered_days"], row["amount_cents"]) == (21, 67_742)


def test_roommates_are_shown(owner: Owner) -> None:
    tenancy(owner, "2026-04-01")
    tenancy(owner, "2026-05-01", tenant_user_id="r-2", rent_amount_cents=50_000)
    owner.charge(1, tenant_user_id="r-3", period="2026-04")
    assert [
        (row["billing_period"], row["amount_cents"], row["warnings"]) for row in plan(owner)
    ] == [
        ("2026-04", 100_000, ["shared_unit"]),
        ("2026-05", 100_000, ["shared_unit"]),
        ("2026-05", 50_000, ["shared_unit"]),
    ]
    [summary] = owner.select("rent_summary", as_of=AS_OF)
    assert summary["warnings"] == {"shared_unit": 3}


def test_a_key_with_a_duplicate_is_charged(owner: Owner) -> None:
    tenancy(owner, "2026-05-01")
    owner.charge(charge_id="z")
    owner.charge(charge_id="a", duplicates_charge_id="z")
    for standing in ("z", "a"):
        [row] = plan(owner)
        assert (row["action"], row["charge_id"]) == ("already_charged", standing)
        owner.reverse(standing)
    [row] = plan(owner)
    assert (row["action"], row["warnings"]) == ("create", [])
