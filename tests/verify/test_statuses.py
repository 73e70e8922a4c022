"""The check of what statuses say against what decides."""

from datetime import date

import pytest

from tests.service_periods.books import AS_OF
from tests.verify.scene import Scene

CONTRACTS, ASSIGNMENTS = "billing.contracts", "billing.client_contracts"
CLIENTS = "billing.clients"


@pytest.mark.parametrize("status", ["terminated", "Expired", "cancelled"])
def test_status_contradicts_of_a_contract(scene: Scene, status: str) -> None:
    scene.update(CONTRACTS, f"status = '{status}'")
    finding = scene.find_one("status_contradicts", scene.the_line.contract, "warning")
    assert finding["detail"] == "it is billed on: 1 lines of it"
    assert finding["actual"] == f"contract, status {status}"
    scene.update(CONTRACTS, "is_active = false")
    assert scene.find("status_contradicts") == []


def test_status_contradicts_of_an_assignment(scene: Scene) -> None:
    scene.update(ASSIGNMENTS, "status = 'terminated'")
    ((assignment,),) = scene.database.execute(
        f"SELECT client_contract_id FROM {ASSIGNMENTS} WHERE tenant = %s", (scene.tenant,)
    ).fetchall()
    finding = scene.find_one("status_contradicts", assignment, "warning")
    assert finding["actual"] == "assignment, status terminated"
    scene.update(ASSIGNMENTS, "is_active = false")
    assert scene.find("status_contradicts") == []


@pytest.mark.parametrize("end", [AS_OF, date(2024, 12, 31)])
def test_status_contradicts_not_of_what_has_ended(scene: Scene, end: date) -> None:
    scene.update(ASSIGNMENTS, f"status = 'terminated', end_date = '{AS_OF + date.resolution}'")
    assert len(scene.find("status_contradicts")) == 1
    scene.update(ASSIGNMENTS, f"end_date = '{end}'")
    assert scene.find("status_contradicts") == []


@pytest.mark.parametrize(
    ("change", "actual"),
    [
        ("is_inactive = true", "client, is_inactive"),
        ("lifecycle_status = 'former'", "client, lifecycle_status former"),
    ],
)
def test_status_contradicts_of_a_client(scene: Scene, change: str, actual: str) -> None:
    scene.update(CLIENTS, change)
    finding = scene.find_one("status_contradicts", scene.client_id, "warning")
    assert finding["actual"] == actual
    scene.update("billing.contract_lines", "is_active = false")
    assert scene.find("status_contradicts") == []


def test_status_contradicts_of_an_inactive_contract(scene: Scene) -> None:
    scene.update(CONTRACTS, "status = 'active', is_active = false")
    finding = scene.find_one("status_contradicts", scene.the_line.contract, "warning")
    assert finding["detail"] == "none of its lines is billed"
    assert finding["expected"] == "is_active true"
    scene.update(CONTRACTS, "status = 'expired'")
    assert scene.find("status_contradicts") == []


@pytest.mark.parametrize("status", ["draft", "pending", "active", "published", ""])
def test_status_contradicts_not_by_any_other_status(scene: Scene, status: str) -> None:
    for table in (CONTRACTS, ASSIGNMENTS):
        scene.update(table, f"status = '{status}'")
    assert scene.find("status_contradicts") == []
