"""A linkage repair as a psql script for the tables that the books were taken from."""

from collections.abc import Iterator

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.books import HARBOR, NORTHLIGHT
from tests.conftest import Database, clone
from tests.plan.test_plan_script import DAY, LEDGER
from tests.profiles.comparison import answer
from tests.profiles.loading import load_alga
from tests.scripts import carry_out, refused
from tests.service_periods.books import Row, perform, select

LINKAGE = """
    SELECT record_id, lifecycle_state, invoice_id, invoice_charge_id, invoice_charge_detail_id,
        invoice_linked_at IS NOT NULL AS is_linked
    FROM {}.recurring_service_periods
    WHERE record_id = ANY (%s)
"""

#: What may befall a row that is to be reopened, and what its linkage names.
OF_REOPENED = {
    "it is released": "UPDATE recurring_service_periods SET lifecycle_state = 'generated',"
    " invoice_id = NULL, invoice_charge_id = NULL, invoice_charge_detail_id = NULL,"
    " invoice_linked_at = NULL WHERE {row}",
    "it is touched": "UPDATE recurring_service_periods"
    " SET updated_at = updated_at + interval '1 us' WHERE {row}",
    "it goes": "DELETE FROM recurring_service_periods WHERE {row}",
    "its invoice comes back": "INSERT INTO invoices (tenant, invoice_id, client_id,"
    " invoice_number, invoice_date, due_date, total_amount, status)"
    " SELECT r.tenant, r.invoice_id, c.client_id, 'again', now(), now(), 0, 'sent'"
    " FROM recurring_service_periods AS r JOIN clients AS c ON c.tenant = r.tenant"
    " WHERE {row} LIMIT 1",
    "a detail of its line comes": "INSERT INTO invoice_charge_details (tenant, item_id, service_id,"
    " config_id, quantity, rate, service_period_start, service_period_end)"
    " SELECT n.tenant, d.item_id, d.service_id, n.config_id, 1, 1, r.service_period_start,"
    " r.service_period_end - 1 FROM recurring_service_periods AS r"
    " JOIN contract_line_service_configuration AS n"
    " ON n.tenant = r.tenant AND n.contract_line_id = r.obligation_id"
    " JOIN invoice_charge_details AS d ON d.tenant = r.tenant WHERE {row} LIMIT 1",
    "its line is another client's": "UPDATE client_contracts AS a SET client_id ="
    " (SELECT max(c.client_id::text) FROM clients AS c WHERE c.tenant = a.tenant"
    " AND c.client_id <> a.client_id)::uuid FROM recurring_service_periods AS r"
    " JOIN contract_lines AS l ON l.contract_line_id = r.obligation_id"
    " WHERE a.contract_id = l.contract_id AND {row}",
}

#: What may befall a row that is to be relinked, and what proves it.
OF_RELINKED = {
    "it is edited": "UPDATE recurring_service_periods"
    " SET service_period_end = service_period_end + 1 WHERE {row}",
    "it goes": "DELETE FROM recurring_service_periods WHERE {row}",
    "another row is linked to the detail": "UPDATE recurring_service_periods"
    " SET invoice_charge_detail_id = {detail} WHERE record_id = (SELECT max(r.record_id::text)"
    " FROM recurring_service_periods AS r WHERE r.invoice_id IS NOT NULL"
    " AND r.tenant = (SELECT x.tenant FROM recurring_service_periods AS x WHERE x.{row}))::uuid",
    "the detail is of other days": "UPDATE invoice_charge_details"
    " SET service_period_end = service_period_end - 1 WHERE item_detail_id = {detail}",
    "the detail goes": "DELETE FROM invoice_charge_details WHERE item_detail_id = {detail}",
    "the detail is of another charge": "UPDATE invoice_charge_details AS d SET item_id ="
    " (SELECT max(c.item_id::text) FROM invoice_charges AS c WHERE c.tenant = d.tenant"
    " AND c.item_id <> d.item_id)::uuid WHERE d.item_detail_id = {detail}",
    "the detail is of another line": "UPDATE contract_line_service_configuration AS n"
    " SET contract_line_id = (SELECT max(l.contract_line_id::text) FROM contract_lines AS l"
    " WHERE l.tenant = n.tenant)::uuid FROM invoice_charge_details AS d"
    " WHERE d.config_id = n.config_id AND d.item_detail_id = {detail}",
    "the charge is of another invoice": "UPDATE invoice_charges AS c SET invoice_id ="
    " (SELECT max(i.invoice_id::text) FROM invoices AS i WHERE i.tenant = c.tenant"
    " AND i.invoice_id <> c.invoice_id)::uuid WHERE c.item_id = {charge}",
    "the invoice is another client's": "UPDATE invoices AS i SET client_id ="
    " (SELECT max(o.client_id::text) FROM clients AS o WHERE o.tenant = i.tenant"
    " AND o.client_id <> i.client_id)::uuid WHERE i.invoice_id = {invoice}",
    "the invoice is cancelled": "UPDATE invoices SET status = 'Canceled'"
    " WHERE invoice_id = {invoice}",
}


