"""Checks of the ledger's own rules, which its guards and constraints hold as well."""

from datetime import date, timedelta
from uuid import UUID

from tests.service_periods.books import FEBRUARY, JANUARY, LEDGER, MARCH
from tests.verify.scene import Scene

FAR = date(2040, 1, 1)


def repair_escalated(scene: Scene, check: str, key: UUID) -> None:
    """Run the CALL that a finding names, then the one that accepts the reviewed plan."""
    finding = scene.find_one(check, key)
    assert scene.repair(finding) == [(0, 1, "escalated")]
    scene.repair(scene.find_one("escalation", scene.the_line.schedule_key))
    assert scene.find(check) == []
    assert scene.find("escalation") == []


def test_row_overlap(scene: Scene) -> None:
    with scene.unguarded():
        extra = scene.period(
            scene.the_line, FEBRUARY + timedelta(days=9), FEBRUARY + timedelta(days=19)
        )
    finding = scene.find_one("row_overlap", extra)
    assert str(scene.row_from(FEBRUARY)) in finding["detail"]
    assert (finding["expected"], finding["actual"]) == (
        "days from 2025-03-01 on",
        "days from 2025-02-10 on",
    )
    repair_escalated(scene, "row_overlap", extra)


def test_row_overlap_is_of_days(scene: Scene) -> None:
    day = FAR + timedelta(days=10)
    month = {"activity_window_start": FAR, "activity_window_end": day}
    scene.period(scene.the_line, FAR, FAR + timedelta(days=31), **month)
    scene.period(scene.the_line, day, FAR + timedelta(days=31))
    assert scene.find("row_overlap") == []
    with scene.unguarded():
        extra = scene.period(
            scene.the_line, FAR + timedelta(days=2), day, activity_window_start=day - timedelta(1),
            activity_window_end=day,
        )  # fmt: skip
    assert scene.find_one("row_overlap", extra)["actual"] == "days from 2040-01-10 on"


def test_row_overlap_behind_a_row_between(scene: Scene) -> None:
    scene.update("billing.contract_lines", "is_active = false")
    with scene.unguarded():
        long = scene.period(scene.the_line, FAR, FAR + timedelta(days=30))
        for day in (1, 5):
            scene.period(scene.the_line, FAR + timedelta(days=day), FAR + timedelta(days=day + 2))
    findings = scene.find("row_overlap")
    assert len(findings) == 2
    assert all(str(long) in finding["detail"] for finding in findings)


def test_slot_collision(scene: Scene) -> None:
    kept = scene.row_from(FEBRUARY)
    with scene.unguarded():
        better = scene.period(
            scene.the_line, FAR, FAR + timedelta(days=30),
            period_key="period:2025-02-01:2025-03-01", revision=9,
        )  # fmt: skip
    finding = scene.find_one("slot_collision", kept)
    assert str(better) in finding["detail"]
    assert finding["actual"] == "2 live rows"
    repair_escalated(scene, "slot_collision", kept)
    assert scene.row_from(FEBRUARY) == kept


def test_billed_linkage_of_a_row_billed_by_nothing(scene: Scene) -> None:
    row = scene.row_from(FEBRUARY)
    with scene.database.transaction(force_rollback=True):
        scene.database.execute(
            f"ALTER TABLE {LEDGER} DROP CONSTRAINT recurring_service_periods_billed_is_linked_check"
        )
        scene.spoil(row, "lifecycle_state = 'billed'")
        finding = scene.find_one("billed_linkage", row)
        assert finding["expected"] == "4 linked columns"
        assert finding["actual"] == "billed with 0 linked columns"
        assert finding["repair_call"].startswith("CALL billing.repair_invoice_linkage(")
        [planned] = scene.select("plan_linkage_repair")
        assert (planned["record_id"], planned["problem"]) == (row, "missing_linkage")
        scene.spoil(row, "lifecycle_state = 'generated'")
        assert scene.find("billed_linkage") == []


def test_billed_linkage_of_a_linked_row_that_is_not_billed(scene: Scene) -> None:
    with scene.database.transaction(force_rollback=True):
        scene.database.execute(
            f"ALTER TABLE {LEDGER} DROP CONSTRAINT recurring_service_periods_billed_is_linked_check"
        )
        scene.spoil(scene.billed_row, "lifecycle_state = 'locked'")
        finding = scene.find_one("billed_linkage", scene.billed_row)
        assert finding["actual"] == "locked with 4 linked columns"


