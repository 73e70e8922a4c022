"""Small books by plain INSERT, and what a test looks at afterwards."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from itertools import count
from typing import Any
from uuid import UUID

from psycopg import sql
from psycopg.rows import dict_row

from duecourse.objects import checks
from tests.conftest import Database

Row = dict[str, Any]

AS_OF = date(2025, 1, 10)
JANUARY, FEBRUARY, MARCH, APRIL = (date(2025, month, 1) for month in range(1, 5))
LEDGER = "billing.recurring_service_periods"


#: Of what is not in schema billing.
_SCHEMAS = {f"check_{name}": schema for name, schema in checks().items()} | {"verify": "ops"}


@dataclass(frozen=True)
class Line:
    """A contract line with its one assignment."""

    client: UUID
    contract: UUID
    obligation: UUID
    owner: str
    timing: str
    schedule_key: str


@dataclass
class Books:
    """A tenant of its own; ids count up, so that batches come in the order of the lines."""

    database: Database
    number: int = field(default_factory=count(1).__next__)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.tenant = UUID(int=self.number << 64)
        self.insert("billing.tenants", tenant=self.tenant, tenant_name=f"Tenant {self.number}")

    def new_id(self) -> UUID:
        """Return the next id of this tenant."""
        return UUID(int=(self.number << 64) + next(self._ids))

    def insert(self, table: str, **values: object) -> None:
        """Insert one row."""
        insert(self.database, table, {"tenant": self.tenant, **values})

    def client(self, cycle: str = "monthly", /, **settings: object) -> UUID:
        """Add a client; settings are the anchors of its cycle without their prefix."""
        client = self.new_id()
        self.insert("billing.clients", client_id=client, client_name="Client", billing_cycle=cycle)
        anchors = {f"billing_cycle_anchor_{name}": value for name, value in settings.items()}
        if anchors:
            self.insert("billing.client_billing_settings", client_id=client, **anchors)
        return client

    def line(
        self,
        client: UUID | None = None,
        start: date = JANUARY,
        end: date | None = None,
        *,
        owner: str = "client",
        timing: str = "advance",
        frequency: str = "monthly",
        **columns: object,
    ) -> Line:
        """Add a line under a contract of its own, assigned to the client from start to end."""
        client = client or self.client()
        contract, obligation = self.new_id(), self.new_id()
        self.insert("billing.contracts", contract_id=contract, contract_name="Contract")
        self.insert(
            "billing.client_contracts",
            client_contract_id=self.new_id(),
            client_id=client,
            contract_id=contract,
            start_date=start,
            end_date=end,
        )
        self.insert(
            "billing.contract_lines",
            contract_line_id=obligation,
            contract_id=contract,
            cadence_owner=owner,
            billing_timing=timing,
            billing_frequency=frequency,
            **{"contract_line_name": "Line", **columns},
        )
        kind = "client_contract_line" if owner == "client" else "contract_line"
        key = f"schedule:{self.tenant}:{kind}:{obligation}:{owner}:{timing}"
        return Line(client, contract, obligation, owner, timing, key)

    def assign(self, line: Line, start: date, end: date | None = None, **columns: object) -> UUID:
        """Assign a line's contract once more, to its client or another."""
        assignment = self.new_id()
        self.insert(
            "billing.client_contracts",
            client_contract_id=assignment,
            contract_id=line.contract,
            start_date=start,
            end_date=end,
            **{"client_id": line.client, **columns},
        )
        return assignment

    def template(self, client: UUID | None = None, /, **columns: Any) -> Line:
        """Add a line that is marked as a template, under a contract that nobody was assigned to."""
        line = self.line(client, is_template=True, **columns)
        self.database.execute(
            "DELETE FROM billing.client_contracts WHERE tenant = %s AND contract_id = %s",
            (self.tenant, line.contract),
        )
        return line

    def row(self, line: Line, start: date, end: date, /, **columns: object) -> Row:
        """Return a ledger row of a line, ready to be inserted."""
        return {
            "tenant": self.tenant,
            "record_id": self.new_id(),
            "client_id": line.client,
            "obligation_id": line.obligation,
            "obligation_type": line.schedule_key.split(":")[2],
            "schedule_key": line.schedule_key,
            "period_key": f"period:{start}:{end}",
            "revision": 1,
            "charge_family": "fixed",
            "cadence_owner": line.owner,
            "due_position": line.timing,
            "lifecycle_state": "generated",
            "service_period_start": start,
            "service_period_end": end,
            "invoice_window_start": start,
            "invoice_window_end": end,
            "provenance_kind": "generated",
            "source_rule_version": "test",
        } | columns

    def period(self, line: Line, start: date, end: date, /, **columns: object) -> UUID:
        """Insert a ledger row of a line; return its id."""
        row = self.row(line, start, end, **columns)
        insert(self.database, LEDGER, row)
        record: UUID = row["record_id"]
        return record

    def invoice(self, line: Line, start: date | None = None, end: date | None = None) -> Row:
        """Add an invoice of one charge and detail; return the linkage that names them."""
        invoice, charge, detail = self.new_id(), self.new_id(), self.new_id()
        self.insert(
            "billing.invoices",
            invoice_id=invoice,
            client_id=line.client,
            invoice_number=str(invoice),
            invoice_date=AS_OF,
        )
        self.insert(
            "billing.invoice_charges",
            invoice_charge_id=charge,
            invoice_id=invoice,
            description="Charge",
        )
        self.insert(
            "billing.invoice_charge_details",
            invoice_charge_detail_id=detail,
            invoice_charge_id=charge,
            contract_line_id=line.obligation,
            service_period_start=start,
            service_period_end=end,
        )
        return {
            "invoice_id": invoice,
            "invoice_charge_id": charge,
            "invoice_charge_detail_id": detail,
            "invoice_linked_at": "2025-01-10T00:00:00Z",
        }

    def billed(self, line: Line, start: date, end: date, /, **columns: object) -> UUID:
        """Insert a billed ledger row with its invoice."""
        linkage = self.invoice(line, start, end)
        return self.period(line, start, end, lifecycle_state="billed", **linkage, **columns)

    def ledger(self, line: Line | None = None) -> list[Row]:
        """Return the ledger rows, of one line or all, in row order."""
        cursor = self.database.cursor(row_factory=dict_row)
        return cursor.execute(
            f"SELECT * FROM {LEDGER}"
            " WHERE tenant = %s AND obligation_id = coalesce(%s, obligation_id)"
            " ORDER BY obligation_id, service_period_start, service_period_end, revision,"
            " record_id",
            (self.tenant, line and line.obligation),
        ).fetchall()

    def live(self, line: Line | None = None) -> list[tuple[date, date, str]]:
        """Return the dates and states of the live ledger rows."""
        return [
            (row["service_period_start"], row["service_period_end"], row["lifecycle_state"])
            for row in self.ledger(line)
            if row["lifecycle_state"] not in ("superseded", "archived")
        ]

    def select(self, function: str, /, **arguments: object) -> list[Row]:
        """Read from a function of the surface."""
        given = {"tenant": self.tenant, "as_of": AS_OF, **arguments}
        return select(self.database, function, given)

    def summary(self, mode: str = "backfill", /, **arguments: object) -> Row:
        """Return the one row of plan_summary."""
        (row,) = self.select("plan_summary", mode=mode, **arguments)
        return row

    def call(self, operation: str = "backfill", /, **arguments: object) -> Row:
        """CALL one of the three procedures."""
        given = {"tenant": self.tenant, "as_of": AS_OF, **arguments}
        return call(self.database, operation, given)

    def perform(self, procedure: str, /, **arguments: object) -> Row:
        """CALL any other procedure on this tenant."""
        return perform(self.database, procedure, {"tenant": self.tenant, **arguments})

    def run(self, run_key: str) -> Row:
        """Return the record of a run."""
        cursor = self.database.cursor(row_factory=dict_row)
        (row,) = cursor.execute(
            "SELECT * FROM ops.runs WHERE tenant = %s AND run_key = %s", (self.tenant, run_key)
        ).fetchall()
        return row


