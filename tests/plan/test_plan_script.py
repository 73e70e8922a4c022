"""A plan as a psql script for the tables that the books were taken from.

One database has both: the books imported, and the tables themselves in schema public.
"""

import re
from collections.abc import Iterator
from datetime import date

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.books import HARBOR, NORTHLIGHT
from tests.conftest import Database, clone
from tests.profiles.comparison import answer
from tests.profiles.loading import load_alga
from tests.scripts import carry_out, refused
from tests.service_periods.books import Row, call, select

DAY = date(2026, 11, 20)
KEY = "reviewed on Friday"

#: What both ledgers have of a row, but for the two times.
LEDGER = """
    SELECT
        tenant, record_id, schedule_key, period_key, revision, obligation_id, obligation_type,
        charge_family, cadence_owner, due_position, lifecycle_state, service_period_start,
        service_period_end, invoice_window_start, invoice_window_end, activity_window_start,
        activity_window_end, timing_metadata, provenance_kind, source_rule_version, reason_code,
        source_run_key, supersedes_record_id
    FROM {}.recurring_service_periods
    WHERE tenant = '{}'
"""

#: What another may do to the tables between the plan and the script. {t}: the tenant; the others:
#: a line of it, its rows, contract and client, and a detail.
CHANGES = {
    "a row is edited": "UPDATE recurring_service_periods SET lifecycle_state = 'skipped'"
    " WHERE {row} AND lifecycle_state = 'generated'",
    "a row is touched": "UPDATE recurring_service_periods SET updated_at = updated_at + '1 us'"
    " WHERE {row}",
    "a row is added": "INSERT INTO recurring_service_periods (tenant, schedule_key, period_key,"
    " obligation_id, obligation_type, charge_family, cadence_owner, due_position,"
    " service_period_start, service_period_end, invoice_window_start, invoice_window_end,"
    " provenance_kind, source_rule_version)"
    " SELECT tenant, schedule_key, 'new', obligation_id, obligation_type, charge_family,"
    " cadence_owner, due_position, '2031-01-01', '2031-02-01', '2031-01-01', '2031-02-01',"
    " provenance_kind, source_rule_version FROM recurring_service_periods WHERE {row} LIMIT 1",
    "a row is deleted": "DELETE FROM recurring_service_periods WHERE {row}",
    "a row is released": "UPDATE recurring_service_periods SET lifecycle_state = 'locked',"
    " invoice_id = NULL, invoice_charge_id = NULL, invoice_charge_detail_id = NULL,"
    " invoice_linked_at = NULL WHERE {row} AND lifecycle_state = 'billed'",
    "a line bills otherwise": "UPDATE contract_lines SET billing_timing = CASE billing_timing"
    " WHEN 'advance' THEN 'arrears' ELSE 'advance' END WHERE {line}",
    "a line is deactivated": "UPDATE contract_lines SET is_active = false WHERE {line}",
    "a line is added": "INSERT INTO contract_lines (tenant, contract_line_name, contract_id)"
    " SELECT tenant, 'New', contract_id FROM contract_lines WHERE {line}",
    "an assignment ends": "UPDATE client_contracts SET end_date = '2026-12-24' WHERE {contract}",
    "an assignment is added": "INSERT INTO client_contracts (tenant, client_id, contract_id,"
    " start_date) SELECT tenant, client_id, contract_id, '2031-01-01' FROM client_contracts"
    " WHERE {contract} LIMIT 1",
    "an assignment moves": "UPDATE client_contracts SET client_id = (SELECT max(client_id::text)"
    " FROM clients AS c WHERE c.tenant = client_contracts.tenant)::uuid WHERE {contract}",
    "a contract is deactivated": "UPDATE contracts SET is_active = false WHERE {contract}",
    "a contract is another's": "UPDATE contracts SET owner_client_id = NULL WHERE {contract}",
    "a cycle changes": "UPDATE clients SET billing_cycle = 'annually' WHERE {client}"
    " AND billing_cycle <> 'annually'",
    "an anchor is set": "INSERT INTO client_billing_settings (tenant, client_id,"
    " zero_dollar_invoice_handling, suppress_zero_dollar_invoices,"
    " billing_cycle_anchor_day_of_month) SELECT tenant, client_id, 'normal', false, 17"
    " FROM clients WHERE {client} ON CONFLICT (tenant, client_id)"
    " DO UPDATE SET billing_cycle_anchor_day_of_month = 17",
    "a detail is billed": "INSERT INTO invoice_charge_details (tenant, item_id, service_id,"
    " config_id, quantity, rate, service_period_start, service_period_end)"
    " SELECT tenant, item_id, service_id, config_id, 1, 1, '2031-01-01', '2031-01-31'"
    " FROM invoice_charge_details WHERE {detail} LIMIT 1",
    "a detail is of other days": "UPDATE invoice_charge_details"
    " SET service_period_end = service_period_end - 1 WHERE {detail}",
    "a configuration moves": "UPDATE contract_line_service_configuration AS n"
    " SET contract_line_id = (SELECT max(l.contract_line_id::text) FROM contract_lines AS l"
    " WHERE l.tenant = n.tenant)::uuid WHERE {line}",
    "an invoice is cancelled": "UPDATE invoices SET status = 'Cancelled' WHERE tenant = {t}"
    " AND invoice_id IN (SELECT c.invoice_id FROM invoice_charges AS c"
    " JOIN invoice_charge_details AS d USING (tenant, item_id) WHERE {detail})",
}

