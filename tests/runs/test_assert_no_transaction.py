"""A CALL that commits says so inside a transaction block, and works everywhere else."""

import psycopg
import pytest
from psycopg import sql
from psycopg.errors import InvalidTransactionTermination

from duecourse.database import connect
from tests.conftest import Database

CALLS = {
    "billing.advance_billing_cycles": "NULL, '2026-09-15'",
    "billing.backfill_service_periods": "NULL, '2026-09-15'",
    "billing.repair_invoice_linkage": "NULL, '2026-09-15'",
    "ledger.backfill_charges": "NULL",
    "ledger.post_rent": "NULL, '2026-09-15'",
}


def _call(procedure: str) -> sql.Composed:
    return sql.SQL("CALL {}({})").format(
        sql.Identifier(*procedure.split(".")), sql.SQL(CALLS[procedure])
    )


@pytest.mark.parametrize("procedure", CALLS)
def test_inside_a_transaction(shared_dsn: str, procedure: str) -> None:
    with psycopg.connect(shared_dsn, autocommit=True) as client:
        client.execute("BEGIN")
        with pytest.raises(InvalidTransactionTermination) as raised:
            client.execute(_call(procedure))
        diagnosis = raised.value.diag
        assert diagnosis.message_primary == (
            "this procedure commits after every batch and cannot run inside a transaction"
        )
        assert diagnosis.message_hint == "COMMIT, then CALL again."
        client.execute("ROLLBACK")
        assert client.execute(_call(procedure)).fetchone()


@pytest.mark.parametrize("prepare_threshold", [None, 0])
def test_in_the_extended_protocol(shared_dsn: str, prepare_threshold: int | None) -> None:
    with connect(shared_dsn) as client:
        client.prepare_threshold = prepare_threshold
        for _ in range(3):
            client.execute("CALL billing.backfill_service_periods(%s, '2026-09-15')", [None])


def test_by_a_block_that_has_committed(shared_database: Database) -> None:
    shared_database.execute("""
        DO $$
        DECLARE
            o_rows bigint;
            o_batches integer;
            o_status text;
        BEGIN
            PERFORM pg_sleep(0.001);
            COMMIT;
            CALL billing.backfill_service_periods(
                NULL, '2026-09-15', o_rows => o_rows, o_batches => o_batches,
                o_status => o_status);
        END
        $$""")


def test_a_block_that_nobody_can_tell_is_refused_all_the_same(shared_dsn: str) -> None:
    with psycopg.connect(shared_dsn) as client, pytest.raises(InvalidTransactionTermination):
        client.execute("CALL billing.backfill_service_periods(%s, '2026-09-15')", [None])