def insert(database: Database, table: str, *rows: Mapping[str, object]) -> None:
    """Insert rows in one statement."""
    values = sql.SQL(", ").join(
        sql.SQL("({})").format(sql.SQL(", ").join(map(sql.Literal, row.values()))) for row in rows
    )
    columns = sql.SQL(", ").join(map(sql.Identifier, rows[0]))
    name = sql.Identifier(*table.split("."))
    database.execute(sql.SQL("INSERT INTO {} ({}) VALUES {}").format(name, columns, values))


def select(database: Database, function: str, arguments: Mapping[str, object]) -> list[Row]:
    """Return the rows of a function of the surface, arguments by name."""
    cursor = database.cursor(row_factory=dict_row)
    return cursor.execute(_statement("SELECT * FROM", function, arguments), arguments).fetchall()


def call(database: Database, operation: str, arguments: Mapping[str, object]) -> Row:
    """CALL ``<operation>_service_periods``, arguments by name; return its INOUT results."""
    return perform(database, f"{operation}_service_periods", arguments)


def perform(database: Database, procedure: str, arguments: Mapping[str, object]) -> Row:
    """CALL a procedure, arguments by name; return its INOUT results."""
    cursor = database.cursor(row_factory=dict_row)
    cursor.execute(_statement("CALL", procedure, arguments), arguments)
    return (cursor.fetchone() or {}) if cursor.description else {}


