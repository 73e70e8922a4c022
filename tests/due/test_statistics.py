"""What a reading reads does not depend on when the server counted the ledger."""

import pytest

from tests.bench import books
from tests.conftest import Database

TENANTS = [books.tenant(number) for number in (1, 2, 3)]
TENANT = TENANTS[0]
LINES = 2000

#: Two years of billing cycles a client, and lines that came after the run: their periods fall back.
_SOURCES = (
    """INSERT INTO billing.client_billing_cycles (tenant, billing_cycle_id, client_id,
           billing_cycle, effective_date, period_start_date, period_end_date)
       SELECT k.tenant, md5('cycle' || k.client_id || n)::uuid, k.client_id, 'monthly', m.day,
           m.day, (m.day + interval '1 month')::date
       FROM billing.clients AS k, generate_series(0, 23) AS n,
           LATERAL (SELECT (date '2026-12-01' - make_interval(months => n))::date AS day) AS m""",
    """INSERT INTO billing.contract_lines (tenant, contract_line_id, contract_line_name,
           contract_id, contract_line_type, billing_timing, cadence_owner)
       SELECT tenant, md5(contract_line_id || 'late')::uuid, 'Late', contract_id, 'Fixed',
           billing_timing, cadence_owner
       FROM billing.contract_lines WHERE md5(contract_line_id::text) < '2'""",
)

#: The ledger, or its partitions.
_TABLES = """
    SELECT c.oid, c.reltuples, c.relpages, c.oid::regclass::text AS name
    FROM pg_class AS c
    LEFT JOIN pg_inherits AS i ON i.inhrelid = c.oid
    WHERE c.relkind = 'r'
        AND coalesce(i.inhparent, c.oid) = 'billing.recurring_service_periods'::regclass
"""

#: What the server knows of a table and its indexes that it met before the first commit.
_MET_EMPTY = f"""
    UPDATE pg_class AS k SET reltuples = 0, relpages = greatest(k.relpages, 1)
    FROM ({_TABLES}) AS t
    WHERE k.oid = t.oid
        OR k.oid IN (SELECT x.indexrelid FROM pg_index AS x WHERE x.indrelid = t.oid)
"""

#: As a dump that was restored is found, before it is analyzed.
_NEVER_MET = f"""
    UPDATE pg_class AS k SET reltuples = -1, relpages = 0
    FROM ({_TABLES}) AS t
    WHERE k.oid = t.oid
        OR k.oid IN (SELECT x.indexrelid FROM pg_index AS x WHERE x.indrelid = t.oid);
    DELETE FROM pg_statistic AS s USING ({_TABLES}) AS t WHERE s.starelid = t.oid
"""

_ROWS_READ = """
    SELECT sum(t.seq_tup_read)::bigint + (SELECT sum(i.idx_tup_read)::bigint
        FROM pg_stat_user_indexes AS i)
    FROM pg_stat_user_tables AS t
"""

READINGS = {
    "due work": "due_work(%(tenant)s, %(as_of)s)",
    "a page of candidates": "invoice_candidates(%(tenant)s, %(as_of)s, p_limit => 5)",
}

#: Of one client or schedule: 20 lines or one of a tenant's 300.
OF_SOME = {
    "due work": "due_work(%(tenant)s, %(as_of)s, p_client_id => %(client)s)",
    "a search": "due_work(%(tenant)s, %(as_of)s, p_search => 'ient 7')",
    "candidates": "invoice_candidates(%(tenant)s, %(as_of)s, p_client_id => %(client)s)",
    "a plan": "plan_service_periods(%(tenant)s, %(as_of)s, 'backfill', p_client_id => %(client)s)",
    "a schedule": "plan_service_periods(%(tenant)s, %(as_of)s, 'backfill',"
    " p_schedule_key => %(schedule)s)",
    "coverage": "assess_coverage(%(tenant)s, %(as_of)s, p_client_id => %(client)s)",
    "linkage": "linkage_repair_summary(%(tenant)s, %(as_of)s, p_client_id => %(client)s)",
}


@pytest.fixture(scope="module")
def ledger(shared_database: Database) -> Database:
    """Return a ledger of three tenants, some of whose lines have no rows yet."""
    given = {"as_of": books.AS_OF}
    books.make(shared_database, TENANTS, LINES)
    for tenant in TENANTS:
        shared_database.execute(
            "CALL billing.backfill_service_periods(%(tenant)s, %(as_of)s)",
            {**given, "tenant": tenant},
        )
    for statement in _SOURCES:
        shared_database.execute(statement.encode())
    for *_, table in shared_database.execute(_TABLES.encode()).fetchall():
        shared_database.execute(f"ALTER TABLE {table} SET (autovacuum_enabled = off)".encode())
    return shared_database


