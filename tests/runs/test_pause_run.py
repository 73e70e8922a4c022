"""A run is paused before its next batch, from another session, by who may run it."""

import json
from collections.abc import Iterator

import psycopg
import pytest

from tests.conftest import Database
from tests.permissions.roles import Roles, roles_of
from tests.runs.operators import CALL, ask, running, status
from tests.service_periods.books import Books, fill

KIND = "backfill_service_periods"


@pytest.fixture
def books(database: Database) -> Books:
    """Return a tenant with six lines, two a batch."""
    books = Books(database)
    fill(books, 6)
    return books


@pytest.fixture
def roles(database: Database) -> Iterator[Roles]:
    """Yield a maker of roles."""
    with roles_of(database) as roles:
        yield roles


def refused(database: Database, verb: str = "pause", **arguments: object) -> tuple[str | None, ...]:
    """Return SQLSTATE, DETAIL and HINT of a refusal."""
    with pytest.raises(psycopg.Error) as raised:
        ask(database, verb, **arguments)
    found = raised.value.diag
    return found.sqlstate, found.message_detail, found.message_hint


def test_another_operator_pauses_a_run_that_sleeps(books: Books, roles: Roles, dsn: str) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role, "regenerate", "view")
    told: list[str | None] = []
    books.database.add_notice_handler(lambda n: told.append(n.message_primary))
    with running(dsn, books) as run, roles.login(role) as login:
        heard: list[tuple[str | None, str | None]] = []
        run.session.database.add_notice_handler(
            lambda n: heard.append((n.message_primary, n.message_hint))
        )
        assert ask(login, "pause", reason="the night job") == {"o_status": "running"}
        # At once, not after the pause of a minute.
        assert run.result() == (14, 1, "paused")
        [found] = status(login)
        assert (found["state"], found["units_done"], found["units_total"]) == ("paused", 2, 6)
        assert found["waits_for"].startswith(f"paused by {role} at 20")
        assert found["waits_for"].endswith(" UTC: the night job")
        assert (found["finished_at"], found["backend_pid"]) == (None, None)
        message, hint = heard[-1]
        assert (message or "").startswith(f"run k of {KIND} is paused by {role} at ")
        assert hint == (f"CALL ops.resume_run(p_run_key => 'k', p_procedure_name => '{KIND}');")
        # The same call again writes nothing until somebody resumes the run.
        again = {"run_key": "k", "batch_size": 2}
        assert books.call(**again) == {"o_rows": 14, "o_batches": 1, "o_status": "paused"}
        assert len(books.ledger()) == 14
        sqlstate, detail, _ = refused(login)
        assert sqlstate == "DC009"
        assert (detail or "").startswith(f"run k of {KIND} is already paused by {role} at ")
    [(kind, text)] = books.database.execute(
        "SELECT object_key, actual FROM billing.check_unfinished_run(%s, '2025-01-10')",
        (books.tenant,),
    )
    assert (kind, text.split(",")[0]) == (f"{KIND}:k", "paused")


def test_a_run_without_a_call_is_paused_at_once(books: Books) -> None:
    again = {"run_key": "k", "batch_size": 2}
    assert books.call(**again, max_batches=1)["o_status"] == "partial"
    assert ask(books.database, "pause", tenant=books.tenant) == {"o_status": "paused"}
    before = books.run("k")
    assert before["status"] == "paused"
    assert books.call(**again)["o_status"] == "paused"
    assert books.run("k")["called_at"] == before["called_at"]
    assert len(books.ledger()) == 14


def test_what_cannot_be_paused(books: Books, roles: Roles) -> None:
    books.call(run_key="done")
    for key, kind in (("k", "backfill"), ("k", "replenish"), ("other", "backfill")):
        books.call(kind, run_key=key, batch_size=2, max_batches=1)
    unknown = refused(books.database, run_key="nobody")
    assert unknown == (
        "DC003",
        "run nobody; not finished: k, other",
        "SELECT * FROM ops.run_status() shows the runs.",
    )
    assert refused(books.database) == (
        "DC001",
        f"runs of {KIND} and replenish_service_periods have the key k",
        f"Name one of them in p_procedure_name, such as '{KIND}'.",
    )
    sqlstate, detail, hint = refused(books.database, run_key="done")
    assert (sqlstate, hint) == ("DC009", "SELECT * FROM ops.run_status() shows the runs.")
    assert (detail or "").startswith(f"run done of {KIND} is finished: done at 20")
    assert refused(books.database, run_key=None)[:2] == ("DC001", "p_run_key is null")
    other = Books(books.database)
    fill(other, 4)
    other.call(run_key="other", batch_size=2, max_batches=1)
    assert refused(books.database, run_key="other") == (
        "DC001",
        f"runs of tenants {books.tenant} and {other.tenant} have the key other",
        f"Name one of them in p_tenant, such as '{books.tenant}'.",
    )
    reader = roles.make("reader")
    roles.grant(books.tenant, reader, "view", "manage_future", "correct_history")
    with roles.login(reader) as login:
        assert refused(login, tenant=books.tenant, run_key="other")[:2] == (
            "42501",
            f"login {reader} does not hold billing.recurring_service_periods.regenerate"
            f" on tenant {books.tenant}",
        )
        # What one may not run, one does not learn of.
        assert refused(login, run_key="other")[:2] == ("DC003", "run other; not finished: none")
    ask(books.database, "pause", procedure_name=KIND)
    assert books.run("other")["status"] == "partial"


def test_a_call_over_every_tenant_ends_there_and_goes_on_there(books: Books, dsn: str) -> None:
    other = Books(books.database)
    fill(other, 2)
    hashes = json.dumps({str(b.tenant): b.summary()["plan_hash"] for b in (books, other)})
    call = CALL.replace("%s", "NULL").replace("=> 2,", f"=> 2, p_expected_plan_hash => '{hashes}',")
    with running(dsn, books, call) as run:
        ask(books.database, "pause")
        assert run.result() == (14, 1, "paused")
    assert (len(books.ledger()), len(other.ledger())) == (14, 0)
    done = ask(books.database, "resume", pause="0")
    assert done == {"o_rows": 56, "o_batches": 4, "o_status": "done"}
    assert (len(books.ledger()), len(other.ledger())) == (42, 14)
