"""The main job on the books: every row, reason, conflict and count as the expected answers say."""

import uuid
from collections.abc import Collection
from typing import Any

import pytest
from psycopg.rows import dict_row

from tests.books import BOOKS, EXPECTED, HARBOR, NORTHLIGHT
from tests.conftest import Database

AS_OF = "2026-11-20"
TENANTS = (NORTHLIGHT, HARBOR)
NAMESPACE = uuid.UUID("6f9b1a52-7c1e-5d0e-9a6e-0d6a4f1c2b3d")
COUNTS = (
    "backfilled", "escalated_rows", "preserved", "regenerated", "retained", "superseded",
    "unchanged",
)  # fmt: skip

Obligations = dict[str, dict[str, Any]]


def run(database: Database, tenant: str | None, accept: str | None = None) -> tuple[int, str]:
    """Backfill; give rows written and status."""
    row = database.execute(
        "CALL billing.backfill_service_periods(%s, %s, p_accept_escalations => %s)",
        (tenant, AS_OF, accept),
    ).fetchone()
    assert row is not None
    return row[0], row[2]


def summary(database: Database, tenant: str) -> dict[str, Any]:
    """Return the plan's counts."""
    row = (
        database.cursor(row_factory=dict_row)
        .execute("SELECT * FROM billing.plan_summary(%s, %s, 'backfill')", (tenant, AS_OF))
        .fetchone()
    )
    assert row is not None
    return row


def accept(database: Database, tenant: str) -> tuple[int, str]:
    """Accept the reviewed plan."""
    return run(database, tenant, summary(database, tenant)["plan_hash"])


def obligations(tenant: str) -> Obligations:
    """Return the expected answer of each obligation."""
    expected: Obligations = BOOKS.read(EXPECTED[tenant])["obligations"]
    return expected


def live_rows(database: Database, tenant: str) -> dict[str, list[dict[str, Any]]]:
    """Return the live rows of each obligation, in row order, in the shape of the answers."""
    rows = database.cursor(row_factory=dict_row).execute(
        "SELECT * FROM billing.recurring_service_periods WHERE tenant = %s"
        " AND lifecycle_state NOT IN ('superseded', 'archived')"
        " ORDER BY service_period_start, service_period_end, revision, record_id",
        (tenant,),
    )
    found: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        found.setdefault(str(row["obligation_id"]), []).append(
            {
                "activity_window": days(row, "activity_window"),
                "charge_family": row["charge_family"],
                "invoice_window": days(row, "invoice_window"),
                "period_key": row["period_key"],
                "record_id": str(row["record_id"]),
                "revision": row["revision"],
                "schedule_key": row["schedule_key"],
                "service_period": days(row, "service_period"),
                "state": row["lifecycle_state"],
            }
        )
    return found


def days(row: dict[str, Any], name: str) -> list[str] | None:
    """Return a range as the answers write it."""
    start, end = row[f"{name}_start"], row[f"{name}_end"]
    return None if start is None else [str(start), str(end)]


def assert_live_rows(database: Database, tenant: str, key: str, but: Collection[str] = ()) -> None:
    """Compare the ledger row by row, but for some obligations."""
    found, answers = live_rows(database, tenant), obligations(tenant)
    assert found.keys() <= answers.keys()
    for obligation, answer in answers.items():
        if obligation in but:
            continue
        rows = [{k: v for k, v in row.items() if k != "action"} for row in answer[key]]
        assert found.get(obligation, []) == rows, (obligation, answer["planted"])


def planned(database: Database, tenant: str) -> list[dict[str, Any]]:
    """Return the rows of the plan."""
    return (
        database.cursor(row_factory=dict_row)
        .execute("SELECT * FROM billing.plan_service_periods(%s, %s, 'backfill')", (tenant, AS_OF))
        .fetchall()
    )


@pytest.mark.parametrize("tenant", TENANTS)
def test_plan(books_database: Database, tenant: str) -> None:
    expected = BOOKS.read(EXPECTED[tenant])["summary"]["run"]
    found = summary(books_database, tenant)
    assert {name: found[name] for name in COUNTS} == {
        name: expected["rows"][name] for name in COUNTS
    }
    for bucket, schedules in expected["schedules"].items():
        assert found[f"schedules_{bucket}"] == schedules
    assert found["escalations"] == expected["escalations"]
    assert found["schedules"] == len(obligations(tenant))


@pytest.mark.parametrize("tenant", TENANTS)
def test_plan_of_each_obligation(books_database: Database, tenant: str) -> None:
    lines: dict[str, list[dict[str, Any]]] = {}
    for line in planned(books_database, tenant):
        lines.setdefault(str(line["obligation_id"]), []).append(line)
    for obligation, answer in obligations(tenant).items():
        found = lines.get(obligation, [])
        actions = {row["record_id"]: row["action"] for row in answer["live_rows_after"]}
        assert {
            str(line["record_id"]): line["action"]
            for line in found
            if line["action"] not in ("supersede", "conflict")
        } == actions
        assert {str(x["record_id"]) for x in found if x["action"] == "supersede"} == set(
            answer["superseded"]
        )
        reasons = {reason for line in found for reason in line["escalation_reasons"]}
        if found:
            assert reasons == set(answer["escalated"])
        assert conflicts(found) == [
            (c["kind"], c["record_id"], c["period_key"]) for c in answer["conflicts"]
        ]
        assert_same_candidates(found, answer["conflicts"])


