"""The obligations of a tenant's books, as they are read."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from typing import Any

from tests.invoices.days import Assignment, Detail, Life, Period
from tests.invoices.state import Row, Span, State, span

_ANCHOR = "billing_cycle_anchor_"


def lives(state: State) -> dict[str, Life]:
    """Return every obligation of the books, by its id."""
    assignments = _grouped(state["client_contracts"].values(), "contract_id")
    rows = _grouped(state.live(), "obligation_id")
    details = _grouped(state.counting(), "contract_line_id")
    clients = {key: _client(state, row) for key, row in state["clients"].items()}
    return {
        key: Life(
            key,
            line["contract_id"],
            line["cadence_owner"],
            line["billing_timing"],
            line["billing_frequency"],
            clients,
            sorted(
                map(_assignment, assignments[line["contract_id"]]),
                key=lambda one: (one.start, one.end or date.max, one.is_active, one.key),
            ),
            sorted(
                map(period_of, rows[key]),
                key=lambda row: (row.service, row.covered),
            ),
            sorted((_detail(state, row) for row in details[key]), key=lambda one: one.days),
        )
        for key, line in state["contract_lines"].items()
    }


def _grouped(rows: Iterable[Row], name: str) -> defaultdict[str, list[Row]]:
    groups: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        groups[row[name]].append(row)
    return groups


def _client(state: State, row: Row) -> tuple[str, dict[str, Any]]:
    settings = state["client_billing_settings"].get(row["client_id"], {})
    anchors: dict[str, Any] = {
        name.removeprefix(_ANCHOR): date.fromisoformat(value) if isinstance(value, str) else value
        for name, value in settings.items()
        if name.startswith(_ANCHOR)
    }
    return row["billing_cycle"], anchors


def _assignment(row: Row) -> Assignment:
    end = row["end_date"] and date.fromisoformat(row["end_date"])
    start = date.fromisoformat(row["start_date"])
    return Assignment(row["client_contract_id"], row["client_id"], start, end, row["is_active"])


def period_of(row: Row) -> Period:
    """Return a ledger row, or one that is planned, in the words of a life."""
    return Period(
        row["record_id"],
        row["client_id"],
        row["lifecycle_state"],
        row["provenance_kind"],
        span(row, "service_period"),
        span(row, "invoice_window"),
        _span(row, "activity_window"),
        _span(row, "whole_period"),
        row["invoice_charge_id"],
    )


def _detail(state: State, row: Row) -> Detail:
    return Detail(state.invoice_of(row), row["invoice_charge_id"], span(row, "service_period"))


def _span(row: Row, name: str) -> Span | None:
    return span(row, name) if row[f"{name}_start"] else None
