"""Checks of the billing cycles from before the ledger."""

from datetime import date

from tests.verify.scene import Scene

CYCLES = "billing.client_billing_cycles"
SETTINGS = "billing.client_billing_settings"


def test_cycle_not_utc_midnight(scene: Scene) -> None:
    cycle = scene.cycles[1]
    scene.update(CYCLES, "source_not_utc_midnight = true", billing_cycle_id=cycle)
    scene.find_one("cycle_not_utc_midnight", cycle, "warning")
    scene.update(CYCLES, "source_not_utc_midnight = false", billing_cycle_id=cycle)
    assert scene.find("cycle_not_utc_midnight") == []


def test_anchor_reference_not_utc_midnight(scene: Scene) -> None:
    marked = {"client_id": scene.client_id, "reference_was_not_utc_midnight": True}
    scene.insert(SETTINGS, billing_cycle_anchor_reference_date=date(2025, 1, 6), **marked)
    scene.find_one("anchor_reference_not_utc_midnight", scene.client_id, "warning")
    scene.update(SETTINGS, "reference_was_not_utc_midnight = false", client_id=scene.client_id)
    assert scene.find("anchor_reference_not_utc_midnight") == []


def test_cycle_gap(scene: Scene) -> None:
    scene.update(CYCLES, "is_active = false", billing_cycle_id=scene.cycles[1])
    finding = scene.find_one("cycle_gap", scene.client_id, "warning")
    assert finding["detail"] == "no active cycle covers 2025-02-01 to 2025-03-01"
    scene.update(CYCLES, "is_active = true", billing_cycle_id=scene.cycles[1])
    assert scene.find("cycle_gap") == []


def test_cycle_gap_is_within_a_billing_profile(scene: Scene) -> None:
    scene.cycle(11, billing_profile_id=scene.new_id())
    scene.cycle(11, billing_profile_id=None)
    assert scene.find("cycle_gap") == []


def test_cycle_overlap(scene: Scene) -> None:
    dates = {"period_start_date": date(2025, 1, 15), "period_end_date": date(2025, 2, 15)}
    cycle = scene.cycle(1, **dates)
    finding = scene.find_one("cycle_overlap", cycle, "warning")
    assert (finding["expected"], finding["actual"]) == (
        "begins on or after 2025-02-01",
        "2025-01-15 to 2025-02-15",
    )
    scene.update(CYCLES, "is_active = false", billing_cycle_id=cycle)
    assert scene.find("cycle_overlap") == []


def test_cycle_overlap_without_a_billing_profile(scene: Scene) -> None:
    scene.update(CYCLES, "billing_profile_id = NULL")
    cycle = scene.cycle(2, billing_profile_id=None, period_end_date=date(2025, 4, 1))
    scene.find_one("cycle_overlap", cycle, "warning")


def test_cycle_open_end(scene: Scene) -> None:
    cycle = scene.cycles[2]
    scene.update(CYCLES, "period_end_date = NULL", billing_cycle_id=cycle)
    scene.find_one("cycle_open_end", cycle, "warning")
    scene.update(CYCLES, "period_end_date = '2025-04-01'", billing_cycle_id=cycle)
    assert scene.find("cycle_open_end") == []
