"""Lives of one obligation: how its ledger stands, and what runs make of it."""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.conftest import Database
from tests.service_periods.books import LEDGER, Row

OBLIGATION = UUID("11111111-1111-4111-8111-111111111111")

_FILE = Path(__file__).parents[1] / "data" / "lives" / "spans.jsonl.gz"
_LINKS = ("invoice_id", "invoice_charge_id", "invoice_charge_detail_id")


@dataclass(frozen=True)
class Life:
    """One obligation, as the file has it; its tenant bears its number."""

    id: str
    input: Row
    expected: Row

    @property
    def tenant(self) -> UUID:
        """The tenant that has nothing but this obligation."""
        return UUID(int=int(self.id.rpartition("-")[2]) << 64)

    def new_id(self, name: str) -> UUID:
        """Return the id of a client, of an assignment, or of the contract."""
        return UUID(int=self.tenant.int + int.from_bytes(name.encode()))

    def books(self) -> Iterator[tuple[str, Row]]:
        """Yield the rows that a database holds of it, each with its table."""
        yield "tenants", {"tenant_name": self.id}
        yield "contracts", {"contract_id": self.new_id("k"), "contract_name": "Contract"}
        for name, client in self.input["clients"].items():
            anchors = {
                f"billing_cycle_{key}": value for key, value in client.items() if "anchor" in key
            }
            named = {"client_id": self.new_id(name), "client_name": name}
            yield "clients", named | {"billing_cycle": client["billing_cycle"]}
            yield "client_billing_settings", {"client_id": self.new_id(name)} | anchors
        for number, assignment in enumerate(self.input["assignments"]):
            yield (
                "client_contracts",
                {
                    "client_contract_id": self.new_id(f"a{number}"),
                    "contract_id": self.new_id("k"),
                    "client_id": self.new_id(assignment["client"]),
                    **{key: assignment[key] for key in ("start_date", "end_date", "is_active")},
                },
            )
        yield (
            "contract_lines",
            {
                "contract_line_id": OBLIGATION,
                "contract_line_name": "Line",
                "contract_id": self.new_id("k"),
                "contract_line_type": "Fixed",
                "enable_proration": True,
                "unit_price_cents": self.input["unit_price_cents"],
                **self.input["line"],
            },
        )
        for row in self.input["rows"]:
            yield from self._ledger(row)

    def _ledger(self, row: Row) -> Iterator[tuple[str, Row]]:
        """Yield a ledger row, and the invoice that its links name."""
        start, end = (
            row.get(f"activity_window_{side}") or row[f"service_period_{side}"]
            for side in ("start", "end")
        )
        client = self._client_on(start)
        linked = _LINKS[0] in row
        yield (
            "recurring_service_periods",
            {
                **row,
                "client_id": client,
                "obligation_id": OBLIGATION,
                "schedule_key": row["schedule_key"].replace(":t:", f":{self.tenant}:", 1),
                "source_rule_version": "vectors",
                "invoice_linked_at": "2026-01-01T00:00:00Z" if linked else None,
            },
        )
        if linked:
            invoice, charge, detail = (row[link] for link in _LINKS)
            number = {"invoice_number": invoice, "invoice_date": start, "client_id": client}
            yield "invoices", {"invoice_id": invoice} | number
            of = {"invoice_id": invoice, "description": "Line"}
            yield "invoice_charges", {"invoice_charge_id": charge} | of
            yield (
                "invoice_charge_details",
                {
                    "invoice_charge_detail_id": detail,
                    "invoice_charge_id": charge,
                    "contract_line_id": OBLIGATION,
                    "service_period_start": start,
                    "service_period_end": end,
                },
            )

    def _client_on(self, day: str) -> UUID:
        """Return whom an assignment bills for a day, an active one first; in none client A."""
        billed = [
            (not assignment["is_active"], assignment["start_date"], assignment["client"])
            for assignment in self.input["assignments"]
            if assignment["start_date"] <= day < (assignment["end_date"] or "9999")
        ]
        return self.new_id(min(billed)[2] if billed else "A")


