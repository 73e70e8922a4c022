"""p_tenant null: every tenant, each with its own run."""

import json

import psycopg
import pytest

from tests.conftest import Database
from tests.service_periods.books import AS_OF, Books, Row, call


def call_all(database: Database, **arguments: object) -> Row:
    return call(database, "backfill", {"tenant": None, "as_of": AS_OF, **arguments})


def test_every_tenant_is_run(database: Database) -> None:
    tenants = [Books(database) for _ in range(3)]
    for books in tenants[:2]:
        books.line()
    result = call_all(database, run_key="k")
    assert result == {"o_rows": 14, "o_batches": 3, "o_status": "done"}
    assert [books.run("k")["status"] for books in tenants] == ["done", "done", "nothing_to_do"]
    assert call_all(database, run_key="k") == result
    assert call_all(database) == {"o_rows": 0, "o_batches": 3, "o_status": "nothing_to_do"}


def test_the_status_that_most_wants_a_look(database: Database) -> None:
    first, second = Books(database), Books(database)
    first.line(owner="contract", frequency="daily")
    second.line()
    assert call_all(database) == {"o_rows": 7, "o_batches": 2, "o_status": "escalated"}


def test_no_tenant_at_all(database: Database) -> None:
    assert call_all(database) == {"o_rows": 0, "o_batches": 0, "o_status": "nothing_to_do"}


@pytest.mark.parametrize(
    "name", ["expected_plan_hash", "accept_escalations", "client_id", "schedule_key"]
)
def test_what_is_of_one_tenant_is_refused(database: Database, name: str) -> None:
    books = Books(database)
    value = {"client_id": books.client(), "schedule_key": books.line().schedule_key}
    with pytest.raises(psycopg.Error) as raised:
        call_all(database, **{name: value.get(name, "hash")})
    assert raised.value.sqlstate == "DC001"
    assert raised.value.diag.message_hint == "Name the tenant in p_tenant."
    assert books.ledger() == []


def test_each_tenant_with_the_plan_that_was_reviewed(database: Database) -> None:
    same, other, left_out = (Books(database) for _ in range(3))
    for books in (same, other, left_out):
        books.line()
    hashes = {str(books.tenant): books.summary()["plan_hash"] for books in (same, other)}
    other.line()
    reviewed = json.dumps(hashes)
    result = call_all(database, run_key="k", expected_plan_hash=reviewed)
    assert result == {"o_rows": 7, "o_batches": 1, "o_status": "stale_plan"}
    assert [books.run("k")["status"] for books in (same, other)] == ["done", "stale_plan"]
    assert same.run("k")["plan_hash"] == hashes[str(same.tenant)]
    assert (other.ledger(), left_out.ledger()) == ([], [])
    assert call_all(database, run_key="k", expected_plan_hash=reviewed) == result
    # null: whatever the plan is.
    free = json.dumps({str(left_out.tenant): None})
    assert call_all(database, expected_plan_hash=free)["o_rows"] == 7
    for malformed in ("{", "{}", '{"x": 1}', reviewed[:-1], reviewed + "}", "[]"):
        with pytest.raises(psycopg.Error) as raised:
            call_all(database, expected_plan_hash=malformed)
        assert raised.value.sqlstate == "DC001"
