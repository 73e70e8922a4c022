"""A batch so small that its plan is kept: which one is, and that the kept plan stays a good one."""

import pytest

from tests.bench import books as bench
from tests.bench.books import AS_OF, PERIODS
from tests.conftest import Database

#: Rows of the ledger that were read by scans of the whole.
_READ = """
    SELECT s.seq_tup_read FROM pg_stat_xact_all_tables AS s
    WHERE s.relid = 'billing.recurring_service_periods'::regclass
"""

FIRST, LAST = "00000000-0000-0000-0000-000000000000", "ffffffff-ffff-ffff-ffff-ffffffffffff"


def is_small(database: Database, tenant: str, before: str | None = None) -> bool:
    row = database.execute(
        "SELECT billing._is_small_batch(%s, %s, %s)", (tenant, FIRST, before)
    ).fetchone()
    assert row is not None
    return bool(row[0])


def is_cut(database: Database) -> bool:
    """Return whether the ledger is in partitions: no plan is kept for it then."""
    row = database.execute(
        "SELECT c.relkind = 'p' FROM pg_class AS c"
        " WHERE c.oid = 'billing.recurring_service_periods'::regclass"
    ).fetchone()
    assert row is not None
    return bool(row[0])


def backfill(database: Database, tenant: str) -> None:
    database.execute("CALL billing.backfill_service_periods(%s, %s)", (tenant, AS_OF))


@pytest.mark.parametrize(("lines", "expected"), [(200, True), (201, False)])
def test_by_its_lines(shared_database: Database, lines: int, expected: bool) -> None:
    tenant = bench.tenant(lines)
    bench.make(shared_database, [tenant], lines, lines_a_client=lines)
    assert is_small(shared_database, tenant) is (expected and not is_cut(shared_database))
    assert not is_small(shared_database, tenant, LAST)


def test_by_its_rows(shared_database: Database) -> None:
    tenant = bench.tenant(1)
    bench.make(shared_database, [tenant], 200, lines_a_client=200)
    for day, rows, expected in ((1, 2000, True), (15, 3980, True), (20, 5780, False)):
        shared_database.execute(
            "UPDATE billing.client_billing_settings SET billing_cycle_anchor_day_of_month = %s"
            " WHERE tenant = %s",
            (day, tenant),
        )
        backfill(shared_database, tenant)
        found = shared_database.execute(
            "SELECT count(*) FROM billing.recurring_service_periods WHERE tenant = %s", (tenant,)
        )
        assert found.fetchone() == (rows,)
        assert is_small(shared_database, tenant) is (expected and not is_cut(shared_database))


def test_what_grew_since_is_not_read(database: Database) -> None:
    """The plan is made while there is nothing; the rows of others are many when it is used."""
    small, big = bench.tenant(1), bench.tenant(2)
    bench.make(database, [small], 10)
    plan = "SELECT unchanged FROM billing.plan_summary(%s, %s, 'backfill')"
    assert database.execute(plan, (small, AS_OF)).fetchone() == (0,)
    bench.make(database, [big], 200)
    for tenant in (small, big):
        backfill(database, tenant)
    with database.transaction():
        before = database.execute(_READ).fetchone()
        for _ in range(2):
            assert database.execute(plan, (small, AS_OF)).fetchone() == (10 * PERIODS,)
        assert database.execute(_READ).fetchone() == before