#: Every column of a source that decides a plan, with another value.
DECIDING = {
    "contract_lines WHERE {line}": {
        "contract_id": "NULL",
        "contract_line_type": "concat(contract_line_type, '?')",
        "billing_frequency": "'annually'",
        "billing_timing": "'other'",
        "cadence_owner": "CASE cadence_owner WHEN 'client' THEN 'contract' ELSE 'client' END",
        "is_active": "NOT is_active",
        "is_template": "NOT is_template",
    },
    "contracts WHERE {contract}": {
        "owner_client_id": "NULL",
        "is_active": "NULL",
        "is_system_managed_default": "NOT is_system_managed_default",
    },
    "client_contracts WHERE {contract}": {
        "client_id": "(SELECT max(client_id::text) FROM clients WHERE tenant = {t})::uuid",
        "start_date": "start_date + 1",
        "end_date": "'2031-01-01'",
        "is_active": "false",
    },
    "clients WHERE {client}": {"billing_cycle": "'annually'"},
    "client_billing_settings WHERE tenant = {t}": {
        "billing_cycle_anchor_day_of_month": "27",
        "billing_cycle_anchor_month_of_year": "11",
        "billing_cycle_anchor_day_of_week": "6",
        "billing_cycle_anchor_reference_date": "'2031-01-01'",
    },
}

#: What changes nothing that a plan looks at.
HARMLESS = (
    "UPDATE clients SET client_name = client_name || '!' WHERE {client}",
    "UPDATE invoices SET status = 'paid' WHERE tenant = {t} AND status = 'sent'",
    "UPDATE contract_lines SET custom_rate = 12.5, updated_at = now() WHERE {line}",
)


@pytest.fixture(scope="module")
def both(books_server: NoopExecutor) -> Iterator[Database]:
    """Yield a connection in autocommit to the books, imported and in their own tables."""
    with clone(books_server, "_script") as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        load_alga(connection)
        yield connection


@pytest.fixture
def undone(both: Database) -> Iterator[Database]:
    """Yield that connection in a transaction that is taken back."""
    with both.transaction(force_rollback=True):
        yield both


def script(database: Database, tenant: str, /, **arguments: object) -> str:
    """Return a script; to backfill as of the day of the books, unless something else is said."""
    given = {"tenant": tenant, "as_of": DAY, "mode": "backfill", **arguments}
    rows = select(database, "plan_script", given)
    return "\n".join(row["plan_script"] for row in rows)


