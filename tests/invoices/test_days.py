"""The calendar by which lives are judged, held against lives whose answers are known."""

from datetime import date
from fractions import Fraction
from typing import Any

import pytest

from tests.invoices.cadences import Span
from tests.invoices.days import Assignment, Life, Period
from tests.invoices.statement import days, round_half_away
from tests.invoices.verdict import wrong_days, wrong_row
from tests.plan import lives as known
from tests.service_periods.books import Row

DEAD = ("superseded", "archived")
TARGET = 180


def between(row: Row, name: str) -> Span | None:
    """Return two dates of a row, as it went in or came out."""
    start, end = row.get(name) or (row.get(f"{name}_start"), row.get(f"{name}_end"))
    return (date.fromisoformat(start), date.fromisoformat(end)) if start and end else None


def period(row: Row, before: Row) -> Period:
    """Return a live row; before: what it was when it went in."""
    service, window = between(row, "service_period"), between(row, "invoice_window")
    assert service is not None
    assert window is not None
    return Period(
        row["period_key"],
        "",
        row["lifecycle_state"],
        before.get("provenance_kind", "generated"),
        service,
        window,
        between(row, "activity_window"),
        between(row, "whole_period"),
        before.get("invoice_charge_id"),
    )


def life(given: Row, rows: list[Period]) -> Life:
    """Return a life with some rows."""
    line = given["line"]
    clients: dict[str, tuple[str, dict[str, Any]]] = {}
    for name, client in given["clients"].items():
        anchors = {key.removeprefix("anchor_"): value for key, value in client.items()}
        reference = anchors.get("reference_date")
        anchors["reference_date"] = date.fromisoformat(reference) if reference else None
        clients[name] = anchors.pop("billing_cycle"), anchors
    assignments = [
        Assignment(
            str(number),
            one["client"],
            date.fromisoformat(one["start_date"]),
            date.fromisoformat(one["end_date"]) if one["end_date"] else None,
            one["is_active"],
        )
        for number, one in enumerate(given["assignments"])
    ]
    owner, timing, frequency = (
        line[name] for name in ("cadence_owner", "billing_timing", "billing_frequency")
    )
    return Life("", "", owner, timing, frequency, clients, assignments, rows, [])


@pytest.mark.parametrize("one", known.lives(), ids=lambda one: one.id)
def test_the_calendar_agrees(one: known.Life) -> None:
    given, answer = one.input, one.expected
    there = {
        (row["period_key"], row["revision"]): row
        for row in given["rows"]
        if row["lifecycle_state"] not in DEAD
    }
    before = life(given, [period(row, row) for row in there.values()])
    assert bool(before.gap()) == ("history_gap" in answer["escalated"])

    keys = [(row["period_key"], row["revision"]) for row in answer["live_rows"]]
    rows = [
        period(row, there.get(key, {})) for key, row in zip(keys, answer["live_rows"], strict=True)
    ]
    after = life(given, rows)
    assert wrong_days(after, after.wanted(date.fromisoformat(given["as_of"]), TARGET)) == []
    assert after.gap() == set()
    for key, row, told in zip(keys, rows, answer["live_rows"], strict=True):
        share = Fraction(days(row.covered), days(row.whole or row.service))
        assert told["price_cents"] == round_half_away(given["unit_price_cents"] * share)
        if key not in there:
            counted = "history_gap" not in answer["escalated"]
            fence = before.boundary() or date.min
            found = wrong_row(after, row, fence if counted else None)
            assert [text for text in found if not text.endswith("another client")] == []
