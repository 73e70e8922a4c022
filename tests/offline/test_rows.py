"""Edits, linkage and due selection where the vectors say little: neighbours, nulls, compaction."""

import json
from datetime import date
from itertools import pairwise
from time import perf_counter
from typing import Any

import pytest

from duecourse.offline import Fault
from tests.offline.conftest import Plan

Object = dict[str, Any]

DEFAULTS: Object = {
    "tenant": "t",
    "obligation_id": "o",
    "schedule_key": "s",
    "cadence_owner": "client",
    "charge_family": "fixed",
    "lifecycle_state": "generated",
    "revision": 1,
    "source_run_key": "run",
}
LINKAGE: Object = {
    "invoice_id": "i",
    "invoice_charge_id": "c",
    "invoice_charge_detail_id": "d",
    "invoice_linked_at": "2026-03-21T09:30:00.000Z",
}
CLEARED: Object = {"updated_activity_window_start": None, "updated_activity_window_end": None}


def month(number: int, /, **more: object) -> Object:
    """Return a row of a month of 2026, its dates as days."""
    start, end = f"2026-{number:02}-01", f"2026-{number + 1:02}-01"
    return {
        "record_id": f"month-{number}",
        "period_key": f"period:{start}:{end}",
        "service_period_start": start,
        "service_period_end": end,
        "invoice_window_start": start,
        "invoice_window_end": end,
    } | more


def ask(plan: Plan, operation: str, given: Object) -> Object:
    """Return the answer to one input."""
    (answer,) = plan(operation, [json.dumps({"row_defaults": DEFAULTS, **given}).encode()])
    assert not isinstance(answer, Fault), answer.reason
    output: Object = answer["output"]
    return output


def edit(plan: Plan, row: Object, request: Object, siblings: list[Object] | None = None) -> Object:
    """Return the answer to an edit."""
    return ask(
        plan,
        "edits",
        {
            "row": row,
            "siblings": siblings,
            "request": {"operation": "boundary_adjustment", "record_id": "month-6"} | request,
            "edited_at": "2026-03-21T09:30:00.000Z",
            "source_rule_version": "rule",
            "source_run_key": None,
        },
    )


def codes(output: Object) -> list[str]:
    """Return the codes of the issues; none when the edit goes through."""
    return [issue["code"] for issue in output.get("issues", [])]


def test_rows_of_an_edit_are_compact(plan: Plan) -> None:
    row = month(6, source_run_key=None, charge_family="fixed", note=None, extra={"a": [1]})
    output = edit(plan, row, {"operation": "skip"})
    dates = {key: value for key, value in month(6).items() if key != "record_id"}
    assert output["superseded_row"] == dates | {
        "record_id": "month-6",
        "lifecycle_state": "superseded",
        "source_run_key": None,
        "updated_at": "2026-03-21T09:30:00.000Z",
        "extra": {"a": [1]},
    }
    assert output["edited_row"] == dates | {
        "record_id": output["edited_row"]["record_id"],
        "revision": 2,
        "lifecycle_state": "skipped",
        "provenance_kind": "user_edited",
        "reason_code": "skip",
        "source_rule_version": "rule",
        "source_run_key": None,
        "supersedes_record_id": "month-6",
        "created_at": "2026-03-21T09:30:00.000Z",
        "updated_at": "2026-03-21T09:30:00.000Z",
        "extra": {"a": [1]},
    }


def test_an_edit_clears_the_linkage_that_the_defaults_carry(plan: Plan) -> None:
    given = {
        "row_defaults": DEFAULTS | {"invoice_id": "i"},
        "row": month(6, invoice_charge_id="c"),
        "request": {"operation": "skip", "record_id": "month-6"},
        "edited_at": "now",
        "source_rule_version": "rule",
    }
    output = ask(plan, "edits", given)
    assert output["edited_row"]["invoice_id"] is None
    assert "invoice_charge_id" not in output["edited_row"]
    assert output["superseded_row"]["invoice_charge_id"] == "c"


@pytest.mark.parametrize("siblings", [None, [], [month(6)]])
def test_without_neighbours_a_period_moves_freely(
    plan: Plan, siblings: list[Object] | None
) -> None:
    moved = {"updated_service_period_end": "2026-09-01"}
    assert edit(plan, month(6), moved, siblings)["ok"]


def test_missing_siblings_are_none(plan: Plan) -> None:
    given = {
        "row": month(6),
        "request": {"operation": "skip", "record_id": "month-6"},
        "edited_at": "now",
        "source_rule_version": "rule",
    }
    assert ask(plan, "edits", given)["ok"]


