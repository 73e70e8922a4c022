"""The look of the insert guard takes the index of slots, whatever the statistics say."""

from tests.bench import books
from tests.conftest import Database

TENANT = books.tenant(1)
SCHEDULES = 3_000


def test_a_ledger_that_analyze_met_empty(database: Database) -> None:
    """With another index the guard reads the whole tenant for every schedule: minutes."""
    books.make(database, [TENANT], SCHEDULES)
    database.execute(
        "UPDATE pg_class SET reltuples = 0, relpages = 10000"
        " WHERE oid = 'billing.recurring_service_periods'::regclass"
    )
    database.execute("SET statement_timeout = '10s'")
    row = database.execute(
        "CALL billing.backfill_service_periods(%s, %s)", (TENANT, books.AS_OF)
    ).fetchone()
    assert row == (SCHEDULES * books.PERIODS, 1, "done")


def test_a_tenant_that_analyze_has_not_met(database: Database) -> None:
    """One tenant's rows make up all that ANALYZE knows; another's come after it."""
    first, second = books.tenant(1), books.tenant(2)
    for tenant in (first, second):
        books.make(database, [tenant], SCHEDULES)
        database.execute("SET statement_timeout = '10s'")
        database.execute("CALL billing.backfill_service_periods(%s, %s)", (tenant, books.AS_OF))
        database.execute("RESET statement_timeout")
        database.execute("ANALYZE")
