"""The function behind the command: an answer a line, by its position, from the named operation."""

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.conftest import Database

BARE = {"from": "generated", "to": "billed"}
ANSWER = {"allowed": True, "from_is_terminal": False}


def answers(database: Database, operation: str, *lines: object) -> list[tuple[int, Any]]:
    """Answer lines in a transaction that cannot write."""
    with database.transaction(force_rollback=True):
        database.execute("SET TRANSACTION READ ONLY")
        return database.execute(
            "SELECT * FROM billing.offline(%s, %s) ORDER BY position",
            (operation, [Jsonb(line) for line in lines]),
        ).fetchall()


def test_an_id_comes_back_with_its_answer(shared_database: Database) -> None:
    lines = [BARE, {"id": [7], "input": BARE}, {"input": BARE}]
    assert answers(shared_database, "transitions", *lines) == [
        (1, {"id": None, "output": ANSWER}),
        (2, {"id": [7], "output": ANSWER}),
        (3, {"id": None, "output": ANSWER}),
    ]
    assert answers(shared_database, "transitions") == []


@pytest.mark.parametrize(
    ("operation", "line", "sqlstate", "message"),
    [
        ("transitions", [1], "DC004", "[1] is not a JSON object"),
        ("transitions", {"input": None}, "DC004", "null is not a JSON object"),
        ("transitions", {"to": "billed"}, "DC004", "from is missing, not a text"),
        ("no_such", BARE, "42883", "billing.offline_no_such"),
        ("transitions; --", BARE, "42883", 'billing."offline_transitions; --"'),
    ],
)
def test_what_is_refused(
    shared_database: Database, operation: str, line: object, sqlstate: str, message: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        answers(shared_database, operation, line)
    assert raised.value.sqlstate == sqlstate
    assert message in str(raised.value)
