"""The records of runs: of a tenant, a procedure, a key, and only of whom one may see."""

from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.conftest import Database
from tests.permissions.roles import roles_of
from tests.service_periods.books import Books, Row

BACKFILL, REPLENISH = "backfill_service_periods", "replenish_service_periods"


@pytest.fixture
def books(shared_database: Database) -> Books:
    """Return a tenant with a line."""
    books = Books(shared_database)
    books.line()
    return books


def records(database: Database, tenant: UUID | None, *given: str | None) -> list[Row]:
    """Return the records of runs, of a procedure and of a key."""
    procedure, key = (*given, None, None)[:2]
    cursor = database.cursor(row_factory=dict_row)
    return cursor.execute(
        "SELECT * FROM ops.run_records(p_tenant => %s, p_procedure_name => %s, p_run_key => %s)",
        (tenant, procedure, key),
    ).fetchall()


def test_of_a_tenant_a_procedure_and_a_key(books: Books) -> None:
    books.call(run_key="a")
    books.call("replenish", run_key="a")
    books.call(run_key="b")
    Books(books.database).call(run_key="a")

    def found(*given: str | None) -> list[tuple[str, str]]:
        rows = records(books.database, books.tenant, *given)
        return [(row["procedure_name"], row["run_key"]) for row in rows]

    assert found() == [(BACKFILL, "a"), (REPLENISH, "a"), (BACKFILL, "b")]
    assert found(BACKFILL) == [(BACKFILL, "a"), (BACKFILL, "b")]
    assert found(None, "a") == [(BACKFILL, "a"), (REPLENISH, "a")]
    assert found(BACKFILL, "c") == []
    assert records(books.database, books.tenant, BACKFILL, "b") == [books.run("b")]


def test_only_of_tenants_on_which_one_may_read_or_run(books: Books) -> None:
    other = Books(books.database)
    for each in (books, other):
        each.call(run_key="k")
    with roles_of(books.database) as roles:
        role = roles.make("operator")
        for permission in ("view", "regenerate", "correct_history"):
            roles.grant(books.tenant, role, permission)
            with roles.login(role) as login:
                own = records(login, books.tenant)
                assert [row["run_key"] for row in own] == ["k"]
                assert records(login, None) == own
                with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                    records(login, other.tenant)
            roles.revoke(books.tenant, role, permission)
        assert role in str(raised.value.diag.message_detail)
        assert "CALL ops.grant_permission" in str(raised.value.diag.message_hint)
        roles.grant(books.tenant, role, "manage_future")
        with roles.login(role) as login:
            assert records(login, None) == []
