"""The cutover runbook from its first line to its last, on the books, by an operator's login."""

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from psycopg import Cursor, errors
from psycopg.rows import dict_row

from tests.books import HARBOR
from tests.conftest import Database
from tests.permissions.roles import roles_of

AS_OF = "2026-11-20"

Row = dict[str, Any]


class Operator:
    """A login with the runbook's four permissions and no right on any table."""

    def __init__(self, session: Database) -> None:
        self.session = session

    def read(self, function: str, /, **arguments: object) -> list[Row]:
        """Return the rows of a reading of the tenant."""
        return self._run("SELECT * FROM", function, arguments).fetchall()

    def call(self, procedure: str, /, **arguments: object) -> Row:
        """CALL a procedure; return its INOUT results."""
        cursor = self._run("CALL", procedure, arguments)
        return cursor.fetchone() or {} if cursor.description else {}

    def checklist(self) -> dict[tuple[str, int], str]:
        """Return the status of each item of the cutover."""
        rows = self.read("cutover_checklist", as_of=AS_OF)
        return {(row["kind"], row["number"]): row["status"] for row in rows}

    def plan_hash(self, **arguments: object) -> str:
        """Return the hash of the backfill as it is planned now."""
        [summary] = self.read("plan_summary", as_of=AS_OF, mode="backfill", **arguments)
        return str(summary["plan_hash"])

    def due(self, identity: str) -> list[Row]:
        """Return the due rows of an execution window."""
        work = self.read("due_work", as_of=AS_OF)
        return [row for row in work if row["execution_identity_key"] == identity]

    def _run(self, verb: str, routine: str, arguments: dict[str, object]) -> Cursor[Row]:
        named = ", ".join(f"p_{name} => %({name})s" for name in arguments)
        schema = "ops" if routine == "verify" else "billing"
        statement = f"{verb} {schema}.{routine}(p_tenant => '{HARBOR}', {named})"
        cursor = self.session.cursor(row_factory=dict_row)
        return cursor.execute(statement.replace(", )", ")").encode(), arguments)


@pytest.fixture
def operator(books_database: Database) -> Iterator[Operator]:
    """Yield an operator of the tenant who has not been granted anything yet."""
    with roles_of(books_database) as roles:
        login = roles.make("billing_operator")
        with roles.login(login) as session:
            yield Operator(session)


def ledger(database: Database, where: str) -> list[Row]:
    """Return the tenant's ledger rows, as their owner sees them."""
    cursor = database.cursor(row_factory=dict_row)
    return cursor.execute(
        f"SELECT * FROM billing.recurring_service_periods WHERE tenant = %s AND {where}"
        " ORDER BY record_id",
        (HARBOR,),
    ).fetchall()


def test_the_whole_runbook(books_database: Database, operator: Operator) -> None:
    owner = books_database
    prepare(owner, operator)
    settled = ledger(owner, "lifecycle_state IN ('billed', 'edited', 'locked', 'skipped')")
    repair_the_ledger(owner, operator)
    assert_persistence_rules(owner, settled)
    validate_due_work(operator)
    for step, cadence in ((7, "contract"), (8, "client")):
        exercise_one_invoice(owner, operator, step, cadence)
    # The nightly job: what was invoiced has moved the horizon of its schedules.
    assert operator.call("advance_billing_cycles", as_of=AS_OF)["o_rows"] > 0
    operator.call("attest_cutover_step", step=9, note="due work is what billing relies on")
    assert {*operator.checklist().values()} == {"passed"}
    errors = [row for row in operator.read("verify", as_of=AS_OF) if row["severity"] == "error"]
    assert errors == []


def prepare(owner: Database, operator: Operator) -> None:
    """Take steps 1 and 2, and diagnose: what is missing is missing from the ledger."""
    with pytest.raises(errors.InsufficientPrivilege):
        operator.checklist()
    owner.execute("CALL ops.grant_permission(%s, %s)", (HARBOR, operator.session.info.user))
    status = operator.checklist()
    assert [item for item in status if status[item] == "passed"] == [("step", 2)]
    operator.call("attest_cutover_step", step=1, note="authoring and generation are deployed")
    assert operator.checklist()["step", 1] == "passed"

    work = operator.read("due_work", as_of=AS_OF)
    fallbacks = [row for row in work if row["reason"] == "missing_service_period_materialization"]
    by_ledger = {row["execution_identity_key"] for row in work if row["record_id"] is not None}
    assert {row["cadence_owner"] for row in fallbacks} == {"client", "contract"}
    for row in fallbacks:
        assert (row["billing_cycle_id"] is None) == (row["cadence_owner"] == "contract")
        assert row["execution_identity_key"] not in by_ledger
        assert not row["can_generate"]


