"""The kinds of bulk runs: each has its CALL, its permission, and four routines like the others'."""

import psycopg
import pytest

from duecourse.operations import OPERATIONS
from tests.conftest import Database


def test_a_kind_has_its_call_and_its_permission(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT k.procedure_name, k.unit, p.prokind,"
        " obj_description(p.oid, 'pg_proc') LIKE"
        " '%Needs: ' || ops.permission_of(k.procedure_name) || '.%'"
        " FROM ops.run_kinds() AS k"
        " LEFT JOIN pg_proc AS p ON p.pronamespace = k.routine_schema"
        " AND p.proname = k.procedure_name"
    ).fetchall()
    assert {unit for _, unit, *_ in rows} == {"schedules", "accounts"}
    assert {tuple(rest) for _, _, *rest in rows} == {("p", True)}
    assert {operation.procedure.rpartition(".")[2] for operation in OPERATIONS.values()} <= {
        name for name, *_ in rows
    }


def test_the_routines_of_all_kinds_have_the_same_signatures(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT DISTINCT k.routines, s.name, pg_get_function_arguments(p.oid)"
        " FROM ops.run_kinds() AS k"
        " CROSS JOIN unnest(ARRAY['scope', 'next', 'plan', 'write']) AS s (name)"
        " LEFT JOIN pg_proc AS p ON p.pronamespace = k.routine_schema"
        " AND p.proname = concat('_', k.routines, '_', s.name)"
        " WHERE k.routines IS NOT NULL"
    ).fetchall()
    assert len(rows) == 4 * len({routines for routines, _, _ in rows})
    assert None not in {arguments for _, _, arguments in rows}
    assert len({(name, arguments) for _, name, arguments in rows}) == 4


@pytest.mark.parametrize("name", ["whatever", "advance_billing_cycles"])
def test_what_the_driver_does_not_drive(shared_database: Database, name: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        shared_database.execute("SELECT ops._run_kind(%s)", (name,))
    assert raised.value.sqlstate == "DC001"
    detail = f"p_procedure_name is {name}, which is no bulk procedure"
    assert raised.value.diag.message_detail == detail
    hint = (raised.value.diag.message_hint or "").encode()
    assert ("backfill_charges",) in shared_database.execute(hint).fetchall()
