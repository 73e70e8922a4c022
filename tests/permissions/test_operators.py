"""The daily work by logins without any right on a table, in psql's way and by the command line."""

import json
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from duecourse.errors import ExitStatus
from tests.conftest import Command, Database
from tests.permissions.roles import Roles
from tests.service_periods.books import AS_OF, Books, call, fingerprint, select


@pytest.fixture
def books(database: Database) -> Books:
    """Return a tenant with three lines, of which one is escalated."""
    books = Books(database)
    books.line()
    books.line(owner="contract")
    books.line(owner="contract", frequency="daily")
    return books


@pytest.fixture
def operator(books: Books, roles: Roles) -> Iterator[Database]:
    """Yield a login that holds every permission on the tenant of ``books``."""
    role = roles.make("operator")
    roles.grant(books.tenant, role)
    with roles.login(role) as login:
        yield login


def test_from_plan_to_nothing_left(books: Books, operator: Database) -> None:
    scope = {"tenant": books.tenant, "as_of": AS_OF}
    untouched = fingerprint(books.database)
    [summary] = select(operator, "plan_summary", {**scope, "mode": "backfill"})
    assert summary["schedules_written"] == 2
    assert len(select(operator, "plan_service_periods", {**scope, "mode": "backfill"})) > 0
    assert len(select(operator, "candidate_service_periods", scope)) > 0
    assert call(operator, "backfill", {**scope, "dry_run": True})["o_rows"] > 0
    assert fingerprint(books.database) == untouched

    first = {**scope, "run_key": "k", "batch_size": 1}
    first["expected_plan_hash"] = summary["plan_hash"]
    assert call(operator, "backfill", {**first, "max_batches": 1})["o_status"] == "partial"
    assert call(operator, "backfill", first)["o_status"] == "escalated"
    assert call(operator, "backfill", scope)["o_rows"] == 0
    for operation in ("regenerate", "replenish"):
        assert call(operator, operation, scope)["o_rows"] == 0
    record = books.run("k")
    assert (record["role_name"], record["batches"]) == (operator.info.user, 3)

    assert len(select(operator, "assess_coverage", scope)) == 3
    [escalated] = select(operator, "escalations", scope)
    assert escalated["reason"] == "unsupported_frequency"
    assert {row["check_name"] for row in select(operator, "verify", scope)} >= {"escalation"}


def test_what_a_finding_says_can_be_read(books: Books, operator: Database) -> None:
    books.call()
    findings = select(operator, "verify", {"tenant": books.tenant, "as_of": AS_OF})
    readings = [row["repair_call"] for row in findings if row["repair_call"].startswith("SELECT")]
    assert readings
    for reading in readings:
        assert operator.execute(reading).fetchall()


def test_readings_need_no_write(books: Books, operator: Database) -> None:
    with operator.transaction():
        operator.execute("SET TRANSACTION READ ONLY")
        assert select(operator, "verify", {"tenant": books.tenant, "as_of": AS_OF})


def test_every_tenant_is_every_permitted_one(books: Books, operator: Database) -> None:
    others = [Books(books.database) for _ in range(2)]
    for other in others:
        other.line()
    result = call(operator, "backfill", {"tenant": None, "as_of": AS_OF})
    assert result["o_batches"] == 1
    assert books.ledger() != []
    assert [other.ledger() for other in others] == [[], []]
    records = operator.execute("SELECT DISTINCT tenant FROM ops.run_records(NULL)").fetchall()
    others[0].call()
    assert records == [(books.tenant,)]
    assert call(books.database, "backfill", {"tenant": None, "as_of": AS_OF})["o_rows"] > 0


def test_every_tenant_without_any(books: Books, roles: Roles) -> None:
    role = roles.make("reader")
    roles.grant(books.tenant, role, "view")
    with roles.login(role) as login, pytest.raises(psycopg.Error) as raised:
        call(login, "backfill", {"tenant": None, "as_of": AS_OF})
    assert raised.value.sqlstate == "42501"
    assert raised.value.diag.message_detail == (
        f"login {role} does not hold billing.recurring_service_periods.regenerate on any tenant"
    )
    assert raised.value.diag.message_hint == (
        "Name the tenant in p_tenant and call again: a refusal then says what to grant."
    )
    assert books.ledger() == []


