"""Offline plans ask which days rows take: their activity window, else their service period."""

import json
from typing import Any

import pytest

from duecourse.offline import Fault
from tests.offline.conftest import Plan
from tests.offline.test_rows import month

Object = dict[str, Any]
DEFAULTS = {"tenant": "t", "obligation_id": "o", "schedule_key": "s", "revision": 1}
HALF = "2026-03-16"
EARLY = {"activity_window_start": "2026-03-01", "activity_window_end": HALF}
LATE = {"activity_window_start": HALF, "activity_window_end": "2026-04-01"}


def part(name: str, **columns: object) -> Object:
    """Return a row of March with a slot of its own."""
    return month(3, record_id=name, period_key=name, **columns)


def backfill(plan: Plan, existing: list[Object], candidates: list[Object], **more: str) -> Object:
    """Return the plan of a backfill."""
    rows = [{"lifecycle_state": "generated", **row} for row in existing]
    given = {"row_defaults": DEFAULTS, "existing": rows, "candidates": candidates, **more}
    (answer,) = plan("backfill", [json.dumps(given).encode()])
    assert not isinstance(answer, Fault), answer.reason
    output: Object = answer["output"]
    return output


def test_candidates_of_one_period_that_share_no_day(plan: Plan) -> None:
    parts = [part("early", **EARLY), part("late", **LATE)]
    assert len(backfill(plan, [], parts)["new_rows"]) == 2
    parts[1]["activity_window_start"] = "2026-03-15"
    assert backfill(plan, [], parts) == {"error": "candidates_overlap"}


@pytest.mark.parametrize(
    ("columns", "is_made"),
    [
        ({"provenance_kind": "repair"}, True),
        ({"lifecycle_state": "locked"}, True),
        ({"provenance_kind": "user_edited"}, False),
        ({"lifecycle_state": "skipped"}, False),
    ],
)
def test_what_an_operator_decided_counts_whole(plan: Plan, columns: Object, is_made: bool) -> None:
    answer = backfill(plan, [part("early", **EARLY, **columns)], [part("late", **LATE)])
    assert bool(answer["new_rows"]) == is_made


@pytest.mark.parametrize("day", ["2026-03-15", HALF, "2026-03-17"])
def test_the_boundary_is_held_against_days(plan: Plan, day: str) -> None:
    answer = backfill(plan, [], [part("late", **LATE)], legacy_billed_through_end=day)
    if day > HALF:
        assert answer == {
            "error": "billed_boundary_overlap", "boundary": day, "period_keys": ["late"]
        }  # fmt: skip
    else:
        assert len(answer["new_rows"]) == 1


def test_the_boundary_is_the_end_of_billed_days(plan: Plan) -> None:
    billed = part("early", **EARLY, lifecycle_state="billed")
    answer = backfill(plan, [billed], [part("again", **EARLY), part("late", **LATE)])
    assert answer["historical_boundary_end"] == HALF
    assert answer["skipped_candidate_record_ids"] == ["again"]
    assert answer["retained_record_ids"] == ["early"]
    assert [row["period_key"] for row in answer["new_rows"]] == ["late"]
