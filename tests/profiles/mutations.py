"""What may befall the books of the managed-services system in its own tables, drawn at random.

A change takes one row of a table, by a number that stands for one of those there are. What the
tables' own keys and checks refuse does not happen.
"""

from contextlib import suppress
from dataclasses import dataclass

import psycopg
from hypothesis import strategies as st

from tests.conftest import Database

Drawn = tuple[str, str, int]

_FAR = "interval '5 hours'"
_STRANGER = "gen_random_uuid()"

#: Table → what is set in one of its rows.
_SETS: dict[str, tuple[str, ...]] = {
    "clients": (
        *(f"billing_cycle = '{cycle}'" for cycle in ("weekly", "bi-weekly", "quarterly")),
        "billing_cycle = 'annually', is_inactive = NULL",
        "default_currency_code = 'CHF', timezone = 'Asia/Tokyo'",
    ),
    "client_billing_settings": (
        "billing_cycle_anchor_day_of_month = 15",
        "billing_cycle_anchor_day_of_month = NULL, billing_cycle_anchor_month_of_year = 5",
        "billing_cycle_anchor_day_of_week = 4",
        f"billing_cycle_anchor_reference_date = '2026-02-03 00:00+00'::timestamptz + {_FAR}",
        "zero_dollar_invoice_handling = 'finalized', suppress_zero_dollar_invoices = true",
    ),
    "client_billing_cycles": (
        f"period_start_date = period_start_date + {_FAR}",
        "period_end_date = NULL",
        "is_active = false",
    ),
    "contracts": (
        "is_active = NULL",
        "is_active = false, status = 'terminated'",
        "owner_client_id = NULL",
        "is_template = true",
        f"start_date = '2026-08-09 00:00+00'::timestamptz - {_FAR}",
    ),
    "client_contracts": (
        "is_active = NULL",
        "is_active = false",
        "start_date = start_date + 9",
        "start_date = start_date - 45",
        "end_date = start_date + 40",
        "end_date = '2026-10-10'",
    ),
    "contract_lines": (
        "is_active = NULL",
        "is_active = false",
        "contract_id = NULL",
        "is_template = true",
        "cadence_owner = CASE cadence_owner WHEN 'client' THEN 'contract' ELSE 'client' END",
        "billing_timing = CASE billing_timing WHEN 'advance' THEN 'arrears' ELSE 'advance' END",
        "billing_timing = 'whenever'",
        "billing_frequency = 'weekly'",
        "billing_frequency = 'quarterly', enable_proration = true",
        "contract_line_type = 'Hourly'",
        "contract_line_type = NULL, custom_rate = 12.50",
    ),
    "contract_line_service_configuration": (
        "custom_rate = NULL",
        "custom_rate = 333.50, quantity = 7",
        "quantity = NULL",
        "configuration_type = 'Usage'",
    ),
    "service_catalog": ("default_rate = NULL", "default_rate = 1"),
    "invoices": ("status = 'cancelled'", "billing_period_end = billing_period_end + 3"),
    "invoice_charges": ("total_price = 1", "client_contract_id = NULL"),
    "invoice_charge_details": (
        "service_period_end = service_period_end + 1",
        "service_period_start = NULL, service_period_end = NULL",
        "service_period_start = service_period_start - 3",
        "rate = 7, quantity = 0.33",
    ),
    "recurring_service_periods": (
        *(
            f"lifecycle_state = '{state}'"
            for state in ("generated", "edited", "skipped", "locked", "billed", "superseded",
                          "archived")
        ),
        "provenance_kind = 'user_edited', reason_code = 'boundary_adjustment',"
        " lifecycle_state = 'edited', service_period_start = service_period_start + 3",
        "service_period_end = service_period_end + 7",
        "service_period_start = service_period_start - 10",
        "activity_window_start = service_period_start + 1,"
        " activity_window_end = service_period_end",
        "invoice_window_start = invoice_window_start + 31,"
        " invoice_window_end = invoice_window_end + 31",
        f"obligation_id = {_STRANGER}",
        "obligation_type = 'template_line'",
        "charge_family = 'bucket'",
        "due_position = CASE due_position WHEN 'advance' THEN 'arrears' ELSE 'advance' END",
        "revision = revision + 3",
        "period_key = 'another'",
        "invoice_id = CASE WHEN invoice_id IS NOT NULL THEN " + _STRANGER + " END",
        "invoice_id = NULL, invoice_charge_id = NULL, invoice_charge_detail_id = NULL,"
        " invoice_linked_at = NULL",
    ),
}  # fmt: skip

#: Table → how a row of it is written a second time: columns that are other.
_TWICE = {
    "client_contracts": {"client_contract_id": _STRANGER, "start_date": "t.start_date + 3"},
    "recurring_service_periods": {
        "record_id": _STRANGER, "revision": "t.revision + 1", "invoice_id": "NULL",
        "invoice_charge_id": "NULL", "invoice_charge_detail_id": "NULL",
        "invoice_linked_at": "NULL", "lifecycle_state": "'generated'",
    },
}  # fmt: skip

_DELETED = (
    "client_billing_settings", "client_billing_cycles", "client_contracts",
    "invoice_charge_details", "recurring_service_periods",
    "recurring_service_periods",
)  # fmt: skip

#: Table, what happens to one of its rows ("delete", "twice", or what is set), and which row.
changes: st.SearchStrategy[Drawn] = st.tuples(
    st.sampled_from(
        [
            *((table, setting) for table, settings in _SETS.items() for setting in settings),
            *((table, "twice") for table in _TWICE for _ in range(3)),
            *((table, "delete") for table in _DELETED),
        ]
    ),
    st.integers(0, 400),
).map(lambda drawn: (*drawn[0], drawn[1]))


#: Which rows of a table are chosen from: books whose lineage is broken are not imported at all.
_AMONG = {
    "recurring_service_periods": "supersedes_record_id IS NULL AND lifecycle_state <> 'superseded'"
    " AND NOT EXISTS (SELECT FROM recurring_service_periods AS r"
    " WHERE r.supersedes_record_id = t.record_id)"
}


@dataclass(frozen=True)
class Change:
    """One change as SQL."""

    table: str
    what: str
    which: int

    def statement(self, tenant: str) -> str:
        """Return the statement, about one row of a tenant's."""
        among = _AMONG.get(self.table, "true")
        rows = f"FROM {self.table} AS t WHERE tenant = '{tenant}' AND {among}"
        one = (
            f"SELECT ctid {rows} ORDER BY md5(t::text)"
            f" OFFSET {self.which} % greatest((SELECT count(*) {rows}), 1) LIMIT 1"
        )
        if self.what == "delete":
            return f"DELETE FROM {self.table} WHERE ctid = ({one})"
        if self.what == "twice":
            other = ", ".join(f"'{name}', {value}" for name, value in _TWICE[self.table].items())
            return (
                f"INSERT INTO {self.table} SELECT (jsonb_populate_record(t,"
                f" jsonb_build_object({other}))).* FROM {self.table} AS t WHERE ctid = ({one})"
            )
        return f"UPDATE {self.table} SET {self.what} WHERE ctid = ({one})"


def befall(database: Database, tenant: str, drawn: list[Drawn]) -> int:
    """Let changes happen to the books of a tenant; return how many did."""
    happened = 0
    for change in drawn:
        with suppress(psycopg.IntegrityError):
            happened += database.execute(Change(*change).statement(tenant).encode()).rowcount
    return happened
