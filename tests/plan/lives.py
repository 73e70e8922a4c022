"""Lives of one obligation: how its ledger stands, and what runs make of it.

A tenant holds all that are run on the same day.
"""

import gzip
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import UUID, uuid5

from psycopg import sql
from psycopg.rows import dict_row
from psycopg.types.json import Jsonb

from tests.conftest import Database
from tests.service_periods.books import LEDGER, Row

#: The only obligation in the file.
OBLIGATION = "11111111-1111-4111-8111-111111111111"

_FILE = Path(__file__).parents[1] / "data" / "lives" / "spans.jsonl.gz"
_LINKS = ("invoice_id", "invoice_charge_id", "invoice_charge_detail_id")
_IDS = ("record_id", "supersedes_record_id", *_LINKS)
_TOLD = ("obligation_id", "period_key", "revision", "lifecycle_state", "price_cents")
_TO_DO = ("supersede", "backfill", "regenerate", "escalate")


@dataclass(frozen=True)
class Life:
    """One obligation, as the file has it; its ids become its own."""

    id: str
    input: Row
    expected: Row

    @property
    def tenant(self) -> UUID:
        """The tenant of the day on which it is run."""
        return UUID(int=date.fromisoformat(self.input["as_of"]).toordinal() << 64)

    @property
    def obligation(self) -> UUID:
        """Its line."""
        return self.new_id(OBLIGATION)

    def new_id(self, name: str) -> UUID:
        """Return its own id for one of the file, for a client, an assignment, or the contract."""
        return uuid5(self.tenant, f"{self.id} {name}")

    def books(self) -> Iterator[tuple[str, Row]]:
        """Yield the rows that a database holds of it, each with its table."""
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
                "contract_line_id": self.obligation,
                "contract_line_name": "Line",
                "contract_id": self.new_id("k"),
                "contract_line_type": "Fixed",
                "enable_proration": True,
                "unit_price_cents": self.input["unit_price_cents"],
                **self.input["line"],
            },
        )
        for row in self.input["rows"]:
            own = {key: self.new_id(row[key]) for key in _IDS if key in row}
            yield from self._ledger(row | own)

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
                "obligation_id": self.obligation,
                "schedule_key": row["schedule_key"]
                .replace(":t:", f":{self.tenant}:", 1)
                .replace(OBLIGATION, str(self.obligation)),
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
                    "contract_line_id": self.obligation,
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


def load(database: Database, chosen: Sequence[Life]) -> None:
    """Insert what some lives hold as it stands, guards off."""
    tables: dict[str, list[Row]] = defaultdict(list)
    for life in chosen:
        for table, row in life.books():
            tables[table].append({"tenant": life.tenant, **row})
    with database.transaction():
        database.execute("SET LOCAL session_replication_role = replica")
        named = [{"tenant": tenant, "tenant_name": "Lives"} for tenant in _days_of_runs(chosen)]
        _insert(database, "tenants", named)
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


def run(database: Database, chosen: Sequence[Life]) -> dict[str, Row]:
    """Run lives and return what became of each by its id, in the form of ``expected``."""
    answers: dict[UUID, Row] = {}
    for given in _days_of_runs(chosen).items():
        answers |= _run(database, *given)
    return {life.id: answers[life.obligation] for life in chosen}


def _days_of_runs(chosen: Sequence[Life]) -> dict[UUID, str]:
    """Return the tenants and the days on which they are run."""
    return {life.tenant: life.input["as_of"] for life in chosen}


def _run(database: Database, tenant: UUID, as_of: str) -> dict[UUID, Row]:
    """Run a tenant, and once more with what it escalates accepted; answer by obligation."""
    given = (tenant, as_of)
    backfill = "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => %s"
    database.execute(f"{backfill})", given)
    escalated: dict[UUID, list[str]] = dict(
        database.execute(
            "SELECT obligation_id, array_agg(DISTINCT reason) FROM billing.escalations(%s, %s)"
            " GROUP BY obligation_id",
            given,
        ).fetchall()
    )
    if escalated:
        ((plan_hash,),) = database.execute(
            "SELECT plan_hash FROM billing.plan_summary(%s, %s, 'backfill')", given
        ).fetchall()
        database.execute(f"{backfill}, p_accept_escalations => %s)", (*given, plan_hash))
    left: dict[UUID, int] = dict(
        database.execute(
            "SELECT obligation_id, count(*) FROM billing.plan_service_periods(%s, %s, 'backfill')"
            " WHERE action = ANY (%s) GROUP BY obligation_id",
            (*given, [*_TO_DO]),
        ).fetchall()
    )
    answers: dict[UUID, Row] = defaultdict(lambda: {"escalated": [], "live_rows": []})
    for row in _live_rows(database, tenant):
        answers[row.pop("obligation_id")]["live_rows"].append(row)
    for obligation, reasons in escalated.items():
        answers[obligation]["escalated"] = sorted(reasons)
    for obligation, rows in left.items():
        answers[obligation]["left_to_do"] = rows
    return answers


def _live_rows(database: Database, tenant: UUID) -> list[Row]:
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
            (tenant, tenant),
        )
        .fetchall()
    )
    return [
        {key: row[key] for key in _TOLD}
        | {
            kind: _days(row[f"{kind}_start"], row[f"{kind}_end"])
            for kind in ("service_period", "invoice_window", "activity_window", "whole_period")
        }
        for row in rows
    ]


def _days(start: date | None, end: date | None) -> list[str] | None:
    return [str(start), str(end)] if start else None
