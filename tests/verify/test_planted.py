"""What the checks find in the books, before and after the repair."""

from collections import defaultdict
from datetime import date
from typing import Any

from tests.books import BOOKS, EXPECTED
from tests.conftest import Database
from tests.service_periods.books import Row, call, select
from tests.verify.scene import CHECKS

AS_OF = date(2026, 11, 20)

#: By what a planted fault of each kind that ends as a warning is known.
KEYS = {
    "detail_mismatch": "record_id",
    "double_billed": "record_id",
    "detail_exclusive_end": "detail_id",
    "cycle_not_utc_midnight": "billing_cycle_id",
    "anchor_reference_not_utc_midnight": "client_id",
    "cycle_gap": "client_id",
    "cycle_overlap": "billing_cycle_id",
    "cycle_open_end": "billing_cycle_id",
}


def read_from(database: Database, function: str, tenant: str, **arguments: Any) -> list[Row]:
    """Return the rows of a function of the surface."""
    return select(database, function, {"tenant": tenant, "as_of": AS_OF, **arguments})


def find(database: Database, tenant: str) -> dict[str, list[Row]]:
    """Return the findings of every check."""
    return {check: read_from(database, f"check_{check}", tenant) for check in CHECKS}


def keys(rows: list[Row]) -> set[str]:
    """Return the keys of the objects that were found."""
    return {row["object_key"] for row in rows}


def repair(database: Database, tenant: str) -> None:
    """Backfill, then accept what was escalated."""
    call(database, "backfill", {"tenant": tenant, "as_of": AS_OF})
    [plan] = read_from(database, "plan_summary", tenant, mode="backfill")
    accepted = {"tenant": tenant, "as_of": AS_OF, "accept_escalations": plan["plan_hash"]}
    call(database, "backfill", accepted)


def errors_by_obligation(database: Database, findings: dict[str, list[Row]]) -> dict[str, set[str]]:
    """Return the checks of level error that found something of an obligation."""
    obligation_of: dict[str, str] = dict(
        database.execute(
            "SELECT record_id::text, obligation_id::text FROM billing.recurring_service_periods"
            " UNION SELECT schedule_key, obligation_id::text FROM billing.recurring_service_periods"
            " UNION SELECT schedule_key, obligation_id::text FROM billing.recurring_obligations"
        ).fetchall()
    )
    found = defaultdict(set)
    for check, rows in findings.items():
        for row in rows:
            if row["severity"] == "error":
                found[obligation_of[row["object_key"]]].add(check)
    return found


def test_warnings_name_what_was_planted(books_database: Database) -> None:
    manifest = BOOKS.read("manifest.json")
    before = {tenant: find(books_database, tenant) for tenant in EXPECTED}
    for check, key in KEYS.items():
        planted = {finding[key] for finding in manifest["expected_findings"][check]}
        found = [row for tenant in EXPECTED for row in before[tenant][check]]
        assert keys(found) == planted
        assert len(found) == len(planted) == manifest["planted"][check]

    for tenant in EXPECTED:
        repair(books_database, tenant)
        after = find(books_database, tenant)
        assert {check: after[check] for check in KEYS} == {
            check: before[tenant][check] for check in KEYS
        }


def test_no_error_is_left_that_is_not_an_escalation(books_database: Database) -> None:
    for tenant in EXPECTED:
        repair(books_database, tenant)
        findings = find(books_database, tenant)
        escalated = read_from(books_database, "escalations", tenant)
        wrong = errors_by_obligation(books_database, findings)
        assert set(wrong) == {str(row["obligation_id"]) for row in escalated}
        assert all("escalation" in checks for checks in wrong.values())
        assert keys(findings["escalation"]) == {row["schedule_key"] for row in escalated}
        assert findings["pending_plan"] == []


def test_a_billed_row_with_a_wrong_activity_window_is_a_warning(books_database: Database) -> None:
    planted = BOOKS.read("manifest.json")["expected_findings"]["wrong_activity"]
    for tenant in EXPECTED:
        repair(books_database, tenant)
    left = {
        str(record)
        for (record,) in books_database.execute(
            "SELECT record_id FROM billing.recurring_service_periods"
            " WHERE record_id = ANY (%s) AND lifecycle_state = 'billed'",
            ([finding["record_id"] for finding in planted],),
        )
    }
    found = [row for tenant in EXPECTED for row in find(books_database, tenant)["settled_row"]]
    assert keys(found) == left != set()
