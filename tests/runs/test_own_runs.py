"""Whose run it is: no other operator goes on with it while it lives, plans it anew or ends it."""

from collections.abc import Iterator

import psycopg
import pytest
from psycopg.types.json import Jsonb

from tests.concurrency.sessions import until
from tests.conftest import Database
from tests.permissions.roles import Roles, roles_of
from tests.service_periods.books import AS_OF, Books, call, fill

KIND = "backfill_service_periods"
DENIED = "permission denied for function"


@pytest.fixture
def roles(database: Database) -> Iterator[Roles]:
    """Yield a maker of roles."""
    with roles_of(database) as roles:
        yield roles


@pytest.fixture
def books(database: Database) -> Books:
    """Return a tenant of whose six lines the owner has done two."""
    books = Books(database)
    fill(books, 6)
    assert books.call(run_key="k", batch_size=2, max_batches=1)["o_status"] == "partial"
    return books


@pytest.fixture
def login(roles: Roles, books: Books) -> Iterator[Database]:
    """Log in as an operator with every permission on the tenant."""
    role = roles.make("operator")
    roles.grant(books.tenant, role)
    with roles.login(role) as login:
        yield login


def refused(login: Database, statement: str, *values: object) -> psycopg.Error:
    """Return the error that a statement ends with."""
    with pytest.raises(psycopg.Error) as raised:
        login.execute(statement.encode(), values)
    return raised.value


def test_nobody_else_ends_it(books: Books, login: Database) -> None:
    before = books.run("k")
    for state in ("55P03", "57014", "XX000"):
        error = refused(
            login, "SELECT ops._stop_run(%s, %s, 'k', %s, 'x')", books.tenant, KIND, state
        )
        assert error.sqlstate == "DC008"
        assert error.diag.message_detail == (
            f"login {login.info.user} would change run k of {KIND}, which role"
            f" {books.database.info.user} runs"
        )
    for statement in (
        "SELECT ops._end_run(r, 'done') FROM ops.run_records(%s) AS r",
        "SELECT ops._record_batch(%s, 'x', 'k', NULL, 1, 1, 0, 0)",
        "SELECT ops._own_run(%s, 'x', 'k')",
    ):
        assert DENIED in str(refused(login, statement, books.tenant))
    assert books.run("k") == before


def test_nobody_else_plans_it(books: Books, login: Database) -> None:
    before = books.run("k")
    arguments = Jsonb(before["arguments"])
    error = refused(login, "SELECT ops._plan_run(%s, %s, %s, 'k')", books.tenant, KIND, arguments)
    assert error.sqlstate == "DC008"
    assert books.run("k") == before


def test_nobody_else_writes_a_batch_of_it(books: Books, login: Database) -> None:
    before = books.run("k")
    error = refused(
        login, "SELECT ops._write_run_batch(%s, %s, 'k', '1 s', false)", books.tenant, KIND
    )
    assert error.sqlstate == "DC008"
    assert books.run("k") == before


def test_a_finished_run_stays_as_it_is(books: Books, login: Database) -> None:
    given = {"tenant": books.tenant, "as_of": AS_OF, "run_key": "mine"}
    assert call(login, "backfill", given)["o_status"] == "done"
    before = books.run("mine")
    login.execute("SELECT ops._stop_run(%s, %s, 'mine', 'XX000', 'x')", (books.tenant, KIND))
    login.execute(
        "SELECT ops._plan_run(%s, %s, %s, 'mine')",
        (books.tenant, KIND, Jsonb(before["arguments"])),
    )
    login.execute("SELECT ops._write_run_batch(%s, %s, 'mine', '1 s', false)", (books.tenant, KIND))
    assert books.run("mine") == before


def test_another_goes_on_with_what_is_left(books: Books, login: Database) -> None:
    """Not while it lives: a run that is stopped becomes the run of whoever resumes it."""
    given = {"tenant": books.tenant, "as_of": AS_OF, "run_key": "k", "batch_size": 2}
    assert call(login, "backfill", given)["o_status"] == "done"
    assert books.run("k")["role_name"] == login.info.user


def test_a_run_that_lives_is_not_taken_over(books: Books, login: Database, dsn: str) -> None:
    with psycopg.connect(dsn, autocommit=True) as live:
        books.database.execute(
            "UPDATE ops.runs SET status = 'running', backend_pid = %s, backend_start = NULL",
            (live.info.backend_pid,),
        )
        live.pgconn.send_query(b"SELECT pg_sleep(60)")
        live.pgconn.flush()
        until(
            books.database,
            "SELECT wait_event IS NOT DISTINCT FROM 'PgSleep' FROM pg_stat_activity WHERE pid = %s",
            [live.info.backend_pid],
        )
        given = {"tenant": books.tenant, "as_of": AS_OF, "run_key": "k", "batch_size": 2}
        with pytest.raises(psycopg.Error) as raised:
            call(login, "backfill", given)
        live.cancel()
        while live.pgconn.get_result():
            pass
    assert raised.value.sqlstate == "DC008"


def test_an_operator_runs_and_is_seen(books: Books, login: Database) -> None:
    given = {"tenant": books.tenant, "as_of": AS_OF, "run_key": "mine", "batch_size": 2}
    assert call(login, "backfill", given | {"max_batches": 1})["o_status"] == "partial"
    run = books.run("mine")
    assert (run["role_name"], run["backend_pid"]) == (login.info.user, login.info.backend_pid)
    assert run["backend_start"] is not None
