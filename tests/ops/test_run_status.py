"""How the runs of those tenants stand on which one may view."""

from datetime import timedelta

import psycopg
import pytest

from tests.conftest import Database
from tests.permissions.roles import roles_of
from tests.runs.operators import running, status
from tests.service_periods.books import Books, fill


def test_a_run_that_lives(database: Database, dsn: str) -> None:
    books = Books(database)
    fill(books, 6)
    with running(dsn, books) as run:
        [found] = status(database)
    assert found["heartbeat_at"] > found["started_at"]
    seconds = (found["heartbeat_at"] - found["started_at"]).total_seconds()
    assert float(found["rate"]) == pytest.approx(14 / seconds, abs=0.1)
    assert found["time_left"] == timedelta(seconds=int(4 / 2 * seconds))
    assert (found["state"], found["tenant_name"]) == ("running", f"Tenant {books.number}")
    assert (found["units_done"], found["units_total"], found["unit"]) == (2, 6, "schedules")
    assert (found["rows_written"], found["waits_for"]) == (14, "its p_pause of 00:01:00")
    assert (found["role_name"], found["backend_pid"]) == (database.info.user, run.session.pid)


def test_a_call_counts_by_itself(database: Database) -> None:
    """A run that stood still for a day is not slow."""
    books = Books(database)
    fill(books, 6)
    books.call(run_key="k", batch_size=2, max_batches=1)
    database.execute("UPDATE ops.runs SET started_at = started_at - interval '1 day'")
    books.call(run_key="k", batch_size=2, max_batches=1)
    [found] = status(database)
    assert (found["state"], found["time_left"], found["backend_pid"]) == ("partial", None, None)
    assert found["rate"] > 14
    assert found["started_at"] < found["heartbeat_at"] - timedelta(hours=23)


def test_only_of_tenants_on_which_one_may_view(database: Database) -> None:
    own, other = Books(database), Books(database)
    for books in (own, other):
        books.call(run_key="k")
    assert [row["tenant"] for row in status(database)] == [own.tenant, other.tenant]
    with roles_of(database) as roles:
        role = roles.make("viewer")
        roles.grant(own.tenant, role, "view")
        roles.grant(other.tenant, role, "regenerate")
        with roles.login(role) as login:
            assert status(login) == status(database, own.tenant)
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                status(login, other.tenant)
    assert (raised.value.diag.message_hint or "").endswith("p_permission => 'view');")