@pytest.mark.parametrize(
    ("siblings", "expected"),
    [
        ([month(5), month(7)], []),
        ([month(4), month(8)], ["continuity_gap_before", "continuity_gap_after"]),
        ([month(5, service_period_end="2026-06-02")], ["continuity_overlap_before"]),
        ([month(7, service_period_start="2026-06-30")], ["continuity_overlap_after"]),
        # The greatest in row order counts, whatever place it has in the list.
        ([month(5, service_period_end="2026-06-02"), month(5, record_id="x")],
         ["continuity_overlap_before"]),
        ([month(5, service_period_end="2026-05-20"), month(5, record_id="x")], []),
        # A row that starts on the same day is no neighbour, nor is a dead one or another schedule.
        ([month(6, record_id="x", service_period_end="2026-08-01")], []),
        ([month(4, lifecycle_state="archived"), month(8, schedule_key="other")], []),
        ([month(8, lifecycle_state=None)], ["continuity_gap_after"]),
        ([month(8, lifecycle_state="superseded"), month(4, lifecycle_state="skipped")],
         ["continuity_gap_before"]),
    ],
)  # fmt: skip
def test_neighbours_in_row_order(plan: Plan, siblings: list[Object], expected: list[str]) -> None:
    request = {"updated_invoice_window_end": "2026-08-01"}
    assert codes(edit(plan, month(6), request, siblings)) == expected
    assert codes(edit(plan, month(6), request, siblings[::-1])) == expected


def test_a_skip_looks_at_no_neighbour(plan: Plan) -> None:
    assert edit(plan, month(6), {"operation": "skip"}, [month(4), month(8)])["ok"]


@pytest.mark.parametrize(
    ("window", "request_window", "expected"),
    [
        (("2026-06-10", "2026-07-01"), CLEARED, (None, None)),
        (("2026-06-10", "2026-07-01"), {"updated_activity_window_start": "2026-06-20"},
         ("2026-06-20", "2026-07-01")),
        ((None, None), {"updated_activity_window_start": "2026-06-01",
                        "updated_activity_window_end": "2026-07-01"},
         ("2026-06-01", "2026-07-01")),
        ((None, None), CLEARED, "no_changes"),
        ((None, None), {"updated_activity_window_start": "2026-06-20"},
         "invalid_activity_window_range"),
        (("2026-06-10", "2026-07-01"), {"updated_activity_window_end": None},
         "invalid_activity_window_range"),
        (("2026-06-10", "2026-07-01"), {"updated_service_period_end": "2026-06-30"},
         "invalid_activity_window_range"),
        (("2026-06-10", "2026-07-01"), {"updated_activity_window_end": "2026-06-10"},
         "invalid_activity_window_range"),
    ],
)  # fmt: skip
def test_an_activity_window(
    plan: Plan, window: tuple[object, object], request_window: Object, expected: Any
) -> None:
    row = month(6, activity_window_start=window[0], activity_window_end=window[1])
    output = edit(plan, row, request_window)
    if isinstance(expected, str):
        assert codes(output) == [expected]
        return
    edited = output["edited_row"]
    assert (edited.get("activity_window_start"), edited.get("activity_window_end")) == expected
    assert edited["reason_code"] == "activity_window_adjustment"


def test_a_date_time_counts_as_its_day_and_a_kept_one_goes_out_as_it_came(plan: Plan) -> None:
    row = month(6, service_period_start="2026-06-01T00:00:00.000Z")
    same = {"updated_service_period_start": "2026-06-01"}
    assert codes(edit(plan, row, same)) == ["no_changes"]
    moved = {"updated_service_period_end": "2026-07-02T00:00:00.000Z"}
    edited = edit(plan, row, moved)["edited_row"]
    assert edited["service_period_start"] == "2026-06-01T00:00:00.000Z"
    assert edited["service_period_end"] == "2026-07-02"


@pytest.mark.parametrize(
    ("request_window", "expected"),
    [
        ({}, "missing"),
        ({"deferred_invoice_window_start": "2026-08-01"}, "missing"),
        ({"deferred_invoice_window_start": None, "deferred_invoice_window_end": None}, "missing"),
        ({"updated_invoice_window_start": "2026-08-01"}, "missing"),
    ],
)
def test_a_deferral_needs_both_dates(plan: Plan, request_window: Object, expected: str) -> None:
    output = edit(plan, month(6), {"operation": "defer"} | request_window)
    assert codes(output) == [f"{expected}_deferred_invoice_window"]


def test_the_first_refusal_that_applies(plan: Plan) -> None:
    billed = month(6, lifecycle_state="billed")
    assert codes(edit(plan, billed, {"record_id": "other"})) == ["record_mismatch"]
    assert codes(edit(plan, billed, {})) == ["immutable_record"]
    everything = {f"updated_{name}_end": "2026-01-01" for name in
                  ("service_period", "invoice_window", "activity_window")}  # fmt: skip
    assert codes(edit(plan, month(6), everything)) == ["invalid_service_period_range"]


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        ({}, "billed"),
        ({"lifecycle_state": "locked"}, "billed"),
        ({"lifecycle_state": "billed"}, "billed"),
        ({"lifecycle_state": "skipped"}, "state_not_billable"),
        ({"lifecycle_state": "superseded", **LINKAGE}, "immutable_record"),
        ({"invoice_id": "i"}, "already_linked"),
        ({"lifecycle_state": "skipped", "invoice_charge_id": "other"}, "already_linked"),
        ({**LINKAGE, "invoice_charge_detail_id": "other"}, "already_linked"),
    ],
)
def test_linkage(plan: Plan, row: Object, expected: str) -> None:
    output = ask(plan, "linkage", {"row": month(6, **row), "linkage": LINKAGE})
    if expected == "billed":
        linked = {"lifecycle_state": "billed", "updated_at": LINKAGE["invoice_linked_at"]}
        assert output == {"row": month(6) | LINKAGE | linked}
    else:
        assert output == {"error": expected}


