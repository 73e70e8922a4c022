"""Tables that are not quite as expected, and can be worked on all the same."""

import psycopg

from duecourse import adoption
from duecourse.profile import Wanted
from duecourse.sample_books import AS_OF, TENANT
from tests.conftest import Database
from tests.profiles.loading import fill_alga, sample
from tests.profiles.shape import ALGA

#: The ledger in two partitions, with its keys and checks.
_PARTITIONED = (
    "ALTER TABLE recurring_service_periods RENAME TO whole",
    "CREATE TABLE recurring_service_periods (LIKE whole INCLUDING ALL) PARTITION BY HASH (tenant)",
    "DROP TABLE whole",
    "CREATE TABLE even PARTITION OF recurring_service_periods"
    " FOR VALUES WITH (MODULUS 2, REMAINDER 0)",
    "CREATE TABLE odd PARTITION OF recurring_service_periods"
    " FOR VALUES WITH (MODULUS 2, REMAINDER 1)",
)


def backfill(database: Database) -> tuple[int, str]:
    row = database.execute(
        "CALL billing.backfill_service_periods(%s, %s)", (TENANT, AS_OF)
    ).fetchone()
    assert row is not None
    return row[0], row[2]


def test_partitions_a_name_in_mixed_case_and_no_rows_yet(empty_dsn: str) -> None:
    schema = 'Psa "2"'
    with psycopg.connect(empty_dsn, autocommit=True) as database:
        database.execute('CREATE SCHEMA "Psa ""2"""')
        ALGA.create(database, schema)
        database.execute('SET search_path = "Psa ""2"""')
        for statement in _PARTITIONED:
            database.execute(statement)
        adoption.adopt(empty_dsn, Wanted("alga", source=schema))
        database.execute("RESET search_path")
        assert database.execute("SELECT count(*) FROM billing.tenants").fetchone() == (0,)

        fill_alga(database, schema, sample())
        assert backfill(database) == (124, "escalated")
        assert backfill(database) == (0, "escalated")
        found = database.execute(
            "SELECT check_name, object_key FROM ops.verify(%s, %s)"
            " WHERE check_name IN ('catalog_drift', 'ledger_guard', 'pending_plan', 'row_overlap',"
            " 'slot_collision', 'unjudged_row')",
            (TENANT, AS_OF),
        ).fetchall()
        assert found == []
