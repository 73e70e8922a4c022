"""Which tenants a text may mean, of those on which the login may do something."""

from uuid import UUID

import pytest

from tests.conftest import Database
from tests.permissions.roles import roles_of

TENANTS = {
    "a1000000-0000-0000-0000-000000000001": "Alder Row",
    "a2000000-0000-0000-0000-000000000002": "Alder Row IT",
    "b1000000-0000-0000-0000-000000000003": "alder row it",
    "b2000000-0000-0000-0000-000000000004": "50%_off",
    "b3000000-0000-0000-0000-000000000005": "a1",
}
FIRST, SECOND, THIRD, FOURTH, FIFTH = map(UUID, TENANTS)


@pytest.fixture(scope="module")
def named(shared_database: Database) -> Database:
    """Return a database with these tenants."""
    for tenant, name in TENANTS.items():
        shared_database.execute("INSERT INTO billing.tenants VALUES (%s, %s)", (tenant, name))
    return shared_database


def found(database: Database, text: str | None) -> list[UUID]:
    """Return the tenants that a text may mean."""
    rows = database.execute("SELECT tenant FROM ops.find_tenants(p_text => %s)", [text])
    return [tenant for (tenant,) in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Alder Row", [FIRST]),
        ("ALDER ROW", [FIRST]),
        ("Alder Row IT", [SECOND]),
        ("alder row it", [THIRD]),
        ("ALDER ROW IT", [SECOND, THIRD]),
        ("ald", [FIRST, SECOND, THIRD]),
        ("a1", [FIFTH]),
        ("a10", [FIRST]),
        ("A1000000-0000-0000-0000-000000000001", [FIRST]),
        ("50%", [FOURTH]),
        ("5_", []),
        ("row", []),
        (None, []),
    ],
)
def test_a_text_means_what_is_nearest(
    named: Database, text: str | None, expected: list[UUID]
) -> None:
    assert found(named, text) == expected


def test_only_of_tenants_on_which_one_holds_a_permission(named: Database) -> None:
    with roles_of(named) as roles:
        role = roles.make("operator")
        roles.grant(SECOND, role, "manage_future")
        roles.grant(FIFTH, role, "view")
        with roles.login(role) as login:
            assert found(login, "alder row") == [SECOND]
            assert found(login, "a") == [SECOND, FIFTH]
            roles.revoke(FIFTH, role)
            assert found(login, "a1") == []