@pytest.mark.parametrize("lifecycle_state", ["generated", "skipped", "billed"])
def test_linking_again_changes_nothing(plan: Plan, lifecycle_state: str) -> None:
    row = month(6, **LINKAGE) | {"invoice_linked_at": "then", "lifecycle_state": lifecycle_state}
    output = ask(plan, "linkage", {"row": row, "linkage": LINKAGE})
    if lifecycle_state == DEFAULTS["lifecycle_state"]:
        del row["lifecycle_state"]
    assert output == {"row": row}


def select(plan: Plan, rows: list[Object], /, **query: object) -> Object:
    """Return the answer to a query for June."""
    asked = {
        "tenant": "t",
        "cadence_owner": "client",
        "schedule_keys": ["s"],
        "window_start": "2026-06-01",
        "window_end": "2026-07-01",
        "lifecycle_states": None,
        "charge_families": None,
    } | query
    return ask(plan, "due_selection", {"rows": rows, "query": asked})


@pytest.mark.parametrize("keys", [None, [], [""], ["", ""]])
def test_no_schedule_keys(plan: Plan, keys: object) -> None:
    assert select(plan, [month(6)], schedule_keys=keys) == {"error": "no_schedule_keys"}


def test_schedule_keys_are_sorted_by_code_point_and_distinct(plan: Plan) -> None:
    keys = ["é", "b", "a", "B", "", "b", " "]
    output = select(plan, [], schedule_keys=keys)
    assert output == {
        "schedule_keys": sorted({*keys} - {""}),
        "lifecycle_states": ["generated", "edited", "locked"],
        "selected_record_ids": [],
    }


@pytest.mark.parametrize(
    ("row", "query", "selected"),
    [
        ({}, {}, True),
        ({"lifecycle_state": "locked"}, {}, True),
        ({"lifecycle_state": "billed"}, {}, False),
        ({"lifecycle_state": "billed"}, {"lifecycle_states": ["billed"]}, True),
        ({}, {"lifecycle_states": []}, False),
        ({}, {"charge_families": ["usage", "fixed"]}, True),
        ({}, {"charge_families": ["usage"]}, False),
        ({}, {"charge_families": []}, False),
        ({"charge_family": None}, {"charge_families": ["fixed"]}, False),
        ({"invoice_charge_id": "c"}, {}, False),
        ({"invoice_id": None}, {}, True),
        ({"tenant": "other"}, {}, False),
        ({"cadence_owner": "contract"}, {}, False),
        ({"schedule_key": "other"}, {}, False),
        ({"invoice_window_end": "2026-07-02"}, {}, False),
        ({"invoice_window_end": "2026-07-01T00:00:00.000Z"}, {}, True),
    ],
)
def test_which_rows_are_due(plan: Plan, row: Object, query: Object, selected: bool) -> None:
    output = select(plan, [month(6, **row)], **query)
    assert output["selected_record_ids"] == ["month-6"] * selected
    assert output["lifecycle_states"] == query.get(
        "lifecycle_states", ["generated", "edited", "locked"]
    )


def test_due_rows_are_ordered(plan: Plan) -> None:
    rows = [
        month(6, record_id="last", service_period_start="2026-06-02"),
        month(6, record_id="longer", service_period_end="2026-07-02"),
        month(6, record_id="later obligation", obligation_id="é"),
        month(6, record_id="second revision", revision=2),
        month(6, record_id="z"),
        month(6, record_id="a"),
        month(6, record_id="first obligation", obligation_id="O", revision=9),
    ]
    assert select(plan, rows)["selected_record_ids"] == [
        "first obligation", "z", "a", "second revision", "later obligation", "longer", "last"
    ]  # fmt: skip


def test_parity_of_a_long_ledger(plan: Plan) -> None:
    days = [date.fromordinal(number).isoformat() for number in range(700_000, 704_001)]
    derived = [
        {
            "schedule_key": "s",
            "service_period_start": start,
            "service_period_end": end,
            "invoice_window_start": start,
            "invoice_window_end": end,
        }
        for start, end in pairwise(days)
    ]
    persisted = [
        item
        | {
            "period_key": f"period:{item['service_period_start']}:{item['service_period_end']}",
            "lifecycle_state": "generated",
        }
        for item in derived
    ]
    started = perf_counter()
    output = ask(plan, "parity", {"tenant": "t", "derived": derived, "persisted": persisted[1:]})
    assert [drift["kind"] for drift in output["drifts"]] == ["missing_persisted_period"]
    assert perf_counter() - started < 10