def scene(database: Database, tenant: str) -> dict[str, str]:
    """Return conditions for a line of which there is everything, and what belongs to it."""
    [(line, contract, client, detail)] = database.execute(
        """
        SELECT l.contract_line_id, a.contract_id, a.client_id, min(d.item_detail_id::text)
        FROM public.contract_lines AS l
        JOIN public.client_contracts AS a USING (tenant, contract_id)
        JOIN public.contract_line_service_configuration AS n USING (tenant, contract_line_id)
        JOIN public.invoice_charge_details AS d USING (tenant, config_id)
        JOIN public.recurring_service_periods AS r
            ON r.tenant = l.tenant AND r.obligation_id = l.contract_line_id
        JOIN public.clients AS c ON c.tenant = a.tenant AND c.client_id = a.client_id
        WHERE l.tenant = %s AND l.is_active AND a.is_active AND a.end_date IS NULL
            AND c.billing_cycle <> 'annually'
        GROUP BY 1, 2, 3
        HAVING bool_or(r.lifecycle_state = 'billed') AND bool_or(r.lifecycle_state = 'generated')
        ORDER BY 1
        LIMIT 1
        """,
        (tenant,),
    )
    t = f"'{tenant}'"
    return {
        "t": t,
        "row": f"tenant = {t} AND obligation_id = '{line}'",
        "line": f"tenant = {t} AND contract_line_id = '{line}'",
        "contract": f"tenant = {t} AND contract_id = '{contract}'",
        "client": f"tenant = {t} AND client_id = '{client}'",
        "detail": f"item_detail_id = '{detail}'",
    }


@pytest.mark.parametrize(
    ("mode", "reasons"),
    [
        ("regenerate", {"initial_materialization", "source_rule_changed"}),
        ("replenish", {"backfill_materialization"}),
    ],
)
def test_each_mode_writes_its_plan(undone: Database, mode: str, reasons: set[str]) -> None:
    columns = (
        "record_id", "schedule_key", "period_key", "revision", "lifecycle_state",
        "service_period_start", "service_period_end", "invoice_window_start",
        "invoice_window_end", "activity_window_start", "activity_window_end", "charge_family",
        "timing_metadata", "supersedes_record_id",
    )  # fmt: skip
    plan = f"billing.plan_service_periods('{HARBOR}', '{DAY}', '{mode}')"
    after = ", ".join(f"(row_after).{column}" for column in columns)
    planned = answer(undone, f"SELECT {after} FROM {plan} WHERE row_before IS NULL")
    replaced = answer(undone, f"SELECT record_id FROM {plan} WHERE action = 'supersede'")
    assert planned
    assert bool(replaced) == (mode == "regenerate")
    carry_out(undone, script(undone, HARBOR, mode=mode, run_key=KEY))
    written = f"FROM public.recurring_service_periods WHERE source_run_key = '{KEY}'"
    assert answer(undone, f"SELECT {', '.join(columns)} {written}") == planned
    touched = "FROM public.recurring_service_periods WHERE updated_at = now()"
    superseded = f"SELECT record_id {touched} AND lifecycle_state = 'superseded'"
    assert answer(undone, superseded) == replaced
    assert {code for (code,) in undone.execute(f"SELECT reason_code {written}".encode())} == reasons


@pytest.mark.parametrize("change", CHANGES)
def test_after_a_change_nothing_is_written(undone: Database, change: str) -> None:
    text = script(undone, HARBOR, run_key=KEY)
    statement = CHANGES[change].format(**scene(undone, HARBOR))
    assert undone.execute(statement.encode()).rowcount > 0
    before = answer(undone, LEDGER.format("public", HARBOR))
    refused(undone, text)
    assert answer(undone, LEDGER.format("public", HARBOR)) == before


def test_every_column_that_decides_is_looked_at(undone: Database) -> None:
    text = script(undone, HARBOR)
    given = scene(undone, HARBOR)
    for place, values in DECIDING.items():
        table, _, where = place.partition(" ")
        for column, value in values.items():
            with undone.transaction(force_rollback=True):
                statement = f"UPDATE public.{table} SET {column} = {value} {where}"
                assert undone.execute(statement.format(**given).encode()).rowcount > 0
                refused(undone, text, f"planned from: {table} ")


def test_what_decides_nothing_may_change(undone: Database) -> None:
    text = script(undone, HARBOR)
    for change in HARMLESS:
        statement = change.format(**scene(undone, HARBOR))
        assert undone.execute(statement.encode()).rowcount > 0
    carry_out(undone, text)


def test_a_plan_of_a_part_is_about_that_part(undone: Database) -> None:
    """Others may change; what is planned may not, nor may it get what it had none of."""
    given = scene(undone, HARBOR)
    [(client,)] = undone.execute(
        f"SELECT client_id FROM public.clients WHERE {given['client']}".encode()
    )
    text = script(undone, HARBOR, client_id=client)
    whole = script(undone, HARBOR)
    statement = (
        f"UPDATE public.clients SET billing_cycle = 'weekly' WHERE tenant = '{HARBOR}'"
        f" AND client_id <> '{client}' AND billing_cycle <> 'weekly'"
    )
    assert undone.execute(statement.encode()).rowcount > 10
    refused(undone, whole, r"clients .*, and \d+ more\n")
    carry_out(undone, text)


