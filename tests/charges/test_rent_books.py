"""The rent books come in whole and end as their expected answers say."""

from collections import Counter
from decimal import Decimal
from typing import Any

import pytest
from psycopg.rows import dict_row

from tests.conftest import Database
from tests.rent import OWNER, RENT

EXPECTED = RENT.read("expected.json")
BACKFILL = EXPECTED["backfill"]
FINDINGS = RENT.read("manifest.json")["expected_findings"]
KEY = ("tenant_id", "unit_id", "billing_period")
DAYS = ("covered_days", "period_days")

Row = dict[str, Any]


def select(database: Database, reading: str, **arguments: object) -> list[Row]:
    """Return the rows of a reading of the owner's books; the renter under the vectors' name."""
    named = ", ".join(f"p_{name} => %({name})s" for name in ("tenant", *arguments))
    cursor = database.cursor(row_factory=dict_row)
    cursor.execute(f"SELECT * FROM ledger.{reading}({named})", {"tenant": OWNER, **arguments})
    return [
        {"tenant_id" if name == "tenant_user_id" else name: value for name, value in row.items()}
        for row in cursor
    ]


def backfill(database: Database) -> tuple[Any, ...]:
    """Run the backfill; return rows, batches and status."""
    [result] = database.execute(
        "CALL ledger.backfill_charges(p_tenant => %s, p_batch_size => 50)", (OWNER,)
    )
    return result


def only(row: Row, *names: str) -> Row:
    return {name: row[name] for name in names}


def test_every_line_is_kept(rent_database: Database) -> None:
    for table in RENT.read("manifest.json")["tables"]:
        query = f"SELECT count(*) FROM ledger.{table['table']}".encode()
        assert rent_database.execute(query).fetchone() == (table["rows"],)


@pytest.mark.parametrize("reason", ["invalid_billing_period", "unknown_unit"])
def test_payments_are_quarantined(rent_database: Database, reason: str) -> None:
    found = rent_database.execute(
        "SELECT payment_id FROM ledger.payments WHERE quarantine_reason = %s", [reason]
    )
    assert {key for (key,) in found} == {finding["payment_id"] for finding in FINDINGS[reason]}


def test_reversed_rent_is_marked(rent_database: Database) -> None:
    found = rent_database.execute(
        "SELECT c.charge_id, c.reversed_at = r.effective_on::timestamp AT TIME ZONE 'UTC'"
        " FROM ledger.charges AS c JOIN ledger.charges AS r"
        " ON (r.tenant, r.reverses_charge_id) = (c.tenant, c.charge_id)"
        " WHERE c.reversed_at IS NOT NULL"
    ).fetchall()
    assert dict(found) == {finding["charge_id"]: True for finding in FINDINGS["reversed_rent"]}


def test_the_plan_is_as_expected(rent_database: Database) -> None:
    plan = select(rent_database, "plan_charge_backfill")
    created = [row for row in plan if row["action"] == "create"]
    assert [
        {
            **only(row, *KEY, "type", "amount_cents", "description", *DAYS),
            "created_by": None,
            "effective_on": row["effective_on"].isoformat(),
        }
        for row in created
    ] == BACKFILL["charges_to_create"]
    assert [only(row, *KEY) for row in plan if row["action"] == "already_charged"] == BACKFILL[
        "already_charged"
    ]
    assert [
        {**only(row, *KEY), "reason": row["quarantine_reason"]}
        for row in plan
        if row["action"] == "quarantine"
    ] == BACKFILL["quarantined"]
    assert [
        {**only(row, *KEY), "kind": kind}
        | ({"delta_cents": row["delta_cents"]} if kind == "amount_differs_from_payments" else {})
        for row in created
        for kind in row["warnings"]
    ] == BACKFILL["warnings"]


def test_the_summary_counts_the_plan(rent_database: Database) -> None:
    [summary] = select(rent_database, "charge_backfill_summary")
    assert only(summary, *BACKFILL["counts"]) == BACKFILL["counts"]
    assert summary["charges_cents"] == sum(
        charge["amount_cents"] for charge in BACKFILL["charges_to_create"]
    )
    assert summary["quarantine_reasons"] == Counter(
        found["reason"] for found in BACKFILL["quarantined"]
    )
    assert summary["warnings"] == Counter(found["kind"] for found in BACKFILL["warnings"])


def balances(database: Database) -> list[Row]:
    names = ("charged_cents", "paid_cents", "refunded_cents", "pending_cents", "balance_cents")
    return [only(row, *KEY[:2], *names) for row in select(database, "balances", as_of="2026-11-20")]