def _statement(verb: str, routine: str, arguments: Mapping[str, object]) -> sql.Composed:
    named = (
        sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name))
        for name in arguments
    )
    schema = _SCHEMAS.get(routine, "billing")
    return sql.SQL("{} {}({})").format(
        sql.SQL(verb), sql.Identifier(schema, routine), sql.SQL(", ").join(named)
    )


def fill(books: Books, lines: int) -> None:
    """Add many lines of one client: half by contract cadence, two of three in arrears."""
    books.database.execute(
        """
        WITH line AS MATERIALIZED (
            SELECT
                n,
                (left(%(tenant)s::text, 19) || '1000-' || lpad(to_hex(n), 12, '0'))::uuid AS id
            FROM generate_series(1, %(lines)s) AS n
        ),
        contract AS (
            INSERT INTO billing.contracts (tenant, contract_id, contract_name)
            SELECT %(tenant)s, l.id, 'Contract' FROM line AS l
        ),
        assignment AS (
            INSERT INTO billing.client_contracts (
                tenant, client_contract_id, client_id, contract_id, start_date)
            SELECT %(tenant)s, l.id, %(client)s, l.id, '2025-01-01' FROM line AS l
        )
        INSERT INTO billing.contract_lines (
            tenant, contract_line_id, contract_line_name, contract_id, cadence_owner,
            billing_timing)
        SELECT %(tenant)s, l.id, 'Line', l.id, (ARRAY['client', 'contract'])[l.n %% 2 + 1],
            (ARRAY['advance', 'arrears', 'arrears'])[l.n %% 3 + 1]
        FROM line AS l
        """,
        {"tenant": books.tenant, "client": books.client(), "lines": lines},
    )


def fingerprint(database: Database) -> dict[str, str]:
    """Return a checksum of every table and sequence of the package's schemas."""
    names = database.execute(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE n.nspname IN ('billing', 'ops', 'ledger') AND c.relkind IN ('r', 'p', 'S')"
    ).fetchall()
    checksum = "SELECT count(*), md5(string_agg(t::text, '' ORDER BY t::text)) FROM {} AS t"
    return {
        name: str(database.execute(checksum.format(name).encode()).fetchall()) for (name,) in names
    }
