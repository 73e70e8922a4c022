"""What an invoice bills and for how much, said again in other words (decisions I3 to I9)."""

import math
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from itertools import combinations

from tests.invoices.acts import DUE
from tests.invoices.state import Row, Span, State, covered, span


@dataclass(frozen=True)
class Window:
    """The window of a client that is to be invoiced: all of it, or some execution identities."""

    client: str
    start: str
    end: str
    keys: tuple[str, ...] | None = None


def window_of(row: Row) -> Window:
    """Return the window in which a ledger row is invoiced."""
    return Window(row["client_id"], row["invoice_window_start"], row["invoice_window_end"])


def identity(state: State, row: Row) -> str:
    """Return the execution identity of a ledger row."""
    owner, line = row["cadence_owner"], state["contract_lines"][row["obligation_id"]]
    parts = [f"{owner}_cadence_window", owner, row["client_id"]]
    if owner == "client":
        parts += [row["schedule_key"], row["period_key"]]
    else:
        parts += [row["period_key"], line["contract_id"], row["obligation_id"]]
    return ":".join([*parts, row["invoice_window_start"], row["invoice_window_end"]])


def round_half_away(value: Fraction) -> int:
    """Round to whole cents; a half goes away from zero."""
    return math.floor(abs(value) + Fraction(1, 2)) * (1 if value > 0 else -1)


def days(one: Span) -> int:
    """Return the number of days of a span."""
    return (one[1] - one[0]).days


def share_days(one: Span, other: Span) -> bool:
    """Whether two spans have a day in common."""
    return one[0] < other[1] and other[0] < one[1]


def records(state: State, row: Row) -> list[Row]:
    """Return the billable records dated in the days that a ledger row bills."""
    start, end = covered(row)
    return [
        record
        for record in state["billable_records"].values()
        if record["contract_line_id"] == row["obligation_id"]
        and start <= date.fromisoformat(record["recorded_on"]) < end
    ]


def bills_records(row: Row) -> bool:
    """Whether a ledger row bills what was recorded, not a price a period."""
    return row["charge_family"] in ("hourly", "usage", "bucket")


def price(state: State, row: Row) -> int:
    """Return what a ledger row costs, in cents (I9)."""
    return round_half_away(exact_price(state, row))


def exact_price(state: State, row: Row) -> Fraction:
    """Return what a ledger row costs before it is rounded: every day its share of the period."""
    line = state["contract_lines"][row["obligation_id"]]
    if bills_records(row):
        amounts = (Fraction(r["quantity"]) * r["unit_price_cents"] for r in records(state, row))
        return sum(amounts, Fraction(0))
    share, is_part = Fraction(1), row["whole_period_start"] is not None
    if line["enable_proration"] or is_part:
        whole = span(row, "whole_period" if is_part else "service_period")
        share = Fraction(days(covered(row)), days(whole))
    return Fraction(line["quantity"]) * int(line["unit_price_cents"]) * share


def left_due_because(state: State, row: Row) -> str | None:
    """Return why a due row makes no line; None when it makes one."""
    line = state["contract_lines"][row["obligation_id"]]
    if line["unit_price_cents"] * Fraction(line["quantity"]) < 0:
        return "credit_line"
    if bills_records(row) and price(state, row) <= 0:
        return "nothing_billable"
    taken = (
        span(detail, "service_period")
        for detail in state.counting()
        if detail["contract_line_id"] == row["obligation_id"]
    )
    if any(share_days(covered(row), other) for other in taken):
        return "days_already_billed"
    return None


def decide(state: State, window: Window, as_of: date | None) -> tuple[str, str | None, list[Row]]:
    """Return status, reason and billed rows of a call, if no period of the window lacks its row."""
    if as_of and as_of < date.fromisoformat(window.start):
        return "refused", "not_yet_due", []
    rows = [
        row
        for row in state.live()
        if window_of(row) == Window(window.client, window.start, window.end)
        and (window.keys is None or identity(state, row) in window.keys)
    ]
    if window.keys and {*window.keys} != {identity(state, row) for row in rows}:
        return "refused", "unknown_execution_identity", []
    due = [row for row in rows if row["lifecycle_state"] in DUE]
    left = sorted({left_due_because(state, row) or "" for row in due} - {""})
    lines = [row for row in due if not left_due_because(state, row)]
    invoiced = any(row["lifecycle_state"] == "billed" for row in rows)
    if any(
        one["obligation_id"] == other["obligation_id"] and share_days(covered(one), covered(other))
        for one, other in combinations(lines, 2)
    ):
        return "refused", "days_due_twice", []
    if lines:
        reasons = [*left, *(["some_already_invoiced"] if invoiced else [])]
        return "generated", reasons[0] if reasons else None, lines
    if invoiced:
        return "already_invoiced", left[0] if left else None, []
    skipped = any(row["lifecycle_state"] == "skipped" for row in rows)
    return "refused", [*left, "skipped" if skipped else "nothing_due"][0], []