def repair_the_ledger(owner: Database, operator: Operator) -> None:
    """Take steps 3 to 5: assess, backfill, regenerate, and stop where the runbook says stop."""
    short = [
        row for row in operator.read("assess_coverage", as_of=AS_OF)
        if not row["meets_target_horizon"]
    ]  # fmt: skip
    assert short
    dry = operator.call("backfill_service_periods", as_of=AS_OF, dry_run=True)
    run = operator.call("backfill_service_periods", as_of=AS_OF)
    assert (run["o_rows"], run["o_status"]) == (dry["o_rows"], "escalated")
    assert operator.call("regenerate_service_periods", as_of=AS_OF)["o_rows"] == 0
    assert operator.call("replenish_service_periods", as_of=AS_OF)["o_rows"] == 0

    stopped = operator.read("escalations", as_of=AS_OF)
    assert all(row["captured_rows"] for row in stopped)
    reasons = {row["reason"] for row in stopped}
    assert reasons == {
        "override_conflict", "continuity_gap", "continuity_overlap", "disputed_history",
        "unknown_obligation", "ambiguous_assignment", "missing_linkage",
    }  # fmt: skip
    kinds = {kind for row in stopped for kind in row["conflict_kinds"]}
    assert kinds == {"service_period_mismatch", "invoice_window_mismatch"}
    operator.call("repair_invoice_linkage", as_of=AS_OF)
    correct_the_sources(owner, operator)
    operator.call("backfill_service_periods", as_of=AS_OF, accept_escalations=operator.plan_hash())
    operator.call("backfill_service_periods", as_of=AS_OF, accept_escalations=operator.plan_hash())
    assert operator.read("escalations", as_of=AS_OF) == []
    assert all(row["meets_target_horizon"] for row in operator.read("assess_coverage", as_of=AS_OF))


def correct_the_sources(owner: Database, operator: Operator) -> None:
    """Correct what no plan may force: an assignment too many, a lost line, lost rows."""
    for row in operator.read("escalations", as_of=AS_OF):
        key = {"tenant": HARBOR, "line": row["obligation_id"]}
        match row["reason"]:
            case "ambiguous_assignment":
                owner.execute(
                    "UPDATE billing.client_contracts SET is_active = false"
                    " WHERE (tenant, client_contract_id) = (SELECT a.tenant, a.client_contract_id"
                    "  FROM billing.client_contracts AS a JOIN billing.contract_lines AS l"
                    "   USING (tenant, contract_id)"
                    "  WHERE tenant = %(tenant)s AND contract_line_id = %(line)s AND a.is_active"
                    "  ORDER BY a.start_date DESC LIMIT 1)",
                    key,
                )
            case "unknown_obligation":
                for captured in row["captured_rows"]:
                    operator.call(
                        "archive_service_period",
                        record_id=captured["record_id"],
                        reason="its line is gone for good",
                    )
            case "disputed_history":
                owner.execute(_ROWS_FOR_DISPUTED_DETAILS, key)


#: The row that should have been there for each detail that only the invoice tells of.
_ROWS_FOR_DISPUTED_DETAILS = """
    INSERT INTO billing.recurring_service_periods (
        tenant, record_id, client_id, obligation_id, obligation_type, schedule_key, period_key,
        charge_family, cadence_owner, due_position, lifecycle_state, service_period_start,
        service_period_end, invoice_window_start, invoice_window_end, timing_metadata,
        provenance_kind, reason_code, source_rule_version, invoice_id, invoice_charge_id,
        invoice_charge_detail_id, invoice_linked_at)
    SELECT
        o.tenant, gen_random_uuid(), o.client_id, o.obligation_id, o.obligation_type,
        o.schedule_key, 'period:' || d.service_period_start || ':' || d.service_period_end,
        o.charge_family, o.cadence_owner, o.due_position, 'billed', d.service_period_start,
        d.service_period_end, i.invoice_window_start, i.invoice_window_end, n.timing_metadata,
        'repair', 'admin_correction', 'by hand', i.invoice_id, c.invoice_charge_id,
        d.invoice_charge_detail_id, now()
    FROM billing.recurring_obligations AS o
    JOIN billing.obligation_spans AS n USING (tenant, obligation_id)
    JOIN billing.invoice_charge_details AS d
        ON d.tenant = o.tenant AND d.contract_line_id = o.obligation_id
    JOIN billing.invoice_charges AS c
        ON c.tenant = d.tenant AND c.invoice_charge_id = d.invoice_charge_id
    JOIN billing.invoices AS i ON i.tenant = c.tenant AND i.invoice_id = c.invoice_id
    WHERE o.tenant = %(tenant)s AND o.obligation_id = %(line)s
        AND NOT EXISTS (
            SELECT FROM billing.recurring_service_periods AS r
            WHERE r.tenant = d.tenant AND r.obligation_id = d.contract_line_id
                AND r.service_period_start < d.service_period_end
                AND r.service_period_end > d.service_period_start
                AND r.lifecycle_state NOT IN ('superseded', 'archived'))
"""