def rows_read(database: Database) -> int:
    """Return how many rows this database has read until now."""
    database.execute("SELECT pg_stat_force_next_flush()")
    [(rows,)] = database.execute(_ROWS_READ)
    return int(rows)


def test_a_ledger_that_was_counted_before_its_rows_were_committed(ledger: Database) -> None:
    """Every index of the tenant looks as good then: with another than the right one, quadratic."""
    given = {"tenant": TENANT, "as_of": books.AS_OF}
    read: dict[str, list[int]] = {name: [] for name in READINGS}
    found: dict[str, list[int]] = {name: [] for name in READINGS}
    for state in ("VACUUM ANALYZE", _MET_EMPTY):
        ledger.execute(state.encode())
        for name, reading in READINGS.items():
            before = rows_read(ledger)
            rows = ledger.execute(f"SELECT FROM billing.{reading}".encode(), given).rowcount
            found[name].append(rows)
            read[name].append(rows_read(ledger) - before)
    assert all(once == again > 0 for once, again in found.values())
    assert {name: rows for name, rows in read.items() if rows[1] > 3 * rows[0]} == {}


@pytest.mark.parametrize("state", ["VACUUM ANALYZE", _NEVER_MET], ids=["fresh", "never met"])
def test_what_is_asked_for_is_read_and_not_its_tenant(ledger: Database, state: str) -> None:
    [(client, schedule)] = ledger.execute(
        "SELECT client_id, schedule_key FROM billing.recurring_service_periods"
        " WHERE tenant = %s AND period_key LIKE 'period:2026-09-01%%' LIMIT 1",
        (TENANT,),
    ).fetchall()
    given = {"tenant": TENANT, "as_of": books.AS_OF, "client": client, "schedule": schedule}
    ledger.execute(state.encode())
    read: dict[str, int] = {}
    for name, reading in OF_SOME.items():
        before = ledger_rows_read(ledger)
        assert ledger.execute(f"SELECT FROM billing.{reading}".encode(), given).rowcount > 0
        read[name] = ledger_rows_read(ledger) - before
    most = LINES * books.PERIODS // 2
    assert {name: rows for name, rows in read.items() if rows > most} == {}


def ledger_rows_read(database: Database) -> int:
    """Return how many rows of the ledger this database has read until now."""
    database.execute("SELECT pg_stat_force_next_flush()")
    [(rows,)] = database.execute(
        f"SELECT sum(pg_stat_get_tuples_returned(t.oid))::bigint"
        f" + sum((SELECT sum(pg_stat_get_tuples_returned(x.indexrelid)) FROM pg_index AS x"
        f" WHERE x.indrelid = t.oid))::bigint FROM ({_TABLES}) AS t"
    )
    return int(rows)


def counted(database: Database) -> int:
    """Return how many rows the server believes the ledger to have."""
    tables = database.execute(_TABLES.encode()).fetchall()
    assert not any(rows == 0 and pages > 0 for _, rows, pages, _ in tables)
    return int(sum(rows for _, rows, _, _ in tables))


def test_a_run_has_the_ledger_counted(ledger: Database) -> None:
    """What it reads itself is right from its start, whatever was written just before."""
    ledger.execute(_MET_EMPTY.encode())
    ledger.execute(
        "CALL billing.backfill_service_periods(%s, %s, p_dry_run => true)", (TENANT, books.AS_OF)
    )
    assert counted(ledger) == len(TENANTS) * LINES * books.PERIODS


def test_a_run_has_counted_what_it_wrote(ledger: Database) -> None:
    """Autovacuum may come in the middle of a batch: here a trigger does what it would do."""
    ledger.execute(
        "CREATE FUNCTION public.meet_empty() RETURNS trigger LANGUAGE plpgsql AS $$"
        f" BEGIN {_MET_EMPTY}; RETURN NULL; END $$".encode()
    )
    ledger.execute(
        "CREATE TRIGGER meet_empty AFTER INSERT ON billing.recurring_service_periods"
        " FOR EACH STATEMENT EXECUTE FUNCTION public.meet_empty()"
    )
    ledger.execute("CALL billing.backfill_service_periods(%s, %s)", (TENANT, books.AS_OF))
    [(rows,)] = ledger.execute("SELECT count(*) FROM billing.recurring_service_periods")
    assert counted(ledger) == rows > len(TENANTS) * LINES * books.PERIODS
