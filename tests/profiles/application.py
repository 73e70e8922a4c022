"""The kinds of write with which the managed-services system keeps its own ledger, as it does them.

Each is one transaction about one contract line, whose id stands for {line}.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg.conninfo import make_conninfo

from tests.conftest import Database
from tests.permissions.roles import roles_of

#: What a row takes over from another of its schedule.
_OF_SCHEDULE = (
    "tenant, schedule_key, obligation_id, obligation_type, charge_family, cadence_owner,"
    " due_position, provenance_kind, source_rule_version, reason_code, source_run_key"
)
_LAST = """
    SELECT * FROM recurring_service_periods
    WHERE obligation_id = '{line}' AND lifecycle_state = 'generated'
    ORDER BY service_period_start DESC LIMIT 1"""

#: One row more, some days after the last one ends; before it with a number below zero.
_INSERT = f"""
    INSERT INTO recurring_service_periods ({_OF_SCHEDULE}, period_key, service_period_start,
        service_period_end, invoice_window_start, invoice_window_end)
    SELECT {_OF_SCHEDULE}, format('period:%s:%s', d.first, d.first + 28), d.first, d.first + 28,
        d.first, d.first + 28
    FROM ({_LAST}) AS r, LATERAL (SELECT r.service_period_end + {{{{days}}}}) AS d (first)"""

INSERT_NEXT = _INSERT.replace("{{days}}", "0")
INSERT_OVERLAPPING = _INSERT.replace("{{days}}", "-3")

REPLACE = f"""
    WITH old AS (
        UPDATE recurring_service_periods AS r SET lifecycle_state = 'superseded', updated_at = now()
        FROM ({_LAST}) AS l WHERE r.tenant = l.tenant AND r.record_id = l.record_id
        RETURNING r.*)
    SELECT * INTO TEMPORARY replaced FROM old;
    INSERT INTO recurring_service_periods ({_OF_SCHEDULE}, period_key, revision, lifecycle_state,
        service_period_start, service_period_end, invoice_window_start, invoice_window_end,
        activity_window_start, activity_window_end, supersedes_record_id)
    SELECT {_OF_SCHEDULE}, period_key, revision + 1, 'edited', service_period_start,
        service_period_end, invoice_window_start + 1, invoice_window_end + 1,
        activity_window_start, activity_window_end, record_id
    FROM replaced"""

#: The first row that is not billed is billed: an invoice with one charge of one detail.
LINK = f"""
    SELECT l.*, c.owner_client_id, g.config_id, g.service_id, gen_random_uuid() AS new_id
    INTO TEMPORARY linked
    FROM ({_LAST.replace("DESC", "ASC")}) AS l
    JOIN contract_lines AS n ON n.tenant = l.tenant AND n.contract_line_id = l.obligation_id
    JOIN contracts AS c ON c.tenant = n.tenant AND c.contract_id = n.contract_id
    JOIN contract_line_service_configuration AS g
        ON g.tenant = n.tenant AND g.contract_line_id = n.contract_line_id
    LIMIT 1;
    INSERT INTO invoices (tenant, invoice_id, client_id, invoice_number, invoice_date, due_date,
        total_amount, status, billing_period_start, billing_period_end)
    SELECT tenant, new_id, owner_client_id, 'APP-' || new_id, now(), now(), 100, 'draft',
        invoice_window_start, invoice_window_end
    FROM linked;
    INSERT INTO invoice_charges (tenant, item_id, invoice_id, service_id, description, quantity,
        unit_price, total_price)
    SELECT tenant, new_id, new_id, service_id, 'of the application', 1, 100, 100 FROM linked;
    INSERT INTO invoice_charge_details (tenant, item_detail_id, item_id, service_id, config_id,
        quantity, rate, service_period_start, service_period_end, billing_timing)
    SELECT tenant, new_id, new_id, service_id, config_id, 1, 100, service_period_start,
        service_period_end - 1, due_position
    FROM linked;
    UPDATE recurring_service_periods AS r
    SET lifecycle_state = 'billed', invoice_id = l.new_id, invoice_charge_id = l.new_id,
        invoice_charge_detail_id = l.new_id, invoice_linked_at = now(), updated_at = now()
    FROM linked AS l WHERE r.tenant = l.tenant AND r.record_id = l.record_id"""

#: An invoice is deleted: its row is locked, and can be billed again.
RELEASE = """
    SELECT tenant, record_id, invoice_id INTO TEMPORARY released
    FROM recurring_service_periods
    WHERE obligation_id = '{line}' AND invoice_id IS NOT NULL
    ORDER BY service_period_start DESC LIMIT 1;
    UPDATE recurring_service_periods AS r
    SET lifecycle_state = 'locked', invoice_id = NULL, invoice_charge_id = NULL,
        invoice_charge_detail_id = NULL, invoice_linked_at = NULL, updated_at = now()
    FROM released AS x WHERE r.tenant = x.tenant AND r.invoice_id = x.invoice_id;
    DELETE FROM invoice_charges AS c USING released AS x
    WHERE c.tenant = x.tenant AND c.invoice_id = x.invoice_id;
    DELETE FROM invoices AS i USING released AS x
    WHERE i.tenant = x.tenant AND i.invoice_id = x.invoice_id"""

RETIRE = """
    UPDATE recurring_service_periods SET lifecycle_state = 'superseded', updated_at = now()
    WHERE obligation_id = '{line}' AND lifecycle_state NOT IN ('archived', 'superseded', 'billed');
    UPDATE contract_lines SET is_active = false WHERE contract_line_id = '{line}'"""

DELETE = "DELETE FROM recurring_service_periods WHERE obligation_id = '{line}'"

#: Name → the write, and the SQLSTATE with which it ends where our guards are on its table.
WRITES = {
    "insert_next": (INSERT_NEXT, "00000"),
    "replace": (REPLACE, "00000"),
    "link": (LINK, "00000"),
    "release": (RELEASE, "00000"),
    "retire": (RETIRE, "00000"),
    "insert_overlapping": (INSERT_OVERLAPPING, "23P01"),
    "delete": (DELETE, "DC303"),
}


@contextmanager
def application(database: Database) -> Iterator[str]:
    """Yield the connection string of a role like the application's own: all rights on its tables.

    It has none on ours, and waits for a lock for eight seconds.
    """
    with roles_of(database) as roles:
        role = roles.make("app_user")
        roles.execute("GRANT ALL ON ALL TABLES IN SCHEMA public TO {}", role)
        roles.execute("ALTER ROLE {} SET lock_timeout = '8s'", role)
        yield make_conninfo(database.info.dsn, user=role)