@pytest.fixture(scope="module")
def both(books_server: NoopExecutor) -> Iterator[Database]:
    """Yield a connection in autocommit to the books, imported and in their own tables."""
    with (
        clone(books_server, "_linkage") as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        load_alga(connection)
        yield connection


def script(database: Database, tenant: str, /, **arguments: object) -> str:
    """Return the script of a repair."""
    rows = select(database, "linkage_script", {"tenant": tenant, "as_of": DAY, **arguments})
    return "\n".join(row["linkage_script"] for row in rows)


def to_repair(database: Database, tenant: str) -> Row:
    """Return the one row of a plan that is repaired."""
    rows = select(database, "plan_linkage_repair", {"tenant": tenant, "as_of": DAY})
    [repaired] = [row for row in rows if row["action"] != "report"]
    return repaired


@pytest.mark.parametrize(
    ("tenant", "action", "changes"),
    [(NORTHLIGHT, "reopen", OF_REOPENED), (HARBOR, "relink", OF_RELINKED)],
)
def test_after_a_change_nothing_is_written(
    both: Database, tenant: str, action: str, changes: dict[str, str]
) -> None:
    """Of the tenant, and as well of that client or schedule alone."""
    row = to_repair(both, tenant)
    assert row["action"] == action
    names = {"detail": "invoice_charge_detail_id", "charge": "invoice_charge_id"}
    given = {key: f"'{row[name]}'" for key, name in {**names, "invoice": "invoice_id"}.items()}
    given["row"] = f"record_id = '{row['record_id']}'"
    texts = [
        script(both, tenant, **scope)
        for scope in ({}, {"client_id": row["client_id"]}, {"schedule_key": row["schedule_key"]})
    ]
    for change in changes.values():
        with both.transaction(force_rollback=True):
            done = both.execute(change.format(**given).encode())
            assert done.rowcount > 0, change
            for text in texts:
                before = answer(both, "SELECT record_id, xmin FROM recurring_service_periods")
                refused(both, text)
                after = answer(both, "SELECT record_id, xmin FROM recurring_service_periods")
                assert after == before, change


def test_of_a_part_others_may_change(both: Database) -> None:
    row = to_repair(both, HARBOR)
    part = script(both, HARBOR, schedule_key=row["schedule_key"])
    whole = script(both, HARBOR)
    change = (
        "UPDATE recurring_service_periods AS r SET updated_at = now() WHERE r.tenant = %s"
        " AND r.obligation_id <> %s"
    )
    with both.transaction(force_rollback=True):
        assert both.execute(change, (HARBOR, row["obligation_id"])).rowcount > 100
        refused(both, whole)
        carry_out(both, part)


@pytest.mark.parametrize("tenant", [NORTHLIGHT, HARBOR])
def test_the_script_writes_what_the_run_writes(both: Database, tenant: str) -> None:
    """Then a script for what is left changes nothing."""
    row = to_repair(both, tenant)
    ours, theirs = (LEDGER.format(schema, tenant) for schema in ("billing", "public"))
    assert answer(both, ours) == answer(both, theirs)
    text = script(both, tenant)
    carry_out(both, text)
    refused(both, text, "carried out before")
    given = {"tenant": tenant, "as_of": DAY}
    assert perform(both, "repair_invoice_linkage", given)["o_rows"] == 1
    assert answer(both, ours) == answer(both, theirs)
    linked = [
        answer(both, LINKAGE.format(schema), ([row["record_id"]],))
        for schema in ("billing", "public")
    ]
    assert linked[0] == linked[1]
    assert linked[0].total() == 1
    both.execute(
        "UPDATE public.recurring_service_periods AS t SET updated_at = r.updated_at,"
        " invoice_linked_at = r.invoice_linked_at FROM billing.recurring_service_periods AS r"
        " WHERE r.tenant = t.tenant AND r.record_id = t.record_id AND r.record_id = %s",
        (row["record_id"],),
    )
    left = script(both, tenant)
    assert left.endswith("\n\\echo 0 rows repaired")
    carry_out(both, left)
