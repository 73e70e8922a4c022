"""The charge ledger by logins without any right on a table."""

from datetime import date

import psycopg
import pytest

from tests.charges.owner import Owner
from tests.charges.runs import assert_adds_up, tenancy
from tests.conftest import Database
from tests.permissions.roles import Roles

READINGS = ("charge_backfill_summary", "plan_charge_backfill", "balances", "orphans")


@pytest.fixture
def owner(database: Database) -> Owner:
    """Return a ledger with a month paid and one only rented."""
    owner = Owner(database)
    owner.payment()
    tenancy(owner, "2026-05-01")
    return owner


def test_who_may_view_reads_and_runs_nothing(owner: Owner, roles: Roles) -> None:
    role = roles.make("viewer")
    roles.grant(owner.tenant, role, "view")
    with roles.login(role) as login:
        for reading in READINGS:
            statement = f"SELECT * FROM ledger.{reading}(%s)"
            assert login.execute(statement.encode(), (owner.tenant,)).fetchall()
        for call in ("backfill_charges(%s)", "post_rent(%s, '2026-06-30')"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                login.execute(f"CALL ledger.{call}".encode(), (owner.tenant,))
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("SELECT FROM ledger.charges")
    assert owner.rows("charges") == {}


def test_who_may_regenerate_runs(owner: Owner, roles: Roles) -> None:
    role = roles.make("operator")
    roles.grant(owner.tenant, role, "regenerate")
    other = Owner(owner.database)
    with roles.login(role) as login:
        assert login.execute("CALL ledger.backfill_charges(NULL, p_run_key => 'k')").fetchone() == (
            1,
            1,
            "done",
        )
        assert login.execute(
            "CALL ledger.post_rent(%s, '2026-06-30', p_run_key => 'k')", (owner.tenant,)
        ).fetchone() == (1, 1, "done")
        records = login.execute(
            "SELECT r.counts, r.role_name FROM ops.run_records(%s) AS r", (owner.tenant,)
        ).fetchall()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("CALL ledger.backfill_charges(%s)", (other.tenant,))
        for reading in READINGS:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                login.execute(f"SELECT ledger.{reading}(%s)".encode(), (owner.tenant,))
    assert [who for _, who in records] == [role, role]
    for counts, _ in records:
        assert_adds_up(counts)
    made = {row["billing_period"]: row["effective_on"] for row in owner.rows("charges").values()}
    assert made == {"2026-05": date(2026, 5, 1), "2026-06": date(2026, 6, 1)}
