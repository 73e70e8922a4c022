"""Revoking: a permission or all, on a tenant or all, also of a role that is gone."""

import psycopg
import pytest

from tests.permissions.roles import Roles
from tests.permissions.test_grant_permission import PREFIX, rights_of
from tests.service_periods.books import Books


@pytest.fixture
def books(shared_database: psycopg.Connection) -> Books:
    """Return a tenant without anything."""
    return Books(shared_database)


def revoked(books: Books, *arguments: object) -> int:
    """Revoke; return how many permissions the role had."""
    places = ", ".join(["%s"] * len(arguments))
    [(rows,)] = books.database.execute(
        f"CALL ops.revoke_permission({places})".encode(), arguments
    ).fetchall()
    return int(rows)


def held(books: Books, role: str) -> list[str]:
    """Return the permissions that a role holds on the tenant, without their prefix."""
    rows = books.database.execute(
        "SELECT permission FROM ops.tenant_permissions WHERE (tenant, role_name) = (%s, %s)"
        " ORDER BY permission",
        (books.tenant, role),
    )
    return [permission.removeprefix(PREFIX) for (permission,) in rows]


def test_one_or_all_on_a_tenant_or_on_all(books: Books, shared_roles: Roles) -> None:
    other = Books(books.database)
    role = shared_roles.make("operator")
    for tenant in (books.tenant, other.tenant):
        shared_roles.grant(tenant, role)
    assert revoked(books, books.tenant, role, "view") == 1
    assert revoked(books, books.tenant, role, PREFIX + "regenerate") == 1
    assert held(books, role) == ["correct_history", "manage_future"]
    assert revoked(books, books.tenant, role) == 2
    assert revoked(books, books.tenant, role) == 0
    assert len(held(other, role)) == 4
    assert rights_of(books.database, role) > 0
    assert revoked(books, None, role) == 4
    assert rights_of(books.database, role) == 0


def test_of_a_role_that_is_gone(books: Books, shared_roles: Roles) -> None:
    role = shared_roles.make("gone")
    shared_roles.grant(books.tenant, role, "view")
    shared_roles.drop(role)
    assert revoked(books, books.tenant, role) == 1
    assert revoked(books, books.tenant, "nobody") == 0


@pytest.mark.parametrize(
    ("arguments", "detail", "hint"),
    [
        ((None,), "p_role_name is null", "SELECT * FROM ops.tenant_permissions"),
        (("pg_monitor", "all"), "p_permission is 'all'", "Name one of view, manage_future, "),
        (("pg_monitor", ""), "p_permission is ''", "Name one of view, manage_future, "),
    ],
)
def test_what_is_refused(
    books: Books, arguments: tuple[object, ...], detail: str, hint: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        revoked(books, books.tenant, *arguments)
    assert raised.value.sqlstate == "DC001"
    assert raised.value.diag.message_detail == detail
    assert (raised.value.diag.message_hint or "").startswith(hint)
