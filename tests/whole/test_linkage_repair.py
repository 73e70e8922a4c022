"""Linkage repair on the books, after the first run and its acceptance, as the answers say."""

from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.books import BOOKS, EXPECTED, HARBOR, NORTHLIGHT
from tests.conftest import Database
from tests.whole.test_books import AS_OF, COUNTS, TENANTS, accept, live_rows, run, summary

FINDINGS: dict[str, list[dict[str, Any]]] = BOOKS.read("manifest.json")["expected_findings"]
ROW_BY_ROW = (
    "SELECT md5(string_agg(r::text || r.xmin::text || r.ctid::text, ',' ORDER BY r.record_id))"
    " FROM billing.recurring_service_periods AS r"
)


def repair(database: Database, tenant: str | None = None) -> tuple[int, str]:
    """Repair the linkage; give rows repaired and status."""
    row = database.execute(
        "CALL billing.repair_invoice_linkage(%s, %s)", (tenant, AS_OF)
    ).fetchone()
    assert row is not None
    return row[0], row[2]


@pytest.fixture
def repaired(books_database: Database) -> Database:
    """Return the books after first run, acceptance and linkage repair."""
    run(books_database, None)
    for tenant in TENANTS:
        accept(books_database, tenant)
    assert repair(books_database, NORTHLIGHT) == (1, "escalated")
    assert repair(books_database, HARBOR) == (1, "done")
    return books_database


def escalated(database: Database, tenant: str) -> dict[str, set[str]]:
    """Return the reasons of each escalated obligation."""
    found: dict[str, set[str]] = {}
    rows = database.execute(
        "SELECT obligation_id::text, reason FROM billing.escalations(%s, %s)", (tenant, AS_OF)
    )
    for obligation, reason in rows:
        found.setdefault(obligation, set()).add(reason)
    return found


def test_every_answer_after_it(repaired: Database) -> None:
    for tenant in TENANTS:
        answers = BOOKS.read(EXPECTED[tenant])
        expected, found = answers["summary"]["after_linkage_repair"], summary(repaired, tenant)
        assert {name: found[name] for name in COUNTS} == expected["rows"]
        for bucket, schedules in expected["schedules"].items():
            assert found[f"schedules_{bucket}"] == schedules
        assert found["escalations"] == expected["escalations"]

        rows, reasons = live_rows(repaired, tenant), escalated(repaired, tenant)
        assert sum(map(len, rows.values())) == expected["live_rows"]
        for obligation, answer in answers["obligations"].items():
            after = {
                key: answer.get(f"{key}_after_linkage_repair", answer[f"{key}_after_acceptance"])
                for key in ("escalated", "live_rows")
            }
            assert reasons.get(obligation, set()) == set(after["escalated"])
            assert rows.get(obligation, []) == [
                {name: value for name, value in row.items() if name != "action"}
                for row in after["live_rows"]
            ]


def test_the_actions_planned_after_it(repaired: Database) -> None:
    for tenant in TENANTS:
        lines = repaired.execute(
            "SELECT record_id::text, action FROM billing.plan_service_periods(%s, %s, 'backfill')"
            " WHERE action <> 'conflict'",
            (tenant, AS_OF),
        )
        found: dict[str, str] = dict(lines.fetchall())
        for answer in BOOKS.read(EXPECTED[tenant])["obligations"].values():
            for row in answer.get("live_rows_after_linkage_repair", []):
                assert found[row["record_id"]] == row["action"]


def test_the_planted_rows_by_their_ids(repaired: Database) -> None:
    rows = {
        str(row["record_id"]): row
        for row in repaired.cursor(row_factory=dict_row).execute(
            "SELECT * FROM billing.recurring_service_periods"
        )
    }
    for finding in FINDINGS["billed_dangling_link"]:
        row = rows[finding["record_id"]]
        assert (row["lifecycle_state"], row["invoice_id"]) == ("locked", None)
        assert row["quarantine_reason"] is None
    for finding in FINDINGS["billed_unlinked"]:
        row, invoice = rows[finding["record_id"]], finding["matching_invoice_id"]
        assert (row["lifecycle_state"], row["invoice_id"] and str(row["invoice_id"])) == (
            "billed",
            invoice,
        )
        assert row["quarantine_reason"] == (None if invoice else "missing_linkage")
        assert {row["provenance_kind"], row["supersedes_record_id"]} == {"generated", None}


def test_what_is_due_again_by_its_ids(repaired: Database) -> None:
    reopened = {
        finding["record_id"]
        for kind in ("locked_after_invoice_deletion", "billed_dangling_link")
        for finding in FINDINGS[kind]
    }
    due = {
        str(record): due_state
        for tenant in TENANTS
        for record, due_state in repaired.execute(
            "SELECT record_id, due_state FROM billing.due_work(%s, %s)", (tenant, AS_OF)
        )
    }
    assert {record: due.get(record) for record in reopened} == dict.fromkeys(reopened, "due")


@pytest.mark.parametrize("procedure", ["delete_invoice", "reverse_invoice"])
def test_invoices_that_only_details_tell_of_stay(repaired: Database, procedure: str) -> None:
    for finding in FINDINGS["invoiced_without_ledger"]:
        invoice = finding["invoice_id"]
        [(tenant,)] = repaired.execute(
            "SELECT tenant FROM billing.invoices WHERE invoice_id = %s", (invoice,)
        )
        with pytest.raises(psycopg.Error) as refused:
            repaired.execute(f"CALL billing.{procedure}(%s, %s, 'by mistake')", (tenant, invoice))
        assert refused.value.sqlstate == "DC104"
        assert invoice in (refused.value.diag.message_detail or "")


def test_nothing_is_left_to_write(repaired: Database) -> None:
    unchanged = repaired.execute(ROW_BY_ROW).fetchone()
    assert repair(repaired) == (0, "escalated")
    assert run(repaired, None)[0] == 0
    assert repaired.execute(ROW_BY_ROW).fetchone() == unchanged


def test_no_error_is_left_that_is_not_an_escalation(repaired: Database) -> None:
    for tenant in TENANTS:
        findings = repaired.cursor(row_factory=dict_row).execute(
            "SELECT * FROM ops.verify(%s, %s) WHERE severity = 'error'", (tenant, AS_OF)
        )
        lines = escalated(repaired, tenant)
        wrong = {
            row["object_key"]: row
            for row in findings
            if not any(line in row["object_key"] for line in lines)
        }
        of: dict[str, str] = dict(
            repaired.execute(
                "SELECT record_id::text, obligation_id::text"
                " FROM billing.recurring_service_periods WHERE record_id::text = ANY (%s)",
                (list(wrong),),
            ).fetchall()
        )
        assert {key for key in wrong if of.get(key) not in lines} == set()


def test_the_order_of_the_steps_does_not_matter(books_database: Database) -> None:
    assert repair(books_database) == (2, "escalated")
    run(books_database, None)
    for tenant in TENANTS:
        accept(books_database, tenant)
        expected = BOOKS.read(EXPECTED[tenant])["summary"]["after_linkage_repair"]
        assert summary(books_database, tenant)["escalations"] == expected["escalations"]
        for obligation, answer in BOOKS.read(EXPECTED[tenant])["obligations"].items():
            if rows := answer.get("live_rows_after_linkage_repair"):
                assert live_rows(books_database, tenant)[obligation] == [
                    {name: value for name, value in row.items() if name != "action"} for row in rows
                ]
