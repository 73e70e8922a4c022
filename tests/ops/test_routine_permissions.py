"""The list of who may call what: of routines that exist, each once, by permissions that exist."""

from tests.conftest import Database


def test_each_is_a_routine_and_stands_there_once(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT d.routine_schema::text, d.routine_name, count(p.oid)"
        " FROM ops.routine_permissions() AS d LEFT JOIN pg_proc AS p"
        " ON p.pronamespace = d.routine_schema AND p.proname = d.routine_name"
        " GROUP BY 1, 2"
    ).fetchall()
    assert [row for row in rows if row[2] != 1] == []


def test_each_permission_is_one_of_the_four(shared_database: Database) -> None:
    [(found,)] = shared_database.execute(
        "SELECT array_agg(DISTINCT n.name ORDER BY n.name)"
        " FROM ops.routine_permissions() AS d, unnest(d.permissions) AS n (name)"
    ).fetchall()
    assert found == ["correct_history", "manage_future", "regenerate", "view"]


def test_every_check_is_for_whoever_may_view(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT p.proname, d.permissions FROM pg_proc AS p LEFT JOIN ops.routine_permissions() AS d"
        " ON d.routine_schema = p.pronamespace AND d.routine_name = p.proname"
        " WHERE p.proname ~ '^check_'"
        " AND p.pronamespace IN ('billing'::regnamespace, 'ledger'::regnamespace)"
    ).fetchall()
    assert len(rows) > 30
    assert [name for name, permissions in rows if permissions != ["view"]] == []
