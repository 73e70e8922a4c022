"""What the system whose tables were adopted does itself is refused at the door."""

from typing import Any

import psycopg
import pytest

from duecourse import profile
from tests.conftest import Database
from tests.examples.reference import public_routines

#: A call with nothing but nulls: the door comes before permissions and arguments.
CALL = """
    SELECT format('%%s %%s(%%s)', CASE p.prokind WHEN 'p' THEN 'CALL' ELSE 'SELECT' END,
        p.oid::regproc, array_to_string(array_fill('NULL'::text, ARRAY[p.pronargs]), ', '))
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname || '.' || p.proname = %s"""


@pytest.mark.parametrize("name", profile.names())
def test_what_their_system_does_itself_is_refused(
    request: pytest.FixtureRequest, name: str
) -> None:
    dsn: str = request.getfixturevalue(f"adopted_{name}_dsn")
    database: Database = request.getfixturevalue(f"adopted_{name}")
    refused = dict(profile.of(name).refused)
    for routine in public_routines(dsn):
        hint = refused.pop(routine.name, None)
        if hint is None:
            continue
        [(call,)] = database.execute(CALL, [f"{routine.schema}.{routine.name}"])
        with pytest.raises(psycopg.Error) as raised:
            database.execute(call)
        told: Any = raised.value.diag
        assert (told.sqlstate, told.message_detail, told.message_hint) == (
            "DC110", f"{routine.name}, profile {name}", hint,
        )  # fmt: skip
    assert refused == {}
