"""Rent of tenancies, paid or not: months, proration, what is left alone."""

from datetime import date

import pytest

from tests.charges.owner import Owner, refused
from tests.charges.runs import (
    AS_OF,
    assert_adds_up,
    backfill,
    perform,
    post_rent,
    record,
    rents,
    tenancy,
)
from tests.notices import Notices
from tests.service_periods.books import fingerprint

R1 = ("r-1", "u-1")


def test_who_never_paid_owes_rent(owner: Owner) -> None:
    tenancy(owner, "2026-03-01")
    assert post_rent(owner, run_key="k") == (3, 1, "done")
    assert rents(owner) == {
        (*R1, f"2026-{month:02}"): (100_000, date(2026, month, 1)) for month in (3, 4, 5)
    }
    assert owner.balance() == 300_000
    [charge, *_] = owner.rows("charges").values()
    assert (charge["description"][:9], charge["created_by"]) == ("Rent for ", None)
    assert charge["source_run_key"] == "k"


@pytest.mark.parametrize(
    ("start", "end", "amounts"),
    [
        ("2026-03-16", None, [51_613, 100_000, 100_000]),  # 16 of 31 days
        ("2026-03-31", None, [3_226, 100_000, 100_000]),
        ("2026-03-01", "2026-03-02", [3_226]),
        ("2026-03-10", "2026-03-25", [48_387]),
        ("2026-04-16", "2026-05-16", [50_000, 48_387]),
        ("2026-03-01", "2026-05-01", [100_000, 100_000]),
        ("2026-05-20", None, [38_710]),
        ("2026-05-21", None, []),
        ("2028-02-01", None, []),
    ],
)
def test_both_ends_are_prorated(
    owner: Owner, start: str, end: str | None, amounts: list[int]
) -> None:
    tenancy(owner, start, end)
    post_rent(owner)
    found = sorted(rents(owner).items())
    assert [amount for _, (amount, _) in found] == amounts
    if found:
        assert found[0][1][1] == date.fromisoformat(start)


def test_half_a_cent_is_rounded_away_from_zero(owner: Owner) -> None:
    owner.unit("u-3", 1)
    tenancy(owner, "2026-04-16", "2026-05-01", unit_id="u-3")
    post_rent(owner)
    assert rents(owner)["r-1", "u-3", "2026-04"][0] == 1


def test_through_another_day(owner: Owner) -> None:
    tenancy(owner, "2026-05-01")
    assert post_rent(owner, through="2026-07-01") == (3, 1, "done")
    assert max(rents(owner))[2] == "2026-07"
    assert post_rent(owner, through="2026-06-30") == (0, 1, "nothing_to_do")


def test_two_tenancies_in_a_month_are_one_charge(owner: Owner) -> None:
    tenancy(owner, "2026-04-01", "2026-04-11")
    tenancy(owner, "2026-04-06", "2026-04-16")
    tenancy(owner, "2026-04-21", "2026-05-01")
    assert post_rent(owner) == (1, 1, "done")
    assert rents(owner)[*R1, "2026-04"] == (83_333, date(2026, 4, 1))


def test_a_month_already_charged_is_left_alone(owner: Owner) -> None:
    tenancy(owner, "2026-03-01")
    charge = owner.post(amount_cents=1, billing_period="2026-04")
    owner.payment(period="2026-05")
    assert backfill(owner) == (1, 1, "done")
    assert post_rent(owner, run_key="k") == (1, 1, "done")
    assert_adds_up(record(owner, "k")["counts"])
    owner.reverse(charge)
    assert post_rent(owner) == (1, 1, "done")
    assert {amount for amount, _ in rents(owner).values()} == {100_000}


