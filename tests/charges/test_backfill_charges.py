"""The backfill as a run: dry, real, again, reviewed, in batches, of every tenant."""

from datetime import date

import psycopg
import pytest

from tests.charges.owner import HOSTILE, MOST, Owner, refused
from tests.charges.runs import assert_adds_up, backfill, fill, perform, plan_hash, record, rents
from tests.conftest import Database
from tests.notices import Notices
from tests.service_periods.books import fingerprint

RULES = {
    "unit_rent_first": 100_000,
    "whole_unit_rent": 100_000,
    "largest_payment": 60_000,
    "sum_of_payments": 90_000,
}


def test_nothing_to_do(owner: Owner) -> None:
    assert backfill(owner, run_key="k") == (0, 1, "nothing_to_do")
    assert_adds_up(record(owner, "k")["counts"])


def test_a_charge_a_key(owner: Owner) -> None:
    owner.payment()
    owner.payment(tenant_user_id=HOSTILE)
    owner.payment(period="2026-06", status="pending")
    assert backfill(owner, run_key="k") == (3, 1, "done")
    assert rents(owner) == {
        ("r-1", "u-1", "2026-05"): (100_000, date(2026, 5, 1)),
        (HOSTILE, "u-1", "2026-05"): (100_000, date(2026, 5, 1)),
        ("r-1", "u-1", "2026-06"): (100_000, date(2026, 6, 1)),
    }
    made = owner.rows("charges").values()
    assert {row["description"] for row in made} == {"Rent for 2026-05", "Rent for 2026-06"}
    assert {(row["created_by"], row["source_run_key"]) for row in made} == {(None, "k")}


def test_the_last_notice_names_the_query_that_validates(owner: Owner) -> None:
    owner.payment()
    owner.payment(unit_id="u-9")
    owner.charge(period="2026-06")
    hints: list[str | None] = []
    owner.database.add_notice_handler(lambda notice: hints.append(notice.message_hint))
    assert backfill(owner) == (1, 1, "escalated")
    query = str(hints[-1])
    assert sorted(owner.database.execute(query.encode()).fetchall()) == [
        ("charge_without_payment", 1),
        ("payment_without_charge", 1),
    ]


@pytest.mark.parametrize("rule", RULES)
def test_the_amount_rule(owner: Owner, rule: str) -> None:
    owner.payment(60_000)
    owner.payment(30_000)
    assert backfill(owner, amount_rule=rule, run_key="k") == (1, 1, "done")
    assert rents(owner)["r-1", "u-1", "2026-05"][0] == RULES[rule]
    assert record(owner, "k")["arguments"]["amount_rule"] == rule


def test_the_dry_run_is_what_is_made_and_a_second_run_makes_nothing(owner: Owner) -> None:
    fill(owner, 7)
    owner.charge(tenant_user_id="renter-3", period="2026-01")
    owner.payment(unit_id="u-9")
    before = fingerprint(owner.database)
    notices = Notices(owner.database)
    assert backfill(owner, dry_run=True) == (13, 0, "escalated")
    assert fingerprint(owner.database) == before
    [said] = notices.details
    assert said["plan_hash"] == plan_hash(owner)
    assert_adds_up(said)
    create = {
        (row["tenant_user_id"], row["unit_id"], row["billing_period"]): row["amount_cents"]
        for row in owner.select("plan_charge_backfill")
        if row["action"] == "create"
    }
    already = rents(owner).keys()
    assert backfill(owner, run_key="k", batch_size=3) == (13, 3, "escalated")
    made = {key: amount for key, (amount, _) in rents(owner).items() if key not in already}
    assert made == create
    counts = record(owner, "k")["counts"]
    assert counts == {name: said[name] for name in counts}
    assert notices.details[-2]["counts"] == counts
    assert backfill(owner, run_key="again") == (0, 1, "escalated")
    again = record(owner, "again")
    assert (again["units_escalated"], again["new_escalations"]) == (1, 0)
    assert again["counts"]["already_charged"] == counts["to_create"] + counts["already_charged"]


def test_a_plan_that_tries_to_write_cannot(database: Database) -> None:
    owner = Owner(database)
    database.execute(
        "CREATE OR REPLACE FUNCTION ledger.next_account(p_tenant uuid, p_of_tenancies boolean,"
        " p_from uuid, p_batch_size integer) RETURNS uuid LANGUAGE plpgsql AS $$ BEGIN"
        " INSERT INTO ops.tenant_locks (tenant) VALUES (p_tenant) ON CONFLICT DO NOTHING;"
        " RETURN NULL; END $$"
    )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        backfill(owner, dry_run=True)
    assert backfill(owner) == (0, 1, "nothing_to_do")