def assert_persistence_rules(owner: Database, settled: list[Row]) -> None:
    """Compare billed, edited and locked rows with how they stood, linkage included."""
    changing = ("lifecycle_state", "quarantine_reason", "updated_at", "invoice_linked_at")
    after = {row["record_id"]: row for row in ledger(owner, "true")}
    for row in settled:
        now = after[row["record_id"]]
        if row["quarantine_reason"] is None:
            assert now == row
        else:
            assert {name: now[name] for name in row if name not in changing} == {
                name: now[name] if name.startswith("invoice_c") or name == "invoice_id"
                else row[name]
                for name in row if name not in changing
            }  # fmt: skip


def validate_due_work(operator: Operator) -> None:
    """Take step 6: canonical rows for both cadences, no fallback left."""
    work = operator.read("due_work", as_of=AS_OF)
    assert {row["reason"] for row in work} == {None}
    assert {row["cadence_owner"] for row in work if row["can_generate"]} == {"client", "contract"}
    status = operator.checklist()
    assert [item for item in status if status[item] != "passed"] == [
        ("step", 7), ("step", 8), ("step", 9), ("checklist", 5), ("checklist", 6),
    ]  # fmt: skip


def exercise_one_invoice(owner: Database, operator: Operator, step: int, cadence: str) -> None:
    """Take steps 7 and 8, preview to history; then reverse or delete, and invoice again."""
    candidate = next(
        row for row in operator.read("invoice_candidates", as_of=AS_OF, due_only=True)
        if row["can_generate"] and row["cadence_owners"] == [cadence]
    )  # fmt: skip
    window = {
        "client_id": candidate["client_id"],
        "window_start": candidate["invoice_window_start"],
        "window_end": candidate["invoice_window_end"],
    }
    preview = operator.read("preview_invoice", **window)
    made = operator.call("generate_invoice", **window, as_of=AS_OF)
    invoice: UUID = made["o_invoice_id"]
    assert made["o_status"] == "generated"
    assert operator.call("generate_invoice", **window, as_of=AS_OF)["o_invoice_id"] == invoice
    lines = lines_of(owner, invoice)
    assert lines == sorted(
        (row["record_id"], row["description"], row["quantity"], row["unit_price_cents"],
         row["total_price_cents"], row["service_period_start"], row["service_period_end"])
        for row in preview
    )  # fmt: skip
    [shown] = [row for row in history(operator) if row["invoice_id"] == invoice]
    assert shown["total_cents"] == sum(row["total_price_cents"] for row in preview)
    assert shown["cadence_owner"] == cadence
    assert shown["billing_cycle_id"] is None
    billed = {period["execution_identity_key"] for period in shown["service_periods"]}
    assert billed == {row["execution_identity_key"] for row in preview}
    assert operator.checklist()["step", step] == "action_needed"
    operator.call("attest_cutover_step", step=step, note=f"{cadence}: preview, invoice, history")
    assert operator.checklist()["step", step] == "passed"

    captured = ledger(owner, f"invoice_id = '{invoice}'")
    withdraw = "delete_invoice" if cadence == "contract" else "reverse_invoice"
    gone = operator.call(withdraw, invoice_id=invoice, reason="reverse and delete repair")
    assert gone["o_rows"] == len(captured) == len(preview)
    [shown] = [row for row in history(operator) if row["invoice_id"] == invoice]
    assert shown["status"] == {"contract": "deleted", "client": "cancelled"}[cadence]
    assert {period["execution_identity_key"] for period in shown["service_periods"]} == billed
    for row in captured:
        [now] = ledger(owner, f"record_id = '{row['record_id']}'")
        assert now["lifecycle_state"] == "locked"
        assert (now["schedule_key"], now["period_key"]) == (row["schedule_key"], row["period_key"])
        for column in ("invoice_id", "invoice_charge_id", "invoice_charge_detail_id"):
            assert now[column] is None
    for identity in billed:
        [due] = operator.due(identity)
        assert due["can_generate"]
        assert due["lifecycle_state"] == "locked"
    locked = ledger(owner, "lifecycle_state = 'locked'")
    assert operator.call("regenerate_service_periods", as_of=AS_OF)["o_rows"] == 0
    assert ledger(owner, "lifecycle_state = 'locked'") == locked

    again = operator.call("generate_invoice", **window, as_of=AS_OF)
    assert again["o_status"] == "generated"
    assert again["o_invoice_id"] != invoice
    assert lines_of(owner, again["o_invoice_id"]) == lines


def history(operator: Operator) -> list[Row]:
    """Return the invoiced history."""
    return operator.read("invoiced_history")


def lines_of(owner: Database, invoice: UUID) -> list[tuple[Any, ...]]:
    """Return the lines of an invoice by what they billed."""
    return owner.execute(
        "SELECT r.record_id, c.description, c.quantity, c.unit_price_cents, c.total_price_cents,"
        " d.service_period_start, d.service_period_end"
        " FROM billing.invoice_charges AS c"
        " JOIN billing.invoice_charge_details AS d USING (tenant, invoice_charge_id)"
        " JOIN billing.recurring_service_periods AS r USING (tenant, invoice_charge_detail_id)"
        " WHERE c.tenant = %s AND c.invoice_id = %s ORDER BY r.record_id",
        (HARBOR, invoice),
    ).fetchall()
