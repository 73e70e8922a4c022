"""No function that reads tables is called in a statement that reads a tenant's tables."""


import psycopg
import pytest

from tests.conftest import Database
from tests.engine.calls import call_everything
from tests.engine.reading import Code

#: Functions that read tables and are not called here, and why not.
EXCUSED = {
    "billing . offline": "it runs pure functions, by their names, over JSON",
    "ledger . _catch_up_stripe_inbox": "an upgrade calls it, of an inbox of before",
    "ledger . _read_old_stripe_events": "of an inbox of before",
}
OFFENDER = """
    CREATE FUNCTION billing._reads(p_tenant uuid) RETURNS bigint LANGUAGE plpgsql STABLE
    AS 'BEGIN RETURN (SELECT count(*) FROM billing.clients AS c WHERE c.tenant = p_tenant); END';
    CREATE FUNCTION billing._offends() RETURNS numeric LANGUAGE plpgsql STABLE AS $$
    DECLARE
        v_rows billing.clients[];
    BEGIN
        v_rows := ARRAY(SELECT c FROM billing.clients AS c);
        RETURN (SELECT sum(billing._reads(t.tenant)) FROM billing.tenants AS t);
    END $$;
"""


@pytest.fixture(scope="module")
def called(shared_database: Database) -> set[str]:
    """Call everything with a probe in each function; return what the probes found."""
    found = set()

    def heed(told: psycopg.errors.Diagnostic) -> None:
        if told.message_primary == "nested call":
            found.add(told.message_detail or "")

    shared_database.add_notice_handler(heed)
    shared_database.execute(OFFENDER.encode())
    Code(shared_database).probe(shared_database)
    shared_database.execute("INSERT INTO billing.tenants (tenant, tenant_name)"
                            " VALUES (gen_random_uuid(), 'Offended')")  # fmt: skip
    shared_database.execute("SELECT billing._offends()")
    shared_database.execute(
        "DROP FUNCTION billing._offends; DELETE FROM billing.tenants; DROP FUNCTION billing._reads"
    )
    call_everything(shared_database.info.dsn, heed)
    return found


def test_in_no_text(database: Database) -> None:
    database.execute(OFFENDER.encode())
    code = Code(database)
    found = list(code.nested())
    assert [(call.caller, call.called) for call in found] == [
        ("billing . _offends", "billing . _reads")
    ]


def test_in_no_call(called: set[str]) -> None:
    [planted] = called
    assert planted.startswith("billing._offends() line 6 at RETURN calls billing._reads(uuid)")
    assert "FROM billing.tenants AS t" in planted


def test_every_function_that_reads_was_called(
    shared_database: Database, called: set[str]
) -> None:
    code = Code(shared_database)
    rows = shared_database.execute(
        "SELECT f.schemaname || ' . ' || f.funcname FROM pg_stat_user_functions AS f"
    ).fetchall()
    assert (code.readers & code.probed) - {name for (name,) in rows} == EXCUSED.keys()


def test_no_query_of_rows_is_assigned(database: Database) -> None:
    """Its target goes along to the nodes, where nobody knows its type: SELECT … INTO instead."""
    database.execute(OFFENDER.encode())
    [planted] = Code(database).kept_queries()
    assert planted.startswith("billing . _offends: v_rows : = ARRAY ( SELECT c FROM")
