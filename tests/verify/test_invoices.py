"""Checks of what invoices say about the ledger."""

from dataclasses import replace
from datetime import date
from uuid import UUID

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Row
from tests.verify.scene import Scene

DETAILS = "billing.invoice_charge_details"
LAST_OF_JANUARY = date(2025, 1, 31)


def test_detail_mismatch(scene: Scene) -> None:
    scene.update(DETAILS, "service_period_start = service_period_start + 3")
    finding = scene.find_one("detail_mismatch", scene.billed_row, "warning")
    assert str(scene.linkage["invoice_id"]) in finding["detail"]
    assert (finding["expected"], finding["actual"]) == (
        "2025-01-01 to 2025-02-01",
        "2025-01-04 to 2025-02-01",
    )
    scene.spoil(
        scene.billed_row, "activity_window_start = '2025-01-04', activity_window_end = '2025-02-01'"
    )
    assert scene.find("detail_mismatch") == []


def test_detail_mismatch_of_an_undated_detail(scene: Scene) -> None:
    scene.update(DETAILS, "service_period_start = NULL, service_period_end = NULL")
    finding = scene.find_one("detail_mismatch", scene.billed_row, "warning")
    assert finding["actual"] == "no dates"


def test_double_billed(scene: Scene) -> None:
    other = scene.invoice(scene.the_line, JANUARY.replace(day=31), FEBRUARY.replace(day=7))
    finding = scene.find_one("double_billed", scene.billed_row, "warning")
    assert finding["expected"] == f"invoice {scene.linkage['invoice_id']}"
    assert finding["actual"] == f"also invoice {other['invoice_id']}"
    scene.update(
        DETAILS,
        "service_period_start = '2025-02-01'",
        invoice_charge_detail_id=other["invoice_charge_detail_id"],
    )
    assert scene.find("double_billed") == []


def test_double_billed_is_not_a_detail_mismatch(scene: Scene) -> None:
    """A detail bills the days of the row that accounts for it; a dead one accounts for nothing."""
    february = scene.invoice(scene.the_line, FEBRUARY, MARCH)
    scene.spoil(
        scene.row_from(FEBRUARY),
        f"lifecycle_state = 'billed', invoice_id = '{february['invoice_id']}',"
        f" invoice_charge_id = '{february['invoice_charge_id']}',"
        f" invoice_charge_detail_id = '{february['invoice_charge_detail_id']}',"
        " invoice_linked_at = now()",
    )
    scene.update(
        DETAILS,
        "service_period_end = '2025-02-07'",
        invoice_charge_detail_id=scene.linkage["invoice_charge_detail_id"],
    )
    scene.find_one("detail_mismatch", scene.billed_row, "warning")
    assert scene.find("double_billed") == []
    scene.spoil(scene.billed_row, "lifecycle_state = 'archived'")
    assert {row["object_key"] for row in scene.find("double_billed")} == {
        str(scene.billed_row),
        str(scene.row_from(FEBRUARY)),
    }


def test_double_billed_without_ledger_rows(scene: Scene) -> None:
    line = scene.line()
    scene.invoice(line, JANUARY, FEBRUARY)
    later = scene.invoice(line, JANUARY.replace(day=8), JANUARY.replace(day=15))
    scene.find_one("double_billed", later["invoice_charge_detail_id"], "warning")


def test_double_billed_is_not_within_one_invoice(scene: Scene) -> None:
    scene.insert(
        DETAILS,
        invoice_charge_detail_id=scene.new_id(),
        invoice_charge_id=scene.linkage["invoice_charge_id"],
        contract_line_id=scene.the_line.obligation,
        service_period_start=JANUARY,
        service_period_end=FEBRUARY,
    )
    assert scene.find("double_billed") == []


def test_double_billed_is_not_by_a_reversed_invoice(scene: Scene) -> None:
    other = scene.invoice(scene.the_line, JANUARY, FEBRUARY)
    scene.find_one("double_billed", scene.billed_row, "warning")
    scene.update(
        DETAILS,
        "is_reversed = true",
        invoice_charge_detail_id=other["invoice_charge_detail_id"],
    )
    assert scene.find("double_billed") == []


def in_arrears(scene: Scene, start: date) -> tuple[UUID, Row]:
    """Bill days up to the middle of February under another schedule of the line."""
    key = scene.the_line.schedule_key.replace("advance", "arrears")
    other = replace(scene.the_line, timing="arrears", schedule_key=key)
    days = (start, FEBRUARY.replace(day=15))
    linkage = scene.invoice(other, *days)
    row = scene.period(other, *days, lifecycle_state="billed", **linkage)
    return row, linkage


def generated(scene: Scene) -> UUID:
    """Invoice the February of the line."""
    result = scene.perform(
        "generate_invoice", client_id=scene.client_id, window_start=FEBRUARY, window_end=MARCH
    )
    assert result["o_status"] == "generated"
    invoice: UUID = result["o_invoice_id"]
    return invoice


def test_day_twice_by_rows_of_two_schedules(scene: Scene) -> None:
    row, linkage = in_arrears(scene, LAST_OF_JANUARY)
    finding = scene.find_one("day_twice", row)
    assert finding["expected"] == f"by invoice {linkage['invoice_id']} alone"
    assert finding["actual"] == (
        f"also by row {scene.billed_row} of invoice {scene.linkage['invoice_id']},"
        " 2025-01-31 to 2025-02-01"
    )
    assert scene.find("double_billed") == []
    assert scene.repair(finding) == [("reversed", 1)]
    assert scene.find("day_twice") == []