def test_a_unit_without_rent_is_reported(owner: Owner) -> None:
    owner.unit("u-0", 0)
    tenancy(owner, "2026-04-01", unit_id="u-2")
    tenancy(owner, "2026-05-01", unit_id="u-0")
    tenancy(owner, "2026-05-01")
    assert post_rent(owner, run_key="k") == (1, 1, "escalated")
    plan = owner.select("plan_rent", as_of=AS_OF)
    assert [(row["unit_id"], row["action"], row["quarantine_reason"]) for row in plan] == [
        ("u-0", "quarantine", "non_positive_amount"),
        ("u-1", "already_charged", None),
        ("u-2", "quarantine", "unknown_rent"),
        ("u-2", "quarantine", "unknown_rent"),
    ]
    run = record(owner, "k")
    assert (run["units_escalated"], run["new_escalations"]) == (2, 2)
    assert_adds_up(run["counts"])


def test_the_dry_run_is_what_is_posted(owner: Owner) -> None:
    for renter in ("a", "b", "c"):
        tenancy(owner, "2026-02-14", tenant_user_id=renter)
    before = fingerprint(owner.database)
    notices = Notices(owner.database)
    assert post_rent(owner, dry_run=True) == (12, 0, "done")
    assert fingerprint(owner.database) == before
    [summary] = owner.select("rent_summary", as_of=AS_OF)
    reviewed = notices.details[0]["plan_hash"]
    assert summary["plan_hash"] == reviewed
    assert (summary["keys"], summary["to_create"]) == (12, 12)
    plan = owner.select("plan_rent", as_of=AS_OF)
    assert post_rent(owner, expected_plan_hash=reviewed, batch_size=2) == (12, 2, "done")
    assert rents(owner) == {
        (row["tenant_user_id"], row["unit_id"], row["billing_period"]): (
            row["amount_cents"],
            row["effective_on"],
        )
        for row in plan
    }
    assert post_rent(owner, expected_plan_hash=reviewed) == (0, 0, "stale_plan")


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ledger.tenancies SET start_on = '2026-05-11', end_on = '2026-05-16'",
        "UPDATE ledger.properties SET currency = 'CHF'",
    ],
)
def test_days_and_currency_are_of_the_plan_that_was_reviewed(owner: Owner, change: str) -> None:
    owner.unit("u-3", 100_000, "EUR")
    tenancy(owner, "2026-05-01", "2026-05-06", unit_id="u-3")
    [reviewed] = owner.select("rent_summary", as_of=AS_OF)
    owner.database.execute(f"{change} WHERE tenant = %s".encode(), (owner.tenant,))
    [now] = owner.select("rent_summary", as_of=AS_OF)
    assert now["charges_cents"] == reviewed["charges_cents"]
    status = post_rent(owner, expected_plan_hash=reviewed["plan_hash"])[2]
    assert (status, rents(owner)) == ("stale_plan", {})


def test_the_currency_is_the_propertys(owner: Owner) -> None:
    owner.unit("u-3", 100_000, "CHF")
    owner.payment(currency="EUR", period="2026-01", unit_id="u-3")
    tenancy(owner, "2026-05-01", unit_id="u-3")
    tenancy(owner, "2026-05-01")
    post_rent(owner)
    charges = owner.rows("charges").values()
    assert {row["unit_id"]: row["currency"] for row in charges} == {"u-1": "USD", "u-3": "CHF"}


@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"as_of": None}, "p_as_of is null"),
        ({"as_of": "infinity"}, "p_as_of is infinity"),
        ({"through": "2036-06-01"}, "p_through is 2036-06-01"),
        ({"through": "infinity"}, "p_through is infinity"),
        ({"lock_timeout": None}, "p_lock_timeout is null"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_refused(owner: Owner, arguments: dict[str, object], detail: str, dry_run: bool) -> None:
    with refused("DC001", detail=detail):
        post_rent(owner, dry_run=dry_run, **arguments)


def test_positional(owner: Owner) -> None:
    tenancy(owner, "2026-05-01")
    [result] = owner.database.execute(
        "CALL ledger.post_rent(%s, '2026-05-01', '2026-06-01', 'k')", (owner.tenant,)
    )
    assert result == (2, 1, "done")
    assert perform(owner, "post_rent", as_of="2026-05-01", through="2026-06-01", run_key="k") == {
        "o_rows": 2,
        "o_batches": 1,
        "o_status": "done",
    }
