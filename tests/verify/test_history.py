"""The checks of days that nobody billed: before the ledger, and in holes of it."""

from datetime import date

from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH
from tests.verify.scene import Scene

NOVEMBER, DECEMBER = date(2024, 11, 1), date(2024, 12, 1)
ASSIGNMENTS = "billing.client_contracts"


def start_from(scene: Scene, start: date) -> None:
    """Move the start of the line's assignment."""
    scene.update(ASSIGNMENTS, f"start_date = '{start}'", contract_id=scene.the_line.contract)


def test_history_before_ledger(scene: Scene) -> None:
    start_from(scene, NOVEMBER)
    finding = scene.find_one("history_before_ledger", scene.the_line.schedule_key, "warning")
    assert finding["detail"] == "its first row begins on 2025-01-01"
    assert finding["actual"] == "not billed: 2024-11-01 to 2025-01-01"
    scene.invoice(scene.the_line, DECEMBER, JANUARY)
    finding = scene.find_one("history_before_ledger", scene.the_line.schedule_key, "warning")
    assert finding["actual"] == "not billed: 2024-11-01 to 2024-12-01"
    [[captured]] = scene.repair(finding)
    assert str(scene.billed_row) in [row["record_id"] for row in captured]
    start_from(scene, DECEMBER)
    assert scene.find("history_before_ledger") == []


def test_history_before_ledger_is_not_what_a_plan_makes(scene: Scene) -> None:
    line = scene.line(scene.client_id, start=FEBRUARY)
    scene.call()
    scene.update(ASSIGNMENTS, f"start_date = '{JANUARY}'", contract_id=line.contract)
    assert scene.find("history_before_ledger") == []
    assert len(scene.find("pending_plan")) == 1


def test_history_before_ledger_of_an_assignment_that_ended(scene: Scene) -> None:
    scene.insert(
        ASSIGNMENTS,
        client_contract_id=scene.new_id(),
        client_id=scene.client_id,
        contract_id=scene.the_line.contract,
        start_date=NOVEMBER,
        end_date=DECEMBER,
        is_active=False,
    )
    finding = scene.find_one("history_before_ledger", scene.the_line.schedule_key, "warning")
    assert finding["actual"] == "not billed: 2024-11-01 to 2024-12-01"


def test_history_before_ledger_is_not_of_a_line_without_rows(scene: Scene) -> None:
    scene.line(scene.client_id, start=NOVEMBER)
    assert scene.find("history_before_ledger") == []


def bill(scene: Scene, start: date, end: date) -> None:
    """Bill the row of the line that starts on a day, past the guards."""
    linkage = scene.invoice(scene.the_line, start, end)
    columns = ", ".join(f"{name} = '{value}'" for name, value in linkage.items())
    scene.spoil(scene.row_from(start), f"lifecycle_state = 'billed', {columns}")


def test_history_gap(scene: Scene) -> None:
    bill(scene, MARCH, APRIL)
    assert scene.find("history_gap") == []
    scene.delete(scene.row_from(FEBRUARY))
    finding = scene.find_one("history_gap", scene.the_line.schedule_key)
    assert finding["detail"] == "nobody billed 2025-02-01 to 2025-03-01, and later days are billed"
    assert finding["actual"] == "28 days without"
    scene.find_one("escalation", scene.the_line.schedule_key)
    assert scene.repair(finding)[0][2] == "done"
    assert scene.row_from(FEBRUARY)
    for check in ("history_gap", "escalation", "pending_plan"):
        assert scene.find(check) == []


def test_history_gap_is_not_what_a_detail_bills(scene: Scene) -> None:
    bill(scene, MARCH, APRIL)
    scene.delete(scene.row_from(FEBRUARY))
    scene.invoice(scene.the_line, FEBRUARY, MARCH)
    assert scene.find("history_gap") == []
