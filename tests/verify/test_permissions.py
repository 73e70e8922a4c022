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
    assert scene.find_one(EXCESS, operator, "warning")


def test_permission_excess_of_a_role_that_is_gone(scene: Scene, roles: Roles) -> None:
    operator = roles.make("operator")
    roles.grant(scene.tenant, operator, "view")
    roles.drop(operator)
    finding = scene.find_one(EXCESS, operator, "warning")
    assert finding["actual"] == "no such role"
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
    "right",
    [
        "INSERT ON billing.clients",
        "UPDATE (client_name) ON billing.clients",
        "DELETE ON ops.tenant_permissions",
        "TRUNCATE ON billing.recurring_service_periods",
    ],
)
@pytest.mark.parametrize("to_public", [False, True])
def test_permission_excess_on_tables(
    scene: Scene, roles: Roles, right: str, *, to_public: bool
) -> None:
    writer = roles.make("writer")
    scene.database.execute(f"GRANT {right} TO {'PUBLIC' if to_public else writer}".encode())
    finding = scene.find_one(EXCESS, "PUBLIC" if to_public else writer, "warning")
    assert finding["actual"] == "a right to write"
    scene.database.execute(finding["repair_call"])
    assert scene.find(EXCESS) == []


def test_permission_excess_leaves_reading_alone(scene: Scene, roles: Roles) -> None:
    reader = roles.make("reader")
    roles.execute("GRANT SELECT ON ALL TABLES IN SCHEMA billing, ops TO {}", reader)
    assert scene.find(EXCESS) == []