def test_balances_before_and_after(rent_database: Database) -> None:
    made: dict[tuple[str, str], int] = {}
    for charge in BACKFILL["charges_to_create"]:
        key = (charge["tenant_id"], charge["unit_id"])
        made[key] = made.get(key, 0) + charge["amount_cents"]
    expected = EXPECTED["balances_after_backfill"]["balances"]
    before = [
        {
            **row,
            "charged_cents": row["charged_cents"] - made.get((row["tenant_id"], row["unit_id"]), 0),
            "balance_cents": row["balance_cents"] - made.get((row["tenant_id"], row["unit_id"]), 0),
        }
        for row in expected
    ]
    assert balances(rent_database) == before
    assert backfill(rent_database) == (BACKFILL["counts"]["to_create"], 5, "escalated")
    assert balances(rent_database) == expected


def test_orphans_after(rent_database: Database) -> None:
    backfill(rent_database)
    orphans = select(rent_database, "orphans")
    for kind, ids in (
        ("payment_without_charge", BACKFILL["orphan_payment_ids"]),
        ("charge_without_payment", BACKFILL["orphan_charge_ids"]),
    ):
        assert [row["id"] for row in orphans if row["kind"] == kind] == ids
    assert len(orphans) == len(BACKFILL["orphan_payment_ids"] + BACKFILL["orphan_charge_ids"])


def test_nothing_is_left_to_do_after(rent_database: Database) -> None:
    backfill(rent_database)
    [summary] = select(rent_database, "charge_backfill_summary")
    counts = BACKFILL["counts"]
    assert only(summary, *counts) == {
        **counts,
        "to_create": 0,
        "already_charged": counts["to_create"] + counts["already_charged"],
    }
    assert backfill(rent_database)[0] == 0


def test_every_balance_is_explained(rent_database: Database) -> None:
    explained = rent_database.execute(
        "SELECT b.balance_cents, coalesce(sum(e.amount_cents), 0)"
        " FROM ledger.balances(%(t)s, '2026-05-31') AS b"
        " LEFT JOIN LATERAL ledger.explain_balance(%(t)s, b.tenant_user_id, b.unit_id,"
        " '2026-05-31') AS e ON true GROUP BY b.tenant_user_id, b.unit_id, b.balance_cents",
        {"t": OWNER},
    ).fetchall()
    assert len(explained) == len(EXPECTED["balances_after_backfill"]["balances"])
    assert [(Decimal(balance), total) for balance, total in explained] == [
        (total, total) for _, total in explained
    ]


def test_who_never_paid_has_no_account(rent_database: Database) -> None:
    accounts = {(row["tenant_id"], row["unit_id"]) for row in select(rent_database, "balances")}
    never = {(found["tenant_user_id"], found["unit_id"]) for found in FINDINGS["never_paid"]}
    assert never
    assert not never & accounts


def test_the_dry_run_is_what_is_made(rent_database: Database) -> None:
    names = "tenant_user_id, unit_id, billing_period, type, amount_cents, currency, description"
    planned = rent_database.execute(
        f"SELECT {names}, effective_on FROM ledger.plan_charge_backfill(%s)"
        " WHERE action = 'create'".encode(),
        (OWNER,),
    ).fetchall()
    backfill(rent_database)
    made = rent_database.execute(
        f"SELECT {names}, effective_on FROM ledger.charges WHERE source_run_key IS NOT NULL"
        " AND created_by IS NULL ORDER BY tenant_user_id, unit_id, billing_period".encode()
    ).fetchall()
    assert made == planned


def test_nobody_is_charged_twice_by_posting_rent_after(rent_database: Database) -> None:
    backfill(rent_database)
    months = rent_database.execute(
        "SELECT p.tenant_user_id, p.unit_id, p.billing_period, p.action"
        " FROM ledger.plan_rent(%s, '2026-11-20') AS p",
        (OWNER,),
    ).fetchall()
    charged = {month[:3] for month in months if month[3] == "already_charged"}
    rent_database.execute("CALL ledger.post_rent(%s, '2026-11-20', p_run_key => 'rent')", (OWNER,))
    posted = rent_database.execute(
        "SELECT tenant_user_id, unit_id, billing_period FROM ledger.charges"
        " WHERE source_run_key = 'rent'"
    ).fetchall()
    assert charged
    assert charged.isdisjoint(posted)
    assert set(posted) == {month[:3] for month in months if month[3] == "create"}
    never = {(found["tenant_user_id"], found["unit_id"]) for found in FINDINGS["never_paid"]}
    rented = {month[:2] for month in months if month[3] != "quarantine"}
    assert never & rented <= {(renter, unit) for renter, unit, _ in posted}
    twice = rent_database.execute(
        "SELECT FROM ledger.charges WHERE type = 'rent' AND reverses_charge_id IS NULL"
        " AND reversed_at IS NULL AND billing_period IS NOT NULL"
        " GROUP BY tenant_user_id, unit_id, billing_period HAVING count(*) > 1"
    )
    assert twice.fetchall() == []
    assert rent_database.execute(
        "CALL ledger.post_rent(%s, '2026-11-20')", (OWNER,)
    ).fetchone() == (0, 1, "escalated")
