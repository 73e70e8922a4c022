"""Checks of what a plan would still do, and of what no plan touches."""

from datetime import date

import pytest

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH
from tests.verify.scene import Scene


def test_quarantine_of_an_overlap(scene: Scene) -> None:
    row = scene.period(
        scene.the_line, FEBRUARY, date(2025, 2, 15), revision=2, quarantine_reason="overlap"
    )
    finding = scene.find_one("quarantine", row)
    assert finding["actual"] == "overlap"
    assert scene.repair(finding) == [(0, 1, "escalated")]
    scene.repair(scene.find_one("escalation", scene.the_line.schedule_key))
    assert scene.find("quarantine") == []


def test_quarantine_of_a_vanished_line(scene: Scene) -> None:
    key = f"schedule:{scene.tenant}:client_contract_line:{scene.profile}:client:advance"
    row = scene.january(
        obligation_id=scene.profile, schedule_key=key, quarantine_reason="unknown_obligation"
    )
    finding = scene.find_one("quarantine", row)
    assert finding["actual"] == "unknown_obligation"
    [escalation] = scene.repair(finding)
    assert {key, "unknown_obligation"} <= set(map(str, escalation))
    assert scene.find_one("escalation", key)["actual"] == "unknown_obligation"


def test_quarantine_of_a_broken_linkage(scene: Scene) -> None:
    line = scene.line(scene.client_id)
    row = scene.period(
        line,
        JANUARY,
        FEBRUARY,
        lifecycle_state="billed",
        quarantine_reason="dangling_linkage",
        unresolved_linkage=f'{{"invoice_id": "{scene.profile}"}}',
    )
    finding = scene.find_one("quarantine", row)
    assert finding["actual"] == "dangling_linkage"
    assert scene.repair(finding) == [(1, 1, "done")]
    assert scene.find("quarantine") == []


def test_quarantine_ends_with_the_row(scene: Scene) -> None:
    row = scene.january(revision=3, quarantine_reason="overlap")
    scene.find_one("quarantine", row)
    scene.spoil(row, "lifecycle_state = 'superseded'")
    assert scene.find("quarantine") == []


def test_escalation_that_can_be_accepted(scene: Scene) -> None:
    scene.delete(scene.row_from(MARCH))
    finding = scene.find_one("escalation", scene.the_line.schedule_key)
    assert finding["actual"] == "continuity_gap"
    plan = scene.summary(schedule_key=scene.the_line.schedule_key)["plan_hash"]
    assert f"p_accept_escalations => '{plan}'" in finding["repair_call"]
    assert scene.repair(finding) == [(1, 1, "done")]
    assert scene.find("escalation") == []


def test_escalation_that_cannot_be_accepted(scene: Scene) -> None:
    scene.delete(scene.row_from(MARCH))
    scene.update("billing.clients", "billing_cycle = 'fortnightly'")
    finding = scene.find_one("escalation", scene.the_line.schedule_key)
    assert finding["actual"] == "continuity_gap, unsupported_frequency"
    assert len(scene.repair(finding)) == 2
    scene.update("billing.clients", "billing_cycle = 'monthly'")
    assert scene.find_one("escalation", scene.the_line.schedule_key)["actual"] == "continuity_gap"


def test_pending_plan_of_a_row_to_make(scene: Scene) -> None:
    scene.delete(scene.last_row())
    finding = scene.find_one("pending_plan", scene.the_line.schedule_key)
    assert finding["actual"] == "1 to make, 0 to supersede"
    assert scene.repair(finding) == [(1, 1, "done")]
    assert scene.find("pending_plan") == []


def test_pending_plan_of_a_new_line(scene: Scene) -> None:
    line = scene.line()
    finding = scene.find_one("pending_plan", line.schedule_key)
    assert finding["actual"] == "7 to make, 0 to supersede"
    scene.repair(finding)
    assert scene.find("pending_plan") == []


