"""Checks of the permissions, with real roles."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.permissions.roles import Roles, roles_of
from tests.verify.scene import Scene

PERMISSIONS = ("correct_history", "manage_future", "regenerate", "view")
EXCESS = "permission_excess"


@pytest.fixture
def roles(shared_database: Database) -> Iterator[Roles]:
    with roles_of(shared_database) as roles:
        yield roles


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_permission_missing(scene: Scene, roles: Roles, permission: str) -> None:
    roles.revoke(scene.tenant, scene.database.info.user, permission)
    name = f"billing.recurring_service_periods.{permission}"
    finding = scene.find_one("permission_missing", name, "warning")
    operator = roles.make("operator")
    finding["repair_call"] = finding["repair_call"].replace("<role>", operator)
    assert scene.repair(finding) == [(1,)]
    assert scene.find("permission_missing") == []


def test_permission_missing_when_its_only_role_is_gone(scene: Scene, roles: Roles) -> None:
    operator = roles.make("operator")
    roles.grant(scene.tenant, operator)
    roles.revoke(scene.tenant, scene.database.info.user)
    assert scene.find("permission_missing") == []
    roles.drop(operator)
    assert len(scene.find("permission_missing")) == len(PERMISSIONS)
    assert {row["object_key"] for row in scene.find(EXCESS)} == {operator}


def test_permission_excess_of_a_role_that_is_gone(scene: Scene, roles: Roles) -> None:
    operator = roles.make("operator")
    roles.grant(scene.tenant, operator, "view")
    roles.drop(operator)
    finding = scene.find_one(EXCESS, operator, "warning")
    assert finding["actual"] == "no such role"
    assert roles.make("operator") == operator
    finding = scene.find_one(EXCESS, operator, "warning")
    assert finding["actual"] == "another role of that name"
    assert scene.repair(finding) == [(1,)]
    assert scene.find(EXCESS) == []


def test_permission_excess_without_view(scene: Scene, roles: Roles) -> None:
    operator = roles.make("operator")
    roles.grant(scene.tenant, operator, "regenerate")
    finding = scene.find_one(EXCESS, operator, "warning")
    assert finding["actual"] == "no view"
    assert scene.repair(finding) == [(1,)]
    assert scene.find(EXCESS) == []


def test_permission_excess_counts_the_view_of_a_group(scene: Scene, roles: Roles) -> None:
    readers = roles.make("readers", attributes="NOLOGIN")
    operator = roles.make("operator", readers)
    roles.grant(scene.tenant, operator, "regenerate")
    roles.grant(scene.tenant, readers, "view")
    assert scene.find(EXCESS) == []


@pytest.mark.parametrize(
    ("right", "actual"),
    [
        ("INSERT ON billing.clients", "INSERT ON TABLE billing.clients"),
        ("SELECT ON billing.invoices", "SELECT ON TABLE billing.invoices"),
        ("SELECT ON ops.unexplained_rights", "SELECT ON TABLE ops.unexplained_rights"),
        (
            "UPDATE (client_name), INSERT ON billing.clients",
            "INSERT, UPDATE (client_name) ON TABLE billing.clients",
        ),
        ("DELETE ON ops.tenant_permissions", "DELETE ON TABLE ops.tenant_permissions"),
        ("TRUNCATE ON ledger.charges", "TRUNCATE ON TABLE ledger.charges"),
        ("CREATE, USAGE ON SCHEMA ledger", "CREATE, USAGE ON SCHEMA ledger"),
        ("EXECUTE ON FUNCTION billing.due_work", "EXECUTE ON ROUTINE billing.due_work(uuid,"),
        ("EXECUTE ON FUNCTION billing._write_batch", "EXECUTE ON ROUTINE billing._write_batch("),
    ],
)
@pytest.mark.parametrize("grantee", ["PUBLIC", "stranger", "operator"])
def test_permission_excess_of_a_right(
    scene: Scene, roles: Roles, right: str, actual: str, grantee: str
) -> None:
    role = grantee if grantee == "PUBLIC" else roles.make(grantee)
    if grantee == "operator":
        roles.grant(scene.tenant, role)
    scene.database.execute(f"GRANT {right} TO {role}".encode())
    if grantee == "operator" and ("USAGE" in right or "due_work" in right):
        if "CREATE" not in right:
            assert scene.find(EXCESS) == []
            return
        actual = actual.replace(", USAGE", "")
    finding = scene.find_one(EXCESS, role)
    assert finding["actual"].startswith(actual)
    scene.database.execute(finding["repair_call"])
    assert scene.find(EXCESS) == []


def test_permission_excess_of_what_may_be_passed_on(scene: Scene, roles: Roles) -> None:
    lender, borrower = roles.make("lender"), roles.make("borrower")
    roles.grant(scene.tenant, lender)
    roles.execute("GRANT SELECT ON billing.invoices TO {} WITH GRANT OPTION", lender)
    with scene.database.transaction():
        roles.execute("SET LOCAL ROLE {}", lender)
        roles.execute("GRANT SELECT ON billing.invoices TO {}", borrower)
    borrowed, lent = scene.find(EXCESS)
    assert [borrowed["object_key"], lent["object_key"]] == [borrower, lender]
    scene.database.execute(borrowed["repair_call"])
    assert scene.find_one(EXCESS, lender)["repair_call"] == (
        f"REVOKE SELECT ON TABLE billing.invoices FROM {lender}"
    )
    scene.database.execute(lent["repair_call"])
    assert scene.find(EXCESS) == []


def test_permission_excess_of_an_operator_who_may_pass_on(scene: Scene, roles: Roles) -> None:
    operator = roles.make("operator")
    roles.grant(scene.tenant, operator)
    roles.execute("GRANT EXECUTE ON FUNCTION ops.verify TO {} WITH GRANT OPTION", operator)
    scene.database.execute(scene.find_one(EXCESS, operator)["repair_call"])
    assert scene.find(EXCESS) == []
    may = "SELECT has_function_privilege(%s, 'ops.verify(uuid, date)', 'EXECUTE')"
    assert scene.database.execute(may, (operator,)).fetchall() == [(True,)]


def test_permission_excess_of_objects_to_come(scene: Scene, roles: Roles) -> None:
    reader = roles.make("reader")
    roles.execute(
        "ALTER DEFAULT PRIVILEGES IN SCHEMA ledger GRANT SELECT, INSERT ON TABLES TO {}", reader
    )
    finding = scene.find_one(EXCESS, reader)
    assert finding["actual"] == "INSERT, SELECT ON TABLES"
    scene.database.execute(finding["repair_call"])
    assert scene.find(EXCESS) == []


def test_permission_excess_leaves_owners_alone(scene: Scene, roles: Roles) -> None:
    """A member of the owner can do all of it; what is not of the package is not looked at."""
    member = roles.make("member", scene.database.info.user)
    roles.execute("GRANT ALL ON ALL TABLES IN SCHEMA billing TO {}", member)
    scene.database.execute("CREATE FUNCTION billing.own() RETURNS int LANGUAGE sql AS 'SELECT 1'")
    assert scene.find(EXCESS) == []
    scene.database.execute("DROP FUNCTION billing.own()")