def test_what_is_in_quarantine_is_left_and_recorded(owner: Owner) -> None:
    owner.payment(unit_id="u-9")
    owner.payment(0, unit_id="u-2", period="2026-04")
    owner.payment(unit_id="u-2", period="2026-13")
    owner.payment(MOST)
    assert backfill(owner, run_key="k", amount_rule="largest_payment") == (1, 1, "escalated")
    counts = record(owner, "k")["counts"]
    assert (counts["quarantined"], counts["accounts_escalated"]) == (3, 2)
    assert_adds_up(counts)
    noted = owner.database.execute(
        "SELECT reasons, jsonb_array_length(captured_rows) FROM ops.run_escalations"
        " WHERE tenant = %s ORDER BY 2",
        (owner.tenant,),
    ).fetchall()
    assert noted == [
        (["unknown_unit"], 1),
        (["invalid_billing_period", "non_positive_amount"], 2),
    ]


def test_a_reviewed_plan_is_done_or_stale(owner: Owner) -> None:
    fill(owner, 5)
    reviewed = plan_hash(owner)
    assert backfill(owner, expected_plan_hash=reviewed, run_key="k", batch_size=2) == (
        10,
        3,
        "done",
    )
    owner.payment()
    assert backfill(owner, expected_plan_hash=reviewed) == (0, 0, "stale_plan")
    assert len(rents(owner)) == 10


def test_a_charge_posted_between_two_batches_makes_the_reviewed_plan_stale(owner: Owner) -> None:
    fill(owner, 5)
    reviewed = {"expected_plan_hash": plan_hash(owner), "run_key": "k", "batch_size": 2}
    assert backfill(owner, **reviewed, max_batches=1) == (4, 1, "partial")
    left = {f"renter-{n}" for n in range(1, 6)} - {renter for renter, _, _ in rents(owner)}
    owner.post(tenant_user_id=max(left), billing_period="2026-01")
    last = backfill(owner, **reviewed)
    assert last[2] == "stale_plan"
    assert len(rents(owner)) == last[0] + 1 < 10


def test_a_batch_that_is_not_the_reviewed_one_writes_nothing(owner: Owner) -> None:
    owner.payment()
    first = "00000000-0000-0000-0000-000000000000"
    [(is_stale,)] = owner.database.execute(
        "SELECT w.o_is_stale FROM ledger._backfill_charges_write(%s,"
        " '{\"amount_rule\": \"unit_rent_first\"}', %s, NULL, 'another', NULL) AS w",
        (owner.tenant, first),
    )
    assert is_stale
    assert rents(owner) == {}


def test_one_key_resumes_and_returns_its_result(owner: Owner) -> None:
    fill(owner, 5)
    assert backfill(owner, run_key="k", batch_size=2, max_batches=1) == (4, 1, "partial")
    assert backfill(owner, run_key="k", batch_size=2) == (10, 3, "done")
    run = record(owner, "k")
    assert (run["units_done"], run["units_total"]) == (5, 5)
    assert (run["counts"]["to_create"], run["counts"]["charges_cents"]) == (10, 1_000_000)
    owner.payment()
    assert backfill(owner, run_key="k", batch_size=2) == (10, 3, "done")
    with refused("DC005", detail="k of backfill_charges", hint="another p_run_key"):
        backfill(owner, run_key="k", amount_rule="sum_of_payments")


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "detail"),
    [
        ({"amount_rule": "whatever"}, "DC001", "p_amount_rule is 'whatever'"),
        ({"amount_rule": None}, "DC001", "p_amount_rule is NULL"),
        ({"batch_size": 0}, "DC001", "p_batch_size is 0"),
        ({"run_key": ""}, "DC001", "p_run_key is empty"),
        ({"tenant": "0" * 32}, "DC002", "00000000-0000"),
    ],
)
@pytest.mark.parametrize("dry_run", [True, False])
def test_refused(
    owner: Owner, arguments: dict[str, object], sqlstate: str, detail: str, dry_run: bool
) -> None:
    with refused(sqlstate, detail=detail):
        backfill(owner, dry_run=dry_run, **arguments)


def test_every_tenant(database: Database) -> None:
    owners = [Owner(database), Owner(database)]
    for owner in owners:
        fill(owner, 3)
    assert backfill(owners[0], tenant=None, dry_run=True)[:2] == (12, 0)
    assert backfill(owners[0], tenant=None, run_key="k")[0] == 12
    assert [len(rents(owner)) for owner in owners] == [6, 6]
    with refused("DC001", detail="a plan hash, client or schedule is of one tenant"):
        backfill(owners[0], tenant=None, expected_plan_hash="x")


def test_not_inside_a_transaction_block(owner: Owner) -> None:
    with (
        pytest.raises(psycopg.errors.InvalidTransactionTermination),
        owner.database.transaction(),
    ):
        perform(owner, "backfill_charges")


def test_rent_is_in_the_propertys_currency_and_a_payment_in_its_own(owner: Owner) -> None:
    owner.unit("u-3", 100_000, "CHF")
    for unit in ("u-1", "u-2", "u-3"):
        owner.payment(unit_id=unit, currency="EUR")
    assert backfill(owner) == (3, 1, "done")
    charges = owner.rows("charges").values()
    assert {row["unit_id"]: row["currency"] for row in charges} == {
        "u-1": "USD",
        "u-2": "EUR",
        "u-3": "CHF",
    }
