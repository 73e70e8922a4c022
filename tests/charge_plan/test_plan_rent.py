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