def test_day_twice_is_not_by_rows_that_only_meet(scene: Scene) -> None:
    row, _ = in_arrears(scene, LAST_OF_JANUARY)
    scene.spoil(row, "activity_window_start = '2025-02-01', activity_window_end = '2025-02-15'")
    assert scene.find("day_twice") == []


def test_day_twice_by_rows_of_one_invoice(scene: Scene) -> None:
    row, linkage = in_arrears(scene, JANUARY)
    scene.find_one("day_twice", row)
    with scene.unguarded():
        first = scene.linkage["invoice_id"]
        for table in ("billing.invoice_charges", "billing.recurring_service_periods"):
            scene.update(
                table, f"invoice_id = '{first}'", invoice_charge_id=linkage["invoice_charge_id"]
            )
    scene.find_one("day_twice", row)
    assert scene.find("double_billed") == []


def test_day_twice_by_a_row_billed_here_and_a_detail(scene: Scene) -> None:
    invoice = generated(scene)
    assert scene.find("day_twice") == []
    other = scene.invoice(scene.the_line, FEBRUARY.replace(day=28), MARCH.replace(day=7))
    finding = scene.find_one("day_twice", scene.row_from(FEBRUARY))
    assert finding["actual"] == (
        f"also by detail {other['invoice_charge_detail_id']} of invoice {other['invoice_id']},"
        " 2025-02-28 to 2025-03-01"
    )
    assert scene.find("double_billed") == []
    assert str(invoice) in finding["repair_call"]
    assert scene.repair(finding) == [("reversed", 1)]
    assert scene.find("day_twice") == []


def test_day_twice_names_the_row_that_was_billed_here(scene: Scene) -> None:
    generated(scene)
    in_arrears(scene, FEBRUARY.replace(day=10))
    scene.find_one("day_twice", scene.row_from(FEBRUARY))


def test_day_twice_is_not_by_the_details_of_one_charge(scene: Scene) -> None:
    generated(scene)
    ((charge,),) = scene.database.execute(
        "SELECT invoice_charge_id FROM billing.recurring_service_periods"
        " WHERE tenant = %s AND record_id = %s",
        (scene.tenant, scene.row_from(FEBRUARY)),
    ).fetchall()
    scene.insert(
        DETAILS,
        invoice_charge_detail_id=scene.new_id(),
        invoice_charge_id=charge,
        contract_line_id=scene.the_line.obligation,
        service_period_start=FEBRUARY,
        service_period_end=MARCH,
    )
    assert scene.find("day_twice") == []


def test_day_twice_by_a_row_whose_detail_has_no_dates(scene: Scene) -> None:
    row, linkage = in_arrears(scene, LAST_OF_JANUARY)
    scene.update(
        DETAILS,
        "service_period_start = NULL, service_period_end = NULL",
        invoice_charge_detail_id=linkage["invoice_charge_detail_id"],
    )
    scene.find_one("day_twice", row)


def test_invoice_number_twice(scene: Scene) -> None:
    other = scene.invoice(scene.the_line)["invoice_id"]
    first = scene.linkage["invoice_id"]
    scene.update("billing.invoices", f"invoice_number = '{first}'", invoice_id=other)
    finding = scene.find_one("invoice_number_twice", first, "warning")
    assert finding["actual"] == f"{first}, {other}"
    assert len(scene.repair(finding)) == 2
    scene.update("billing.invoices", "invoice_number = 'another'", invoice_id=other)
    assert scene.find("invoice_number_twice") == []


def test_unlinked_detail(scene: Scene) -> None:
    line = scene.line(scene.client_id)
    row = scene.period(line, JANUARY, FEBRUARY, lifecycle_state="locked")
    assert scene.find("unlinked_detail") == []
    scene.invoice(line, JANUARY, FEBRUARY)
    finding = scene.find_one("unlinked_detail", row, "warning")
    assert finding["actual"] == "The details of one charge cover exactly its days."
    assert scene.repair(finding) == [(1, 1, "done")]
    assert scene.find("unlinked_detail") == []


def test_unlinked_detail_of_a_row_that_is_only_reported(scene: Scene) -> None:
    row = scene.row_from(FEBRUARY)
    scene.invoice(scene.the_line, FEBRUARY, MARCH)
    finding = scene.find_one("unlinked_detail", row, "warning")
    assert finding["actual"] == "Only locked and billed rows are repaired; it is generated."
    [[captured]] = scene.repair(finding)
    assert str(row) in [shown["record_id"] for shown in captured]


def test_detail_exclusive_end(scene: Scene) -> None:
    scene.update(DETAILS, "source_end_was_exclusive = true")
    detail = scene.linkage["invoice_charge_detail_id"]
    finding = scene.find_one("detail_exclusive_end", detail, "warning")
    assert (finding["expected"], finding["actual"]) == ("last day 2025-01-31", "end 2025-02-01")
    scene.update(DETAILS, "source_end_was_exclusive = false")
    assert scene.find("detail_exclusive_end") == []
