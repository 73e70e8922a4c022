"""How fast the first page of due work is, and that history does not slow it."""

import time
from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.bench import books

TENANT = books.tenant(1)
LINES = books.SCHEDULES // 2
LINES_A_CLIENT = 10
HISTORY = books.PERIODS  # billed months a line, beside as many unbilled ones
PAGE = 50
TURNS = 20
SECONDS = 2  # at least, so that a noisy moment is not all that is seen

Connection = psycopg.Connection[tuple[Any, ...]]

#: Months before the assignments' start, billed: an invoice a client and month, past the triggers.
_HISTORY = (
    "SET session_replication_role = replica",
    """CREATE TEMP TABLE billed AS
       SELECT r.*, n, (r.month - make_interval(months => n))::date AS first_day,
           (r.month - make_interval(months => n - 1))::date AS end_day,
           md5('invoice' || r.client_id || n)::uuid AS the_invoice,
           md5('charge' || r.obligation_id || n)::uuid AS the_charge,
           md5('detail' || r.obligation_id || n)::uuid AS the_detail
       FROM (SELECT DISTINCT ON (obligation_id) *, date '2026-08-01' AS month
             FROM billing.recurring_service_periods
             WHERE tenant = %(tenant)s AND lifecycle_state = 'generated') AS r,
           generate_series(%(first)s::int, %(last)s::int) AS n""",
    """INSERT INTO billing.invoices (tenant, invoice_id, client_id, invoice_number, invoice_date)
       SELECT DISTINCT ON (the_invoice) tenant, the_invoice, client_id, the_invoice, first_day
       FROM billed""",
    """INSERT INTO billing.invoice_charges (tenant, invoice_charge_id, invoice_id, description)
       SELECT tenant, the_charge, the_invoice, 'Month' FROM billed""",
    """INSERT INTO billing.invoice_charge_details (tenant, invoice_charge_detail_id,
           invoice_charge_id, contract_line_id, service_period_start, service_period_end)
       SELECT tenant, the_detail, the_charge, obligation_id, first_day, end_day FROM billed""",
    """INSERT INTO billing.recurring_service_periods (tenant, record_id, client_id, obligation_id,
           obligation_type, schedule_key, period_key, charge_family, cadence_owner, due_position,
           lifecycle_state, service_period_start, service_period_end, invoice_window_start,
           invoice_window_end, provenance_kind, source_rule_version, invoice_id,
           invoice_charge_id, invoice_charge_detail_id, invoice_linked_at)
       SELECT tenant, md5('row' || obligation_id || n)::uuid, client_id, obligation_id,
           obligation_type, schedule_key, 'period:' || first_day || ':' || end_day, charge_family,
           cadence_owner, due_position, 'billed', first_day, end_day, first_day, end_day,
           'generated', 'bench', the_invoice, the_charge, the_detail, now()
       FROM billed""",
    "DROP TABLE billed",
    "RESET session_replication_role",
)

#: Two years of active billing cycles a client, up to the month that follows.
_CYCLES = """
    INSERT INTO billing.client_billing_cycles (tenant, billing_cycle_id, client_id, billing_cycle,
        effective_date, period_start_date, period_end_date)
    SELECT k.tenant, md5('cycle' || k.client_id || n)::uuid, k.client_id, 'monthly', m.first_day,
        m.first_day, (m.first_day + interval '1 month')::date
    FROM billing.clients AS k, generate_series(0, 23) AS n,
        LATERAL (SELECT (date '2026-12-01' - make_interval(months => n))::date AS first_day) AS m
"""

_FIRST_PAGE = f"SELECT record_id FROM billing.due_work(%s, '{books.AS_OF}', p_limit => {PAGE})"

#: The same order written out, over everything that is due.
_EXPECTED = f"""
    SELECT r.record_id
    FROM billing.recurring_service_periods AS r
    JOIN billing.clients AS k USING (tenant, client_id)
    WHERE r.tenant = %s AND r.lifecycle_state = 'generated'
    ORDER BY r.invoice_window_end DESC, r.invoice_window_start DESC, r.service_period_end DESC,
        r.service_period_start DESC, k.client_name COLLATE "C", r.schedule_key, r.period_key
    LIMIT {PAGE}
"""

#: The windows of the first page, from the index alone: names decide who is on it, so all of it.
_BARE_SCAN = """
    SELECT record_id, client_id
    FROM billing.recurring_service_periods
    WHERE tenant = %s AND lifecycle_state IN ('generated', 'edited', 'locked')
        AND quarantine_reason IS NULL AND invoice_window_end = '2027-07-01'
"""


@pytest.fixture(scope="module")
def due_books(bench_dsn: str) -> str:
    """Materialise the unbilled rows of the tenant, and its billing cycles."""
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        books.make(connection, [TENANT], LINES, lines_a_client=LINES_A_CLIENT)
        connection.execute(_CYCLES)
        connection.execute("CALL billing.backfill_service_periods(%s, %s)", (TENANT, books.AS_OF))
        connection.execute("VACUUM ANALYZE")
    return bench_dsn


def best(work: Callable[[], object]) -> float:
    """Return the milliseconds of ``work`` in its best turn, warmed up."""
    work()
    took: list[float] = []
    while len(took) < TURNS or sum(took) < SECONDS:
        started = time.perf_counter()
        work()
        took.append(time.perf_counter() - started)
    return 1000 * min(took)


def first_page(dsn: str) -> tuple[float, float]:
    """Return the milliseconds of the first page and of the bare scan of its windows."""
    with psycopg.connect(dsn, autocommit=True) as connection:

        def ask(statement: str) -> list[tuple[Any, ...]]:
            return connection.execute(statement.encode(), (TENANT,)).fetchall()

        assert ask(_FIRST_PAGE) == ask(_EXPECTED)
        return best(lambda: ask(_FIRST_PAGE)), best(lambda: ask(_BARE_SCAN))


def bill(dsn: str, first: int, last: int) -> None:
    """Add the billed months from the first to the last before the unbilled ones."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for statement in _HISTORY:
            connection.execute(statement.encode(), {"tenant": TENANT, "first": first, "last": last})
        connection.execute("VACUUM ANALYZE")


def test_first_page_of_due_work(due_books: str, measured: list[str]) -> None:
    bill(due_books, 1, HISTORY // 10)
    short, _ = first_page(due_books)
    bill(due_books, HISTORY // 10 + 1, HISTORY)
    page, scan = first_page(due_books)
    with psycopg.connect(due_books) as connection:
        [(rows,)] = connection.execute("SELECT count(*) FROM billing.recurring_service_periods")
    assert rows == LINES * (books.PERIODS + HISTORY)
    measured.append(
        f"first page of due work, {LINES // LINES_A_CLIENT:,} clients, {rows:,} rows:"
        f" {page:.1f} ms; with a tenth of the history {short:.1f} ms;"
        f" the bare scan of its windows {scan:.1f} ms"
    )
    assert page < 50
    assert page <= 3 * scan
    assert page <= 1.5 * short
