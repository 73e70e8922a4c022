"""The check of billable records that nothing will bill."""

from datetime import date
from uuid import UUID

from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, MARCH, Line
from tests.verify.scene import Scene

RECORDS = "billing.billable_records"
MID_JANUARY, MID_FEBRUARY = JANUARY.replace(day=15), FEBRUARY.replace(day=15)


def usage(scene: Scene) -> Line:
    """Add a usage line that starts in January and is covered to the horizon."""
    line = scene.line(scene.client_id, contract_line_type="Usage")
    scene.call()
    return line


def record(scene: Scene, line: Line, day: date, cents: int, quantity: object = 1) -> UUID:
    """Add a record of a line."""
    key = scene.new_id()
    scene.insert(
        RECORDS,
        billable_record_id=key,
        contract_line_id=line.obligation,
        recorded_on=day,
        quantity=quantity,
        unit_price_cents=cents,
    )
    return key


def forget(scene: Scene, key: UUID) -> None:
    """Take a record away again."""
    scene.database.execute(
        f"DELETE FROM {RECORDS} WHERE tenant = %s AND billable_record_id = %s", (scene.tenant, key)
    )


def row_of(scene: Scene, line: Line, start: date) -> UUID:
    """Return the live row of a line that starts on a day."""
    (found,) = [
        row["record_id"]
        for row in scene.ledger(line)
        if row["service_period_start"] == start
        and row["lifecycle_state"] not in ("superseded", "archived")
    ]
    key: UUID = found
    return key


def invoice(scene: Scene, line: Line) -> None:
    """Invoice the January of a line."""
    key = [
        row["execution_identity_key"]
        for row in scene.select("due_work")
        if row["schedule_key"] == line.schedule_key and row["service_period_start"] == JANUARY
    ]
    result = scene.perform(
        "generate_invoice",
        client_id=scene.client_id,
        window_start=JANUARY,
        window_end=FEBRUARY,
        execution_identity_keys=key,
    )
    assert result["o_status"] == "generated"


def test_stranded_usage_is_not_what_is_due_or_to_come(scene: Scene) -> None:
    line = usage(scene)
    for day in (JANUARY, MID_FEBRUARY, AS_OF, date(2031, 1, 1)):
        record(scene, line, day, 500)
    assert scene.find("stranded_usage") == []


def test_stranded_usage_is_not_beyond_the_days_of_a_clipped_row(scene: Scene) -> None:
    line = scene.line(scene.client_id, end=MID_JANUARY, contract_line_type="Usage")
    scene.call()
    record(scene, line, JANUARY, 500)
    invoice(scene, line)
    late = MID_JANUARY.replace(day=20)
    record(scene, line, late, 500)
    scene.find_one("stranded_usage", line.obligation, "warning")
    scene.update("billing.client_contracts", "end_date = NULL", contract_id=line.contract)
    assert scene.find("stranded_usage") == []
    scene.call()
    assert scene.find("stranded_usage") == []


def test_stranded_usage_before_the_start_and_after_the_end(scene: Scene) -> None:
    line = usage(scene)
    early = record(scene, line, date(2024, 12, 31), 333, "1.5")
    finding = scene.find_one("stranded_usage", line.obligation, "warning")
    assert finding["detail"] == "no period of the line bills them"
    assert finding["actual"] == "500 cents, among 1 records of 2024-12-31 to 2024-12-31"
    forget(scene, early)
    late = record(scene, line, date(2031, 1, 1), 500)
    scene.update("billing.client_contracts", "end_date = '2025-06-01'", contract_id=line.contract)
    scene.call()
    scene.find_one("stranded_usage", line.obligation, "warning")
    forget(scene, late)
    assert scene.find("stranded_usage") == []


def test_stranded_usage_in_a_billed_period(scene: Scene) -> None:
    line = usage(scene)
    record(scene, line, JANUARY, 333, "1.5")
    invoice(scene, line)
    assert scene.find("stranded_usage") == []
    late = record(scene, line, MID_JANUARY, 250)
    finding = scene.find_one("stranded_usage", row_of(scene, line, JANUARY), "warning")
    assert finding["detail"] == ("its records amount to 750 cents, and its charge billed 500")
    assert finding["actual"] == "250 cents, among 2 records of 2025-01-01 to 2025-01-15"
    forget(scene, late)
    assert scene.find("stranded_usage") == []


def test_stranded_usage_is_also_a_credit_that_came_late(scene: Scene) -> None:
    line = usage(scene)
    record(scene, line, JANUARY, 500)
    invoice(scene, line)
    record(scene, line, MID_JANUARY, -200)
    finding = scene.find_one("stranded_usage", row_of(scene, line, JANUARY), "warning")
    assert finding["actual"].startswith("-200 cents")


def test_stranded_usage_in_a_skipped_period(scene: Scene) -> None:
    line = usage(scene)
    row = row_of(scene, line, JANUARY)
    scene.perform("skip_service_period", record_id=row, reason="nothing was used")
    assert scene.find("stranded_usage") == []
    late = record(scene, line, MID_JANUARY, 250)
    skipped = row_of(scene, line, JANUARY)
    finding = scene.find_one("stranded_usage", skipped, "warning")
    assert finding["detail"] == "its period was skipped"
    forget(scene, late)
    assert scene.find("stranded_usage") == []


def test_stranded_usage_behind_the_boundary_where_a_row_is_archived(scene: Scene) -> None:
    line = usage(scene)
    record(scene, line, MID_JANUARY, 250)
    linkage = scene.invoice(line, FEBRUARY, MARCH)
    ids = ", ".join(f"{name} = '{value}'" for name, value in linkage.items())
    scene.spoil(row_of(scene, line, FEBRUARY), f"lifecycle_state = 'billed', {ids}")
    assert scene.find("stranded_usage") == []
    scene.spoil(row_of(scene, line, JANUARY), "lifecycle_state = 'archived'")
    scene.find_one("stranded_usage", line.obligation, "warning")


def test_stranded_usage_of_a_detail_without_a_row(scene: Scene) -> None:
    line = scene.line(scene.client_id, contract_line_type="Usage")
    linkage = scene.invoice(line, JANUARY, FEBRUARY)
    charge = linkage["invoice_charge_id"]
    record(scene, line, MID_JANUARY, 250)
    finding = scene.find_one("stranded_usage", linkage["invoice_charge_detail_id"], "warning")
    assert finding["actual"].startswith("250 cents")
    scene.update("billing.invoice_charges", "total_price_cents = 250", invoice_charge_id=charge)
    assert scene.find("stranded_usage") == []


def test_stranded_usage_of_a_line_that_bills_a_price(scene: Scene) -> None:
    record(scene, scene.the_line, MID_FEBRUARY, 250)
    scene.find_one("stranded_usage", scene.the_line.obligation, "warning")


def test_stranded_usage_is_not_judged_where_a_charge_bills_several_lines(scene: Scene) -> None:
    line = usage(scene)
    record(scene, line, JANUARY, 500)
    invoice(scene, line)
    record(scene, line, MID_JANUARY, 200)
    assert len(scene.find("stranded_usage")) == 1
    ((charge,),) = scene.database.execute(
        "SELECT invoice_charge_id FROM billing.recurring_service_periods"
        " WHERE tenant = %s AND record_id = %s",
        (scene.tenant, row_of(scene, line, JANUARY)),
    ).fetchall()
    scene.insert(
        "billing.invoice_charge_details",
        invoice_charge_detail_id=scene.new_id(),
        invoice_charge_id=charge,
        contract_line_id=scene.the_line.obligation,
    )
    assert scene.find("stranded_usage") == []