def lives(*ids: str) -> list[Life]:
    """Return the lives of the file, or those of some ids."""
    with gzip.open(_FILE, "rt", encoding="utf-8") as lines:
        found = [Life(**json.loads(line)) for line in lines]
    return [life for life in found if life.id in ids or not ids]


def load(database: Database, chosen: Iterable[Life]) -> None:
    """Insert what some lives hold as it stands, guards off."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for life in chosen:
        for table, row in life.books():
            tables[table].append({"tenant": life.tenant, **row})
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        for table, rows in tables.items():
            _insert(database, table, rows)
    database.execute("ANALYZE")


def _insert(database: Database, table: str, rows: list[Row]) -> None:
    """Insert rows, a statement a shape: a column that a row leaves out has its default."""
    shapes: dict[tuple[str, ...], list[Row]] = defaultdict(list)
    for row in rows:
        shapes[tuple(sorted(row))].append(row)
    name = sql.Identifier("billing", table)
    for shape, alike in shapes.items():
        columns = sql.SQL(", ").join(map(sql.Identifier, shape))
        database.execute(
            sql.SQL(
                "INSERT INTO {} ({}) SELECT {} FROM jsonb_populate_recordset(NULL::{}, %s)"
            ).format(name, columns, columns, name),
            [Jsonb(alike, dumps=lambda value: json.dumps(value, default=str))],
        )


def run(database: Database, life: Life) -> Row:
    """Run a life and return what became of it, in the form of ``expected``."""
    given = (life.tenant, life.input["as_of"])
    cursor = database.cursor(row_factory=dict_row)
    backfill = "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => %s"
    database.execute(f"{backfill})", given)
    escalated = cursor.execute(
        "SELECT DISTINCT reason FROM billing.escalations(p_tenant => %s, p_as_of => %s)", given
    ).fetchall()
    summary = "SELECT * FROM billing.plan_summary(p_tenant => %s, p_as_of => %s, p_mode => %s)"
    (plan,) = cursor.execute(summary, (*given, "backfill")).fetchall()
    if escalated:
        database.execute(f"{backfill}, p_accept_escalations => %s)", (*given, plan["plan_hash"]))
        (plan,) = cursor.execute(summary, (*given, "backfill")).fetchall()
    left = sum(plan[key] for key in ("superseded", "backfilled", "regenerated", "escalated_rows"))
    return {
        "escalated": sorted(row["reason"] for row in escalated),
        "live_rows": _live_rows(database, life),
    } | ({"left_to_do": left} if left else {})


def _live_rows(database: Database, life: Life) -> list[Row]:
    """Return the live rows in row order with what each costs."""
    rows = (
        database.cursor(row_factory=dict_row)
        .execute(
            f"""
            WITH live AS MATERIALIZED (
                SELECT r.* FROM {LEDGER} AS r
                WHERE r.tenant = %s AND r.lifecycle_state NOT IN ('superseded', 'archived')
            )
            SELECT r.*, p.total_price_cents AS price_cents
            FROM live AS r
            LEFT JOIN billing.invoice_lines(
                %s, ARRAY(SELECT l.record_id FROM live AS l)) AS p USING (record_id)
            ORDER BY r.service_period_start, r.service_period_end, r.revision, r.record_id
            """,
            (life.tenant, life.tenant),
        )
        .fetchall()
    )
    return [
        {key: row[key] for key in ("period_key", "revision", "lifecycle_state", "price_cents")}
        | {
            kind: _days(row[f"{kind}_start"], row[f"{kind}_end"])
            for kind in ("service_period", "invoice_window", "activity_window", "whole_period")
        }
        for row in rows
    ]


def _days(start: date | None, end: date | None) -> list[str] | None:
    return [str(start), str(end)] if start else None
