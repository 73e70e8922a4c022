"""A statement over a tenant's tables says for each whose rows it reads, and asks nobody else."""

from pathlib import Path

import psycopg
import pytest

from duecourse.objects import object_paths
from tests.conftest import Database
from tests.engine.calls import call_everything
from tests.engine.reading import Code

#: Functions that read tables and are not called here, and why not.
EXCUSED = {
    "billing . offline": "it runs pure functions, by their names, over JSON",
    "ledger . _catch_up_stripe_inbox": "an upgrade calls it, of an inbox of before",
    "ledger . _read_old_stripe_events": "of an inbox of before",
    "ops . _guard_partitions": "of a ledger that is cut into partitions, as are those of engine",
}
#: What is read of all tenants, and by which routines: they ask who there is, or serve them all.
OF_ALL_TENANTS = {
    "billing . tenants AS t": {
        "ops . all_tenants", "ops . find_tenants", "ops . grant_permission", "ops . tenants",
    },
    "ops . held_permissions AS p": {"ops . _grant_routines"},
    "ledger . stripe_events AS e": {"ledger . _catch_up_stripe_inbox"},
}  # fmt: skip
OFFENDER = """
    CREATE FUNCTION billing._reads(p_tenant uuid) RETURNS bigint LANGUAGE plpgsql STABLE
    AS $$
    BEGIN
        RETURN (SELECT count(*) FROM billing.clients AS c WHERE c.tenant = p_tenant);
    END $$;
    CREATE FUNCTION billing._offends() RETURNS numeric LANGUAGE plpgsql STABLE AS $$
    DECLARE
        v_rows billing.clients[];
    BEGIN
        v_rows := ARRAY(
            SELECT c FROM billing.clients AS c WHERE c.tenant IN (
                SELECT t.tenant FROM billing.tenants AS t));
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
    assert planted.startswith("billing._offends() line 8 at RETURN calls billing._reads(uuid)")
    assert "FROM billing.tenants AS t" in planted


def test_every_function_that_reads_was_called(shared_database: Database, called: set[str]) -> None:
    code = Code(shared_database)
    moves = {
        f"ops . {Path(path).name.removesuffix('.sql.j2')}"
        for path in object_paths()
        if path.startswith("procedures/engine/")
    }
    rows = shared_database.execute(
        "SELECT f.schemaname || ' . ' || f.funcname FROM pg_stat_user_functions AS f"
    ).fetchall()
    assert (code.readers & code.probed) - {name for (name,) in rows} - moves == EXCUSED.keys()


def test_each_table_has_its_tenant(database: Database) -> None:
    """By way of another table's is not enough: it does not reach into each part of a query."""
    expected = {
        f"{routine}: {table}" for table, routines in OF_ALL_TENANTS.items() for routine in routines
    }
    code = Code(database)
    assert set(code.unbound()) == expected
    database.execute(OFFENDER.encode())
    assert set(Code(database).unbound()) - expected == {
        "billing . _offends: billing . tenants AS t"
    }


def test_no_query_of_rows_is_assigned(database: Database) -> None:
    """Its target goes along to the nodes, where nobody knows its type: SELECT … INTO instead."""
    database.execute(OFFENDER.encode())
    [planted] = Code(database).kept_queries()
    assert planted.startswith("billing . _offends: v_rows : = ARRAY ( SELECT c FROM")
