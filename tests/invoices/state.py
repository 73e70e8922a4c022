"""A tenant's books at one moment, read in one statement, and what must hold of them at any."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any
from uuid import UUID

from tests.conftest import Database

Row = dict[str, Any]
Span = tuple[date, date]

#: The checks of verify/ that never find anything in books that only the package has written.
INVARIANTS = (
    "row_overlap",
    "slot_collision",
    "billed_linkage",
    "linkage_target",
    "lineage",
    "schedule_key",
    "quarantine",
    "detail_mismatch",
    "double_billed",
    "day_twice",
    "detail_exclusive_end",
    "ledger_guard",
)
#: What is compared before and after, and the id of a row; null: compared only.
_TABLES = {
    "accepted_escalations": None,
    "billable_records": "billable_record_id",
    "client_billing_cycles": "billing_cycle_id",
    "client_billing_settings": "client_id",
    "client_contracts": "client_contract_id",
    "clients": "client_id",
    "contract_lines": "contract_line_id",
    "invoice_charge_details": "invoice_charge_detail_id",
    "invoice_charges": "invoice_charge_id",
    "invoices": "invoice_id",
    "recurring_service_periods": "record_id",
    "service_period_events": None,
    "withdrawn_invoices": None,
}
_ROWS = ", ".join(
    f"'{table}', (SELECT coalesce(jsonb_object_agg({f't.{key}' if key else 'md5(t::text)'},"
    f" to_jsonb(t)), '{{}}') FROM billing.{table} AS t WHERE t.tenant = %(tenant)s)"
    for table, key in _TABLES.items()
)
_FINDINGS = " UNION ALL ".join(
    f"SELECT * FROM billing.check_{name}(%(tenant)s, '2025-01-01')" for name in INVARIANTS
)
_READ = f"""
    SELECT jsonb_build_object(
        {_ROWS}, 'findings', (SELECT jsonb_agg(f) FROM ({_FINDINGS}) AS f))::text
""".encode()


@dataclass(frozen=True)
class State:
    """The tables by id; two states are equal when no byte differs."""

    tables: dict[str, Any]

    def __getitem__(self, table: str) -> dict[str, Row]:
        rows: dict[str, Row] = self.tables[table]
        return rows

    @property
    def ledger(self) -> dict[str, Row]:
        """The ledger rows."""
        return self["recurring_service_periods"]

    def live(self) -> list[Row]:
        """Return the live ledger rows, in an order that does not depend on their ids."""
        rows = (row for row in self.ledger.values() if is_live(row))
        return sorted(
            rows,
            key=lambda row: (row["obligation_id"], row["service_period_start"], row["revision"]),
        )

    def counting(self) -> list[Row]:
        """Return the details that bill days: a cancelled one only if a live row is linked to it."""
        linked = {row["invoice_charge_id"] for row in self.live()}
        return [
            detail
            for detail in self["invoice_charge_details"].values()
            if not detail["is_reversed"]
            and (detail["invoice_charge_id"] in linked or not self._is_cancelled(detail))
        ]

    def imported(self) -> set[str]:
        """Return the invoices that were not made here: they are of no window."""
        return {key for key, row in self["invoices"].items() if not row["invoice_window_start"]}

    def invoice_of(self, detail: Row) -> str:
        """Return the invoice of a detail."""
        return str(self["invoice_charges"][detail["invoice_charge_id"]]["invoice_id"])

    def _is_cancelled(self, detail: Row) -> bool:
        return bool(self["invoices"][self.invoice_of(detail)]["status"] == "cancelled")


def read(database: Database, tenant: UUID) -> State:
    """Read the books of a tenant."""
    ((text,),) = database.execute(_READ, {"tenant": tenant}).fetchall()
    return State(json.loads(text, parse_float=Fraction))


def is_live(row: Row) -> bool:
    """Whether a ledger row is neither superseded nor archived."""
    return row["lifecycle_state"] not in ("superseded", "archived")


def span(row: Row, name: str) -> Span:
    """Return two dates of a row."""
    return days_of(row[f"{name}_start"], row[f"{name}_end"])


def days_of(start: str, end: str) -> Span:
    """Return two dates of JSON as days."""
    return date.fromisoformat(start), date.fromisoformat(end)


def covered(row: Row) -> Span:
    """Return the days that a ledger row bills."""
    return span(row, "activity_window" if row["activity_window_start"] else "service_period")


def assert_sound(state: State) -> None:
    """Assert everything that holds of the books after each step, whatever the step was."""
    assert not state.tables["findings"], state.tables["findings"]
    details, charges = state["invoice_charge_details"], state["invoice_charges"]
    live = state.live()
    billed = [row for row in live if row["lifecycle_state"] == "billed"]
    assert_apart((row["schedule_key"], covered(row)) for row in live)
    assert_apart((row["obligation_id"], covered(row)) for row in billed)
    assert_apart(
        (detail["contract_line_id"], span(detail, "service_period")) for detail in state.counting()
    )

    for row in state.ledger.values():
        linked = [row[name] for name in ("invoice_id", "invoice_charge_id", "invoice_linked_at")]
        linked.append(row["invoice_charge_detail_id"])
        if row["lifecycle_state"] != "archived":
            assert all(linked) if row["lifecycle_state"] == "billed" else not any(linked), row
        if any(linked):
            detail = details[row["invoice_charge_detail_id"]]
            assert charges[detail["invoice_charge_id"]]["invoice_id"] == row["invoice_id"]
            assert detail["invoice_charge_id"] == row["invoice_charge_id"]
            assert detail["contract_line_id"] == row["obligation_id"]
            assert span(detail, "service_period") == covered(row)
    claims = {row["invoice_charge_detail_id"] for row in state.ledger.values()} - {None}
    assert claims == {
        key
        for key, detail in details.items()
        if not detail["is_reversed"] and state.invoice_of(detail) not in state.imported()
    }

    for key, invoice in state["invoices"].items():
        lines = [row["total_price_cents"] for row in charges.values() if row["invoice_id"] == key]
        assert lines
        assert invoice["subtotal_cents"] == invoice["total_cents"] == sum(lines)


def assert_apart(spans: Iterable[tuple[str, Span]]) -> None:
    """Assert that no two spans of one key share a day."""
    ends: dict[str, tuple[date, Span]] = {}
    for key, (start, end) in sorted(spans):
        previous = ends.get(key)
        assert previous is None or previous[0] <= start, (key, previous, (start, end))
        ends[key] = (end, (start, end))