def test_pending_plan_of_stale_rows(scene: Scene) -> None:
    scene.update("billing.contract_lines", "billing_timing = 'arrears'")
    key = scene.the_line.schedule_key.replace("advance", "arrears")
    finding = scene.find_one("pending_plan", key)
    assert finding["actual"] == "6 to make, 6 to supersede"
    assert scene.repair(finding) == [(12, 1, "done")]
    assert scene.find("pending_plan") == []


def test_pending_plan_is_not_of_an_escalated_schedule(scene: Scene) -> None:
    scene.delete(scene.row_from(MARCH))
    assert scene.find("pending_plan") == []


def test_coverage(scene: Scene) -> None:
    scene.delete(scene.last_row())
    finding = scene.find_one("coverage", scene.the_line.schedule_key)
    assert (finding["expected"], finding["actual"]) == ("until 2025-07-31", "until 2025-07-01")
    assert scene.repair(finding) == [(1, 1, "done")]
    assert scene.find("coverage") == []


def test_coverage_ends_with_the_obligation(scene: Scene) -> None:
    line = scene.line(end=date(2025, 3, 20))
    finding = scene.find_one("coverage", line.schedule_key)
    assert (finding["expected"], finding["actual"]) == ("until 2025-03-20", "no row")
    scene.repair(finding)
    assert scene.find("coverage") == []


def test_coverage_is_not_of_a_cadence_that_cannot_be_computed(scene: Scene) -> None:
    scene.line(scene.client("fortnightly"))
    assert scene.find("coverage") == []
    assert len(scene.find("escalation")) == 1


@pytest.mark.parametrize(
    ("table", "change", "back", "expected", "actual"),
    [
        (
            "billing.contract_lines",
            "contract_line_type = 'Usage'",
            "contract_line_type = 'Fixed'",
            "usage",
            "fixed",
        ),
        (
            "billing.client_contracts",
            "start_date = '2025-01-11'",
            "start_date = '2025-01-01'",
            "2025-01-11 to 2025-02-01",
            "2025-01-01 to 2025-02-01",
        ),
        (
            "billing.client_contracts",
            "start_date = '2025-02-01'",
            "start_date = '2025-01-01'",
            "within 2025-02-01 to no end",
            "2025-01-01 to 2025-02-01",
        ),
        (
            "billing.client_contracts",
            "end_date = '2025-01-21'",
            "end_date = NULL",
            "2025-01-01 to 2025-01-21",
            "2025-01-01 to 2025-02-01",
        ),
    ],
    ids=["charge_family", "activity_start", "outside", "activity_end"],
)
def test_settled_row(
    scene: Scene, table: str, change: str, back: str, expected: str, actual: str
) -> None:
    scene.update(table, change)
    finding = scene.find_one("settled_row", scene.billed_row, "warning")
    assert (finding["expected"], finding["actual"]) == (expected, actual)
    assert finding["repair_call"] is None
    scene.update(table, back)
    assert scene.find("settled_row") == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("invoice_window_start = '2025-01-02'", "2025-01-01 to 2025-02-01"),
        ("due_position = 'arrears'", "from 2025-02-01"),
    ],
)
def test_settled_row_with_another_invoice_window(scene: Scene, change: str, expected: str) -> None:
    scene.spoil(scene.billed_row, change)
    finding = scene.find_one("settled_row", scene.billed_row, "warning")
    assert finding["expected"] == expected
    scene.spoil(scene.billed_row, "provenance_kind = 'user_edited'")
    assert scene.find("settled_row") == []


def test_settled_row_behind_the_boundary(scene: Scene) -> None:
    scene.spoil(
        scene.row_from(FEBRUARY),
        "charge_family = 'usage', service_period_start = '2024-12-01',"
        " service_period_end = '2025-01-01', invoice_window_start = '2024-12-01',"
        " invoice_window_end = '2025-01-01'",
    )
    findings = scene.find("settled_row")
    assert [finding["detail"] for finding in findings] == [
        "it lies outside of its obligation",
        "its charge family is not that of its line",
    ]