def test_a_first_row_of_a_part_is_a_change(undone: Database) -> None:
    given = scene(undone, HARBOR)
    delete = f"DELETE FROM {{}}.client_billing_settings WHERE {given['client']}"
    for schema in ("public", "billing"):
        undone.execute(delete.format(schema).encode())
    [(client, schedule)] = undone.execute(
        f"SELECT client_id, schedule_key FROM billing.recurring_obligations"
        f" WHERE {given['row']}".encode()
    )
    text = script(undone, HARBOR, schedule_key=schedule)
    undone.execute(CHANGES["an anchor is set"].format(**given).encode())
    refused(undone, text, f"from: client_billing_settings {client}\n")


def test_a_script_that_was_edited_writes_nothing(undone: Database) -> None:
    text = script(undone, HARBOR)
    shorter = re.sub(r"(INTO pg_temp.duecourse_new VALUES\n).*\n", r"\1", text, count=1)
    assert len(shorter) < len(text)
    refused(undone, shorter, "not as it was written")


def test_what_a_trigger_takes_away_is_missed(undone: Database) -> None:
    text = script(undone, HARBOR)
    undone.execute(
        """
        CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER nothing BEFORE INSERT ON public.recurring_service_periods
        FOR EACH ROW EXECUTE FUNCTION public.nothing()
        """
    )
    refused(undone, text, "0 rows were inserted, not ")


@pytest.mark.parametrize("schema", ["", "it's", "a$b", "a\\b", "a\nb"])
def test_a_schema_must_have_a_name(undone: Database, schema: str) -> None:
    with pytest.raises(psycopg.Error) as told:
        script(undone, HARBOR, source_schema=schema)
    assert told.value.sqlstate == "DC001"


def test_names_and_texts_of_any_kind(undone: Database) -> None:
    """The schema has a name that must be quoted; texts hold what means something to psql."""
    key = "it's \\ :key $duecourse$ {source}"
    text = script(undone, HARBOR, run_key=key, source_schema='My "Books" {source}')
    undone.execute('ALTER SCHEMA public RENAME TO "My ""Books"" {source}"')
    carry_out(undone, text)
    [(written,)] = undone.execute(
        'SELECT count(*) FROM "My ""Books"" {source}".recurring_service_periods'
        " WHERE source_run_key = %s",
        (key,),
    )
    assert written > 100


@pytest.mark.parametrize(("tenant", "rounds"), [(NORTHLIGHT, (False,)), (HARBOR, (False, True))])
def test_the_script_writes_what_the_run_writes(
    both: Database, tenant: str, rounds: tuple[bool, ...]
) -> None:
    """Also what was reviewed and accepted; then a script for what is left changes nothing."""
    ours, theirs = (LEDGER.format(schema, tenant) for schema in ("billing", "public"))
    assert answer(both, ours) == answer(both, theirs)
    # As if the books were exported and imported again.
    again = (
        "UPDATE public.recurring_service_periods AS t"
        " SET created_at = r.created_at, updated_at = r.updated_at"
        " FROM billing.recurring_service_periods AS r"
        " WHERE r.tenant = t.tenant AND r.record_id = t.record_id"
    )
    for accepted in rounds:
        key = f"{KEY} {accepted}"
        text = script(both, tenant, run_key=key, assume_accepted=accepted)
        carry_out(both, text)
        refused(both, text, "carried out before")
        given: Row = {"tenant": tenant, "as_of": DAY}
        if accepted:
            [plan] = select(both, "plan_summary", {**given, "mode": "backfill"})
            given["accept_escalations"] = plan["plan_hash"]
        done = call(both, "backfill", {**given, "run_key": key})
        assert done["o_rows"] > 0
        assert answer(both, ours) == answer(both, theirs)
        both.execute(again)
    left = script(both, tenant)
    assert "\n\\echo 0 rows superseded, 0 rows inserted" in left
    carry_out(both, left)
    assert answer(both, ours) == answer(both, theirs)
