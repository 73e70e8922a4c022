"""Whose books there are, how many schedules and accounts, and what the runs left to people."""

from typing import Any

from psycopg.rows import dict_row

from tests.charges.owner import Owner
from tests.charges.runs import backfill
from tests.conftest import Database
from tests.permissions.roles import roles_of
from tests.service_periods.books import Books
from tests.service_periods.test_reviewed_plans import conflicting

NO_RUN = {
    "last_run_key": None,
    "last_procedure_name": None,
    "last_status": None,
    "last_started_at": None,
}


def tenants(database: Database) -> dict[str, dict[str, Any]]:
    """Return what is told of each tenant, by its name."""
    cursor = database.cursor(row_factory=dict_row)
    rows = cursor.execute("SELECT * FROM ops.tenants()").fetchall()
    assert [row["tenant_name"] for row in rows] == sorted(row["tenant_name"] for row in rows)
    return {row["tenant_name"]: row for row in rows}


def test_how_each_tenant_stands(database: Database) -> None:
    assert tenants(database) == {}
    books = Books(database)
    name = f"Tenant {books.number}"
    conflicting(books)
    line = books.line()
    owner = Owner(database)
    found = tenants(database)
    assert found == {
        name: {"tenant": books.tenant, "tenant_name": name, "schedules": 2, "accounts": 0,
               "open_escalations": None, **NO_RUN},
        "Owner": {"tenant": owner.tenant, "tenant_name": "Owner", "schedules": 0, "accounts": 0,
                  "open_escalations": None, **NO_RUN},
    }  # fmt: skip

    books.call(run_key="all")
    row = tenants(database)[name]
    assert (row["open_escalations"], row["last_run_key"], row["last_status"]) == (
        1, "all", "escalated")  # fmt: skip
    assert row["last_procedure_name"] == "backfill_service_periods"
    # What a run over a part leaves alone says nothing of the others.
    books.call("replenish", run_key="part", schedule_key=line.schedule_key)
    row = tenants(database)[name]
    assert (row["open_escalations"], row["last_run_key"]) == (1, "part")

    owner.payment(period="soon")
    backfill(owner)
    row = tenants(database)["Owner"]
    assert (row["accounts"], row["open_escalations"], row["last_procedure_name"]) == (
        1, 1, "backfill_charges")  # fmt: skip

    database.execute("UPDATE ops.runs SET status = 'running' WHERE run_key = 'part'")
    assert tenants(database)[name]["last_status"] == "interrupted"
    with roles_of(database) as roles:
        role = roles.make("operator")
        with roles.login(role) as login:
            roles.grant(owner.tenant, role, "manage_future")
            assert tenants(login) == {}
            roles.grant(books.tenant, role, "view")
            assert list(tenants(login)) == [name]
