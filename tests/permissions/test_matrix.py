"""Who may call what: every routine of the catalog that operators may execute, with real logins."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Database
from tests.permissions.roles import Roles
from tests.permissions.routines import PERMISSIONS, Routine, asked_in, needs_of, routines_for
from tests.service_periods.books import Books

MISSING = "42501"


@dataclass
class Scene:
    """Two tenants, and a login a permission, which it holds on the first alone."""

    own: UUID
    other: UUID
    logins: dict[str, Database]
    routines: list[Routine]


@pytest.fixture(scope="module")
def scene(shared_database: Database, shared_roles: Roles) -> Iterator[Scene]:
    own, other = Books(shared_database), Books(shared_database)
    for books in (own, other):
        books.line()
        books.call()
    with ExitStack() as stack:
        logins = {}
        for permission in PERMISSIONS:
            role = shared_roles.make(permission)
            shared_roles.grant(own.tenant, role, permission)
            logins[permission] = stack.enter_context(shared_roles.login(role))
        yield Scene(own.tenant, other.tenant, logins, routines_for(shared_database, role))


def assert_refused(error: psycopg.Error | None, login: Database, what: str) -> None:
    """Assert that who was refused is told what is missing, and who can help."""
    assert error is not None, what
    assert error.sqlstate == MISSING, (what, error)
    assert login.info.user in (error.diag.message_detail or ""), what
    assert error.diag.message_hint, what


def test_what_a_body_asks_is_what_is_declared(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT p.proname, p.prosrc FROM pg_proc AS p"
        " WHERE p.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops') AND p.prosecdef"
    )
    declared = needs_of(shared_database)
    asked = {name: asked_in(body) for name, body in rows if "assert_permission(" in body}
    assert asked == {name: needed for name, needed in declared.items() if name in asked}


def test_what_is_declared(shared_database: Database) -> None:
    """Every CALL is, and nothing that the package has not."""
    rows = shared_database.execute(
        "SELECT p.proname, p.prokind = 'p' AND p.proname !~ '^_', n.nspname || '.' || p.proname"
        " FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace"
        " WHERE n.nspname IN ('billing', 'ledger', 'ops')"
    ).fetchall()
    declared = shared_database.execute(
        "SELECT d.routine_schema || '.' || d.routine_name FROM ops.routine_permissions() AS d"
    )
    assert {name for (name,) in declared} <= {name for _, _, name in rows}
    assert {name for name, is_call, _ in rows if is_call} <= needs_of(shared_database).keys()


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_allowed_or_refused(scene: Scene, permission: str) -> None:
    login = scene.logins[permission]
    for routine in scene.routines:
        if routine.callers is None:
            continue
        error = routine.attempt(login, scene.own)
        if permission in routine.callers:
            assert error is None or error.sqlstate != MISSING, (routine.name, error)
        else:
            assert_refused(error, login, routine.name)


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_nothing_is_told_of_another_tenant(scene: Scene, permission: str) -> None:
    login = scene.logins[permission]
    nobody = UUID(int=1)
    for routine in scene.routines:
        texts = []
        for tenant in (scene.other, nobody):
            error = routine.attempt(login, tenant)
            assert_refused(error, login, routine.name)
            texts.append(str(error).replace(str(tenant), "tenant"))
        assert texts[0] == texts[1], routine.name


def test_whoever_asks_is_asked_for_a_tenant(shared_database: Database, scene: Scene) -> None:
    """What is open to operators with the rights of the owner is tried here, but for these."""
    rows = shared_database.execute(
        "SELECT p.proname FROM pg_proc AS p WHERE p.prosecdef"
        " AND p.pronamespace IN ('billing'::regnamespace, 'ops'::regnamespace)"
        " AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        (scene.logins["view"].info.user,),
    )
    tried = {routine.name for routine in scene.routines}
    asking = {"all_tenants", "assert_permission", "find_tenants", "tenants"}
    assert {name for (name,) in rows} - tried == asking
    for login in scene.logins.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("SELECT ops.all_tenants('no such permission')")


def test_what_is_closed_to_operators(shared_database: Database, scene: Scene) -> None:
    """Whatever works with the owner's rights and is not declared cannot be called."""
    role = scene.logins["view"].info.user
    rows = shared_database.execute(
        "SELECT p.proname, has_function_privilege(%s, p.oid, 'EXECUTE'), p.prosecdef,"
        " p.prorettype = 'trigger'::regtype FROM pg_proc AS p"
        " WHERE p.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops')",
        (role,),
    ).fetchall()
    declared = {name for name, needed in needs_of(shared_database).items() if needed != set()}
    closed = {name for name, is_open, _, _ in rows if not is_open}
    assert closed == {
        name
        for name, _, is_owners, is_trigger in rows
        if is_trigger or (is_owners and name not in declared)
    }
    assert closed >= {"import_books", "has_permission", "mark_ledger_write", "guard_insert"}


def test_a_comment_opens_nothing(database: Database, roles: Roles) -> None:
    role = roles.make("viewer")
    may = f"SELECT has_function_privilege('{role}', p.oid, 'EXECUTE') FROM pg_proc AS p"
    may += " WHERE p.proname = '_write_batch'"
    [(definition,)] = database.execute(
        "SELECT pg_get_functiondef(p.oid) FROM pg_proc AS p WHERE p.proname = '_write_batch'"
    )
    comment = "    -- The caller has asked ops.assert_permission(p_tenant, 'view').\n"
    commented = definition.replace("\nBEGIN\n", f"\nBEGIN\n{comment}")
    assert commented != definition
    database.execute(commented.encode())
    roles.grant(Books(database).tenant, role, "view")
    assert database.execute(may.encode()).fetchall() == [(False,)]


def test_no_right_on_any_table(shared_database: Database, scene: Scene) -> None:
    tables = shared_database.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind IN ('r', 'p', 'v', 'S')"
        " AND c.relnamespace IN ('billing'::regnamespace, 'ops'::regnamespace)"
    ).fetchall()
    assert len(tables) > 20
    for login in scene.logins.values():
        for (table,) in tables:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                login.execute(f"SELECT FROM {table}".encode())
            assert login.execute(
                "SELECT has_table_privilege(%s, 'INSERT, UPDATE, DELETE, TRUNCATE, REFERENCES')",
                (table,),
            ).fetchall() == [(False,)]


def test_what_a_comment_says_is_needed(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT p.proname, substring(obj_description(p.oid, 'pg_proc') FROM 'Needs: ([^.]*)[.]')"
        " FROM pg_proc AS p"
        " WHERE p.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops')"
    )
    said = {name: needs for name, needs in rows if needs not in (None, "nothing")}
    assert said == {
        name: _in_words(needed)
        for name, needed in needs_of(shared_database).items()
        if needed is not None and not name.startswith("_")
    }


def _in_words(needed: set[str]) -> str:
    if not needed:
        return "the owner"
    names = [permission for permission in PERMISSIONS if permission in needed]
    return names[0] if len(names) == 1 else f"any of {', '.join(names)}"
