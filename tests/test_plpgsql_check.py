"""Every PL/pgSQL routine passes plpgsql_check, where the server has that extension."""

import pytest

from tests.conftest import Database

_CHECK = """
SELECT f.routine::regprocedure::text, c.message, c.query
FROM (
    SELECT p.oid AS routine, coalesce(t.tgrelid, 0) AS relation,
        max(t.tgoldtable::text) AS old_table, max(t.tgnewtable::text) AS new_table
    FROM pg_proc AS p
    JOIN pg_language AS l ON l.oid = p.prolang AND l.lanname = 'plpgsql'
    LEFT JOIN pg_trigger AS t ON t.tgfoid = p.oid
    WHERE p.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops')
    GROUP BY p.oid, t.tgrelid
) AS f
CROSS JOIN LATERAL plpgsql_check_function_tb(
    f.routine, f.relation, fatal_errors => false,
    oldtable => f.old_table::name, newtable => f.new_table::name) AS c
WHERE c.level = 'error'
"""


def test_every_routine(database: Database) -> None:
    available = database.execute(
        "SELECT count(*) FROM pg_available_extensions WHERE name = 'plpgsql_check'"
    ).fetchone()
    if available == (0,):
        pytest.skip("this server does not have plpgsql_check")
    database.execute("CREATE EXTENSION plpgsql_check")
    assert database.execute(_CHECK).fetchall() == []
    broken = "CREATE FUNCTION billing.broken() RETURNS void LANGUAGE plpgsql AS $$ BEGIN "
    database.execute(broken + "PERFORM no_such_column FROM billing.clients; END $$")
    assert len(database.execute(_CHECK).fetchall()) == 1
