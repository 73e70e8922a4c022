"""Checks of what invoices say about the ledger."""

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH
from tests.verify.scene import Scene

DETAILS = "billing.invoice_charge_details"


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
