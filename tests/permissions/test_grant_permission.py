"""Granting, revoking, and what a grant to a role covers."""

import re
from uuid import UUID

import psycopg
import pytest

from duecourse import migrate
from tests.conftest import Database
from tests.permissions.roles import Roles
from tests.service_periods.books import AS_OF, Books

PREFIX = "billing.recurring_service_periods."
HOSTILE = """a"'; DROP %I --"""


@pytest.fixture
def books(database: Database) -> Books:
    books = Books(database)
    books.line()
    return books


def may_read(roles: Roles, role: str, tenant: UUID, *, after: str = "") -> bool:
    """Tell whether a login of a role may read the coverage of a tenant."""
    with roles.login(role) as login:
        if after:
            login.execute(after.encode())
        try:
            login.execute("SELECT * FROM billing.assess_coverage(%s, %s)", (tenant, AS_OF))
        except psycopg.errors.InsufficientPrivilege:
            return False
    return True


def rights_of(database: Database, role: str) -> int:
    """Count the rights that a role has on schemas and routines, and on anything else."""
    [(count,)] = database.execute(
        "SELECT count(*) FROM pg_shdepend WHERE refobjid = %s::regrole AND deptype = 'a'",
        (f'"{role.replace(chr(34), chr(34) * 2)}"',),
    )
    return int(count)


def test_what_is_recorded(books: Books, roles: Roles) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role, "view", PREFIX + "regenerate")
    roles.grant(books.tenant, role, "view")
    rows = books.database.execute(
        "SELECT tenant, permission, granted_by, granted_at <= now() FROM ops.tenant_permissions"
        " WHERE role_name = %s ORDER BY permission",
        (role,),
    ).fetchall()
    owner = books.database.info.user
    assert rows == [(books.tenant, PREFIX + name, owner, True) for name in ("regenerate", "view")]


def test_all_four_on_every_tenant_and_back(books: Books, roles: Roles) -> None:
    other = Books(books.database)
    role = roles.make("operator")
    call = "CALL ops.{}_permission(NULL, %s)"
    assert books.database.execute(call.format("grant"), (role,)).fetchall() == [(8,)]
    assert books.database.execute(call.format("grant"), (role,)).fetchall() == [(0,)]
    assert rights_of(books.database, role) > 0
    roles.revoke(books.tenant, role)
    assert not may_read(roles, role, books.tenant)
    assert may_read(roles, role, other.tenant)
    assert books.database.execute(call.format("revoke"), (role,)).fetchall() == [(4,)]
    assert books.database.execute(call.format("revoke"), (role,)).fetchall() == [(0,)]
    assert rights_of(books.database, role) == 0


def test_a_hostile_name(books: Books, roles: Roles) -> None:
    role = roles.make(HOSTILE)
    roles.grant(books.tenant, role, "view")
    assert may_read(roles, role, books.tenant)
    roles.revoke(books.tenant, role)
    assert rights_of(books.database, role) == 0
    assert books.select("verify") != []


@pytest.mark.parametrize(
    ("arguments", "state", "detail", "hint"),
    [
        ("%(tenant)s, 'nobody'", "DC003", "p_role_name is 'nobody'", "pg_roles"),
        ("%(tenant)s, NULL", "DC003", "p_role_name is NULL", "pg_roles"),
        ("%(tenant)s, 'public'", "DC003", "p_role_name is 'public'", "pg_roles"),
        (
            "%(tenant)s, 'pg_monitor', 'all'",
            "DC001",
            "p_permission is 'all'",
            "view, manage_future, regenerate, correct_history",
        ),
        (
            "'00000000-0000-0000-0000-00000000dead', 'pg_monitor'",
            "DC002",
            "00000000-0000-0000-0000-00000000dead",
            "ops.tenants()",
        ),
    ],
)
def test_what_cannot_be_granted(
    books: Books, arguments: str, state: str, detail: str, hint: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.database.execute(f"CALL ops.grant_permission({arguments})", {"tenant": books.tenant})
    assert raised.value.sqlstate == state
    assert detail in (raised.value.diag.message_detail or "")
    assert hint in (raised.value.diag.message_hint or "")


@pytest.mark.parametrize("procedure", ["grant_permission", "revoke_permission"])
def test_only_the_owner_grants(books: Books, roles: Roles, procedure: str) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role)
    with roles.login(role) as login, pytest.raises(psycopg.Error) as raised:
        login.execute(f"CALL ops.{procedure}(%s, %s)", (books.tenant, role))
    owner = books.database.info.user
    assert raised.value.sqlstate == "42501"
    assert raised.value.diag.message_detail == f"role {role} has not the rights of {owner}"
    assert raised.value.diag.message_hint == (
        f"Connect as {owner} or as a member of it, and call again."
    )


def test_the_hint_of_a_refusal_works(books: Books, roles: Roles) -> None:
    role = roles.make(HOSTILE)
    roles.grant(books.tenant, role, "regenerate")
    with roles.login(role) as login, pytest.raises(psycopg.Error) as raised:
        login.execute("SELECT * FROM ops.verify(%s, %s)", (books.tenant, AS_OF))
    assert raised.value.diag.message_primary == "the permission is missing"
    assert raised.value.diag.message_detail == (
        f"login {role} does not hold {PREFIX}view on tenant {books.tenant}"
    )
    hint = raised.value.diag.message_hint or ""
    books.database.execute(hint.partition("The owner grants it: ")[2].encode())
    assert may_read(roles, role, books.tenant)