def test_linkage_target_that_is_gone(scene: Scene) -> None:
    detail = scene.linkage["invoice_charge_detail_id"]
    with scene.unguarded():
        scene.update(
            "billing.invoice_charge_details",
            f"invoice_charge_detail_id = '{scene.profile}'",
            invoice_charge_detail_id=detail,
        )
    finding = scene.find_one("linkage_target", scene.billed_row)
    assert finding["detail"] == "the linked detail is not one of the linked charge"
    assert finding["expected"] == str(scene.linkage["invoice_charge_id"])
    assert finding["actual"] == "none"
    assert scene.repair(finding) == [(0, 1, "escalated")]
    with scene.unguarded():
        scene.update(
            "billing.invoice_charge_details",
            f"invoice_charge_detail_id = '{detail}'",
            invoice_charge_detail_id=scene.profile,
        )
    assert scene.find("linkage_target") == []


def test_linkage_target_of_another_invoice(scene: Scene) -> None:
    other = scene.invoice(scene.the_line)["invoice_id"]
    with scene.unguarded():
        scene.update(
            "billing.invoice_charges",
            f"invoice_id = '{other}'",
            invoice_charge_id=scene.linkage["invoice_charge_id"],
        )
    finding = scene.find_one("linkage_target", scene.billed_row)
    assert finding["detail"] == "the linked charge is not one of the linked invoice"
    assert finding["actual"] == str(other)


def test_linkage_target_of_an_invoice_that_is_gone(scene: Scene) -> None:
    with scene.unguarded():
        for table in ("invoice_charge_details", "invoice_charges", "invoices"):
            scene.database.execute(
                f"DELETE FROM billing.{table} WHERE tenant = %s", (scene.tenant,)
            )
    finding = scene.find_one("linkage_target", scene.billed_row)
    assert finding["detail"] == "the linked invoice is not there"
    assert scene.repair(finding) == [(1, 1, "done")]
    assert scene.find("linkage_target") == []
    assert scene.live(scene.the_line)[0] == (JANUARY, FEBRUARY, "locked")


def test_linkage_target_of_another_line(scene: Scene) -> None:
    other = scene.line().obligation
    with scene.unguarded():
        scene.update(
            "billing.invoice_charge_details",
            f"contract_line_id = '{other}'",
            invoice_charge_detail_id=scene.linkage["invoice_charge_detail_id"],
        )
    finding = scene.find_one("linkage_target", scene.billed_row)
    assert finding["detail"] == "the linked detail is not of the row's line"
    assert finding["actual"] == str(other)


def test_lineage_of_a_row_that_is_live_again(scene: Scene) -> None:
    scene.spoil(scene.superseded, "lifecycle_state = 'generated'")
    finding = scene.find_one("lineage", scene.billed_row)
    assert finding["actual"] == f"generated, of obligation {scene.the_line.obligation}"
    [[captured]] = scene.repair(finding)
    assert str(scene.superseded) in [shown["record_id"] for shown in captured]
    scene.spoil(scene.superseded, "lifecycle_state = 'superseded'")
    assert scene.find("lineage") == []


def test_lineage_to_another_obligation(scene: Scene) -> None:
    scene.spoil(scene.superseded, f"obligation_id = '{scene.profile}'")
    finding = scene.find_one("lineage", scene.billed_row)
    assert finding["actual"] == f"superseded, of obligation {scene.profile}"


def test_lineage_to_nothing(scene: Scene) -> None:
    scene.spoil(scene.billed_row, f"supersedes_record_id = '{scene.profile}'")
    assert scene.find_one("lineage", scene.billed_row)["actual"] == "no such row"


def test_schedule_key(scene: Scene) -> None:
    row = scene.row_from(MARCH)
    scene.spoil(row, "schedule_key = replace(schedule_key, ':advance', ':arrears')")
    finding = scene.find_one("schedule_key", row)
    assert finding["expected"] == scene.the_line.schedule_key
    assert finding["actual"] == scene.the_line.schedule_key.replace("advance", "arrears")
    assert scene.repair(finding) == [(2, 1, "done")]
    assert scene.find("schedule_key") == []


def test_schedule_key_of_a_row_that_no_plan_may_touch(scene: Scene) -> None:
    scene.spoil(scene.billed_row, "schedule_key = 'schedule'")
    finding = scene.find_one("schedule_key", scene.billed_row)
    [[captured]] = scene.repair(finding)
    assert str(scene.billed_row) in [shown["record_id"] for shown in captured]
