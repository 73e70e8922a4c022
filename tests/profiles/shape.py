"""The tables of the two systems whose databases are adopted, made anew from lists of their facts.

tests/data/source holds the columns and keys as information_schema lists them; what it does not list
(checks, partial keys, indexes) stands here.
"""

import csv
import gzip
from collections import defaultdict
from dataclasses import dataclass

from psycopg import sql

from tests.conftest import ROOT, Database

#: Types that information_schema names without their detail.
_TYPES = {"ARRAY": "integer[]", "character": "character(3)"}

#: The checks of the ledger.
_LEDGER_CHECKS = {
    "obligation_type": "obligation_type IN ('contract_line', 'client_contract_line',"
    " 'template_line', 'preset_line')",
    "charge_family": "charge_family IN ('fixed', 'product', 'license', 'bucket', 'hourly',"
    " 'usage')",
    "cadence_owner": "cadence_owner IN ('client', 'contract')",
    "due_position": "due_position IN ('advance', 'arrears')",
    "lifecycle_state": "lifecycle_state IN ('generated', 'edited', 'skipped', 'locked', 'billed',"
    " 'superseded', 'archived')",
    "provenance_kind": "provenance_kind IN ('generated', 'user_edited', 'regenerated', 'repair')",
    "revision": "revision >= 1",
    "service_period": "service_period_start < service_period_end",
    "invoice_window": "invoice_window_start < invoice_window_end",
    "activity_window": "activity_window_start IS NULL AND activity_window_end IS NULL"
    " OR activity_window_start IS NOT NULL AND activity_window_end IS NOT NULL"
    " AND activity_window_start < activity_window_end"
    " AND activity_window_start >= service_period_start"
    " AND activity_window_end <= service_period_end",
    "supersedes": "supersedes_record_id <> record_id",
    "linkage": "num_nonnulls(invoice_id, invoice_charge_id, invoice_charge_detail_id,"
    " invoice_linked_at) IN (0, 4)",
    "linked_is_billed": "invoice_charge_detail_id IS NULL OR lifecycle_state = 'billed'",
}

_CYCLES = "('weekly', 'bi-weekly', 'monthly', 'quarterly', 'semi-annually', 'annually')"

#: Table → name of a check → what it asks.
_CHECKS = {
    "recurring_service_periods": _LEDGER_CHECKS,
    "clients": {"billing_cycle": f"billing_cycle IN {_CYCLES}"},
    "client_billing_settings": {
        "day_of_month": "billing_cycle_anchor_day_of_month BETWEEN 1 AND 28",
        "month_of_year": "billing_cycle_anchor_month_of_year BETWEEN 1 AND 12",
        "day_of_week": "billing_cycle_anchor_day_of_week BETWEEN 1 AND 7",
    },
    "contract_lines": {"cadence_owner": "cadence_owner IN ('client', 'contract')"},
    "invoice_charge_details": {"billing_timing": "billing_timing IN ('arrears', 'advance')"},
}

#: Table → indexes, by what stands after CREATE [UNIQUE] INDEX ON its name.
_INDEXES = {
    "recurring_service_periods": (
        "INDEX ON {} (tenant, schedule_key, service_period_start)",
        "INDEX ON {} (tenant, obligation_id, lifecycle_state)",
        "INDEX ON {} (tenant, lifecycle_state, invoice_window_start, invoice_window_end)",
        "INDEX ON {} (tenant, invoice_id)",
    ),
    "client_billing_cycles": (
        "UNIQUE INDEX ON {} (tenant, client_id, billing_profile_id, period_start_date)"
        " WHERE is_active",
    ),
    "contracts": ("UNIQUE INDEX ON {} (tenant, owner_client_id) WHERE is_system_managed_default",),
    "invoice_charge_details": ("INDEX ON {} (tenant, service_period_start, service_period_end)",),
}


@dataclass(frozen=True)
class Shape:
    """The tables of one of the systems: ``alga``, managed services, or ``rental``."""

    name: str

    def columns(self) -> dict[str, list[dict[str, str]]]:
        """Return the columns of each table, in their order."""
        tables: dict[str, list[dict[str, str]]] = defaultdict(list)
        for column in self._facts("columns"):
            tables[column["table_name"]].append(column)
        return tables

    def create(self, connection: Database, schema: str = "public") -> None:
        """Make the tables, empty, with all their keys; what needs another table comes last."""
        for table, columns in self.columns().items():
            connection.execute(
                sql.SQL("CREATE TABLE {} ({})").format(
                    sql.Identifier(schema, table), sql.SQL(", ").join(map(_column, columns))
                )
            )
        keys = self._facts("keys")
        for key in sorted(keys, key=lambda key: key["kind"] == "foreign key"):
            connection.execute(_key(key, schema))
        for table in self.columns().keys() & _CHECKS.keys():
            for name, check in _CHECKS[table].items():
                connection.execute(
                    sql.SQL("ALTER TABLE {} ADD CONSTRAINT {} CHECK ({})").format(
                        sql.Identifier(schema, table),
                        sql.Identifier(f"{table}_{name}_check"),
                        sql.SQL(check),
                    )
                )
        for table in self.columns().keys() & _INDEXES.keys():
            for index in _INDEXES[table]:
                connection.execute(sql.SQL(f"CREATE {index}").format(sql.Identifier(schema, table)))

    def _facts(self, what: str) -> list[dict[str, str]]:
        packed = ROOT / f"tests/data/source/{self.name}_{what}.csv.gz"
        with gzip.open(packed, "rt", encoding="utf-8") as file:
            return list(csv.DictReader(file))


ALGA = Shape("alga")
RENTAL = Shape("rental")


def _column(column: dict[str, str]) -> sql.Composable:
    """Return a column as CREATE TABLE takes it."""
    kind = _TYPES.get(column["type"], column["type"])
    default = f" DEFAULT {column['default']}" if column["default"] else ""
    rest = f"{kind}{default}{' NOT NULL' if column['nullable'] == 'NO' else ''}"
    return sql.SQL("{} {}").format(
        sql.Identifier(column["column_name"]),
        sql.SQL(rest),
    )


def _key(key: dict[str, str], schema: str) -> sql.Composed:
    """Return the statement that adds a key; two alike get names of their own."""
    names = {
        "table": sql.Identifier(schema, key["table_name"]),
        "kind": sql.SQL(key["kind"].upper()),
        "columns": _list(key["columns"]),
    }
    if key["kind"] != "foreign key":
        return sql.SQL("ALTER TABLE {table} ADD {kind} ({columns})").format(**names)
    action = key["on_delete"].upper()
    return sql.SQL(
        "ALTER TABLE {table} ADD {kind} ({columns}) REFERENCES {target} ({referred}){action}"
    ).format(
        **names,
        target=sql.Identifier(schema, key["references_table"]),
        referred=_list(key["references_columns"]),
        action=sql.SQL(f" ON DELETE {action}" if action else ""),
    )


def _list(columns: str) -> sql.Composed:
    return sql.SQL(", ").join(map(sql.Identifier, columns.split()))