def test_a_group_covers_members_that_inherit(books: Books, roles: Roles) -> None:
    group = roles.make("operators", attributes="NOLOGIN")
    inherits = roles.make("inherits", group, attributes="LOGIN INHERIT")
    inner = roles.make("inner", group, attributes="NOLOGIN")
    through = roles.make("through", inner)
    apart = roles.make("apart", group, attributes="LOGIN NOINHERIT")
    stranger = roles.make("stranger")
    roles.grant(books.tenant, group, "view")
    assert may_read(roles, inherits, books.tenant)
    assert may_read(roles, through, books.tenant)
    assert not may_read(roles, stranger, books.tenant)
    assert not may_read(roles, apart, books.tenant)


def test_the_login_counts_not_the_role_that_is_set(books: Books, roles: Roles) -> None:
    group = roles.make("operators", attributes="NOLOGIN")
    apart = roles.make("apart", group, attributes="LOGIN NOINHERIT")
    inherits = roles.make("inherits", group)
    empty = roles.make("empty", attributes="NOLOGIN")
    roles.execute("GRANT {} TO {}", empty, inherits)
    roles.grant(books.tenant, group, "view")
    roles.grant(Books(books.database).tenant, empty, "view")
    assert not may_read(roles, apart, books.tenant, after=f'SET ROLE "{group}"')
    assert may_read(roles, inherits, books.tenant, after=f'SET ROLE "{empty}"')


def test_members_of_the_owner_need_no_permission(books: Books, roles: Roles) -> None:
    member = roles.make("member", books.database.info.user)
    assert may_read(roles, member, books.tenant)


def test_a_role_that_is_renamed(books: Books, roles: Roles) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role, "view")
    renamed = roles.rename(role, "2")
    assert not may_read(roles, renamed, books.tenant)
    roles.grant(books.tenant, renamed, "view")
    assert may_read(roles, renamed, books.tenant)
    roles.revoke(books.tenant, role)
    assert may_read(roles, renamed, books.tenant)


def test_a_role_that_is_dropped_and_made_again(books: Books, roles: Roles, dsn: str) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role, "view")
    roles.drop(role)
    migrate.apply(dsn)
    assert roles.make("operator") == role
    assert not may_read(roles, role, books.tenant)
    migrate.apply(dsn)
    assert rights_of(books.database, role) == 0
    roles.grant(Books(books.database).tenant, role, "view")
    assert not may_read(roles, role, books.tenant)
    call = "CALL ops.grant_permission(%s, %s, 'view')"
    assert books.database.execute(call, (books.tenant, role)).fetchall() == [(1,)]
    assert may_read(roles, role, books.tenant)


def test_applying_opens_what_is_made_again(books: Books, roles: Roles, dsn: str) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role, "view")
    before = rights_of(books.database, role)
    [(signature,)] = books.database.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p WHERE p.proname = 'assess_coverage'"
    )
    books.database.execute(f"DROP FUNCTION {signature}".encode())
    books.database.execute(
        "UPDATE ops.applied_objects SET exact_checksum = '', loose_checksum = ''"
        " WHERE path ~ 'verify.sql|plan_summary'"
    )
    roles.execute("REVOKE USAGE ON SCHEMA billing FROM {}", role)
    migrate.apply(dsn)
    assert may_read(roles, role, books.tenant)
    assert rights_of(books.database, role) == before


def test_applying_again_writes_nothing(books: Books, roles: Roles, dsn: str) -> None:
    roles.grant(books.tenant, roles.make("operator"))
    versions = "SELECT p.oid, p.xmin::text FROM pg_proc AS p ORDER BY p.oid"
    before = books.database.execute(versions).fetchall()
    migrate.apply(dsn)
    assert books.database.execute(versions).fetchall() == before


def test_what_asks_no_longer_is_closed(books: Books, roles: Roles, dsn: str) -> None:
    role = roles.make("operator")
    roles.grant(books.tenant, role)
    routine = "ops.run_outcome(bigint, bigint)"
    may = f"SELECT has_function_privilege('{role}', '{routine}', 'EXECUTE')"
    assert books.database.execute(may).fetchall() == [(True,)]
    books.database.execute(f"ALTER FUNCTION {routine} SECURITY DEFINER".encode())
    roles.grant(books.tenant, role)
    assert books.database.execute(may).fetchall() == [(False,)]
    migrate.apply(dsn)
    assert books.database.execute(may).fetchall() == [(True,)]


def test_what_is_not_of_the_package_stays_as_it_is(books: Books, roles: Roles, dsn: str) -> None:
    role = roles.make("operator")
    books.database.execute(
        "CREATE FUNCTION billing.own() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'"
    )
    roles.execute("GRANT EXECUTE ON FUNCTION billing.own() TO {}", role)
    roles.grant(books.tenant, role)
    roles.revoke(books.tenant, role)
    acl = "SELECT proacl::text FROM pg_proc WHERE proname = 'own'"
    [(granted,)] = books.database.execute(acl)
    assert re.search(rf"{role}=X", granted)