def test_a_permission_that_is_taken_away_in_between(
    books: Books, operator: Database, roles: Roles
) -> None:
    scope = {"tenant": books.tenant, "as_of": AS_OF, "run_key": "k", "batch_size": 1}
    call(operator, "backfill", {**scope, "max_batches": 1})
    kept = fingerprint(books.database)
    roles.revoke(books.tenant, operator.info.user, "regenerate")
    roles.grant(books.tenant, operator.info.user, "view")
    taken = fingerprint(books.database)
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        call(operator, "backfill", scope)
    assert fingerprint(books.database) == taken
    assert {name for name in kept if kept[name] != taken[name]} == {"ops.tenant_permissions"}


def test_by_the_command_line(
    books: Books, operator: Database, duecourse: Command, tmp_path: Path
) -> None:
    dsn = ("--dsn", make_conninfo(books.database.info.dsn, user=operator.info.user))
    scope = (*dsn, "--tenant", books.tenant, "--as-of", AS_OF)
    for reading in ("coverage", "escalations"):
        assert duecourse(reading, *scope).returncode == ExitStatus.DONE
    assert duecourse("verify", *scope).returncode == ExitStatus.VERIFICATION_FAILED
    plan = tmp_path / "plan.json"
    assert duecourse("plan", "backfill", *scope, "--rows", "--out", plan).returncode == 0
    assert json.loads(plan.read_text())["rows"]

    dry = duecourse("run", "backfill", *scope, "--dry-run", "--allow-known-escalations")
    assert dry.returncode == ExitStatus.REFUSED
    done = duecourse("run", "backfill", *dsn, "--plan", plan, "--batch-size", 1, "--format", "json")
    assert done.returncode == ExitStatus.REFUSED
    shown = json.loads(done.stdout)
    assert (shown["status"], shown["batches"], shown["new_escalations"]) == ("escalated", 3, 1)
    again = duecourse("run", "backfill", *scope, "--allow-known-escalations")
    assert again.returncode == ExitStatus.DONE


def test_granting_by_the_command_line(books: Books, roles: Roles, duecourse: Command) -> None:
    role = roles.make("operator")
    owner = ("--dsn", books.database.info.dsn, "--tenant", books.tenant)
    operator = ("--dsn", make_conninfo(books.database.info.dsn, user=role))
    coverage = ("coverage", *operator, "--tenant", books.tenant, "--as-of", AS_OF)
    granted = duecourse("grant", role, "view", "regenerate", *owner)
    assert granted.stdout == (
        f"view, regenerate on tenant {books.tenant} granted to {role}: 2 changed\n"
    )
    assert duecourse(*coverage).returncode == ExitStatus.DONE
    revoked = duecourse("revoke", role, "view", *owner, "--format", "json")
    assert json.loads(revoked.stdout) == {
        "tenant": str(books.tenant),
        "role_name": role,
        "permissions": ["view"],
        "changed": 1,
    }
    refused = duecourse(*coverage)
    assert refused.returncode == ExitStatus.ERROR
    assert f"login {role} does not hold billing.recurring_service_periods.view" in refused.stderr
    assert "The owner grants it: duecourse grant " in refused.stderr
    dry = duecourse("run", "backfill", *coverage[1:], "--dry-run", "--allow-known-escalations")
    assert dry.returncode == ExitStatus.REFUSED

    wrong = duecourse("grant", role, "view", "nonsense", *owner)
    assert wrong.returncode == ExitStatus.ERROR
    assert "Name one of view, manage_future, regenerate, correct_history" in wrong.stderr
    assert duecourse(*coverage).returncode == ExitStatus.ERROR
    by_operator = duecourse("grant", role, *operator, "--tenant", "all")
    assert "has not the rights of" in by_operator.stderr
    everywhere = duecourse("revoke", role, *owner[:2], "--tenant", "all")
    assert everywhere.stdout == f"every permission on every tenant revoked from {role}: 1 changed\n"