def conflicts(lines: list[dict[str, Any]]) -> list[tuple[str, str, str]]:
    """Return the conflicts of a plan in row order."""
    return [
        (line["conflict_kind"], str(line["record_id"]), line["period_key"])
        for line in lines
        if line["action"] == "conflict"
    ]


def assert_same_candidates(lines: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Compare candidates; the answers name them by a UUID of version 5 of the same name."""
    candidates = {str(line["record_id"]): line for line in lines if line["action"] == "conflict"}
    for conflict in expected:
        line = candidates[conflict["record_id"]]
        if conflict["kind"] == "invoice_window_mismatch":  # the candidate has the row's own slot
            name = f"{line['schedule_key']}|{line['period_key']}|1"
            assert uuid.uuid5(NAMESPACE, name) == uuid.UUID(conflict["candidate_record_id"])
            assert uuid.uuid3(NAMESPACE, name) == line["candidate_record_id"]
        assert line["candidate_record_id"] is not None


def test_first_run(books_database: Database) -> None:
    assert run(books_database, None)[1] == "escalated"
    for tenant in TENANTS:
        assert_live_rows(books_database, tenant, "live_rows_after")


def test_accepted_run_and_then_nothing(books_database: Database) -> None:
    assert run(books_database, None)[1] == "escalated"
    for tenant in TENANTS:
        before = summary(books_database, tenant)
        expected = BOOKS.read(EXPECTED[tenant])["summary"]["accepted"]
        written = sum(
            expected["rows"][name] for name in ("backfilled", "regenerated", "superseded")
        )
        assert accept(books_database, tenant)[0] == written
        assert_live_rows(books_database, tenant, "live_rows_after_acceptance")
        after = summary(books_database, tenant)
        assert after["escalations"] == expected["escalations"]
        assert after["schedules_escalated"] <= before["schedules_escalated"]

    whole = (
        "SELECT md5(string_agg(r::text || r.xmin::text || r.ctid::text, ',' ORDER BY r.record_id))"
        " FROM billing.recurring_service_periods AS r"
    )
    unchanged = books_database.execute(whole).fetchone()
    assert run(books_database, None) == (0, "escalated")
    assert books_database.execute(whole).fetchone() == unchanged


@pytest.mark.parametrize("mode", ["regenerate", "replenish"])
def test_other_runs_find_nothing_after_it(books_database: Database, mode: str) -> None:
    run(books_database, None)
    row = books_database.execute(
        f"CALL billing.{mode}_service_periods(NULL, %s)", (AS_OF,)
    ).fetchone()
    assert row is not None
    assert row[0] == 0


@pytest.mark.parametrize("tenant", TENANTS)
def test_horizon_is_met(books_database: Database, tenant: str) -> None:
    run(books_database, tenant)
    accept(books_database, tenant)
    escalated = {
        o for o, answer in obligations(tenant).items() if answer["escalated_after_acceptance"]
    }
    short = books_database.execute(
        "SELECT obligation_id::text FROM billing.assess_coverage(%s, %s)"
        " WHERE NOT meets_target_horizon OR needs_replenishment",
        (tenant, AS_OF),
    ).fetchall()
    assert {obligation for (obligation,) in short} <= escalated


def test_runbook_queries_run_as_printed(books_database: Database) -> None:
    client = books_database.execute(
        "SELECT client_id FROM billing.recurring_service_periods WHERE tenant = %s LIMIT 1",
        (NORTHLIGHT,),
    ).fetchone()
    assert client is not None
    books_database.execute("SET search_path = billing")
    for query in (PERSISTED_ROWS, OBLIGATIONS):
        printed = query.replace(":tenant", "%(tenant)s").replace(":client_id", "%(client_id)s")
        values = {"tenant": NORTHLIGHT, "client_id": client[0]}
        assert books_database.execute(printed, values).fetchall()


PERSISTED_ROWS = """select record_id, schedule_key, period_key, lifecycle_state, cadence_owner,
charge_family, service_period_start, service_period_end, invoice_window_start, invoice_window_end,
invoice_id, invoice_charge_detail_id from recurring_service_periods where tenant = :tenant and
client_id = :client_id order by invoice_window_end desc, service_period_start desc;"""

OBLIGATIONS = """select cc.client_id, cl.contract_line_id, cl.cadence_owner, cl.billing_frequency,
cl.billing_timing, cc.start_date, cc.end_date from client_contracts cc join contracts ct on
ct.contract_id = coalesce(cc.template_contract_id, cc.contract_id) and ct.tenant = cc.tenant join
contract_lines cl on cl.contract_id = ct.contract_id and cl.tenant = ct.tenant where
cc.tenant = :tenant and cc.client_id = :client_id and cc.is_active = true and
cl.is_recurring = true order by cl.contract_line_id;"""
