"""Compatibility monitoring: periods that due work still shows without a ledger row."""

from datetime import date

from tests.service_periods.books import JANUARY
from tests.verify.scene import Scene


def test_fallback_of_a_contract(scene: Scene) -> None:
    line = scene.line(owner="contract")
    [due] = [row for row in scene.select("due_work") if row["reason"]]
    finding = scene.find_one("fallback", due["execution_identity_key"], "warning")
    assert finding["actual"] == due["reason"] == "missing_service_period_materialization"
    assert due["obligation_id"] == line.obligation
    assert scene.repair(finding) == [(7, 1, "done")]
    assert scene.find("fallback") == []


def test_fallback_of_a_billing_cycle(scene: Scene) -> None:
    assert scene.find("fallback", as_of=date(2025, 3, 31)) == []
    line = scene.line(scene.client_id, date(2025, 2, 1))
    findings = scene.find("fallback")
    assert [row["object_key"].split(":period:")[1][:10] for row in findings] == [
        "2025-02-01",
        "2025-03-01",
    ]
    assert all(line.schedule_key in row["object_key"] for row in findings)
    scene.repair(findings[0])
    assert scene.find("fallback") == []


def test_fallback_ends_where_details_bill_the_days(scene: Scene) -> None:
    line = scene.line(owner="contract")
    assert len(scene.find("fallback")) == 1
    scene.invoice(line, JANUARY, date(2025, 2, 1))
    assert scene.find("fallback") == []
