"""Who may call what: every routine of the catalog that operators may execute, with real logins."""

import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Database
from tests.permissions.roles import Roles
from tests.permissions.routines import CALLERS, PERMISSIONS, Routine, routines_for
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


def test_every_procedure_has_its_callers(scene: Scene) -> None:
    public = {r.name for r in scene.routines if r.is_procedure and not r.name.startswith("_")}
    assert public <= CALLERS.keys() <= {r.name for r in scene.routines}


@pytest.mark.parametrize("permission", PERMISSIONS)
def test_allowed_or_refused(scene: Scene, permission: str) -> None:
    login = scene.logins[permission]
    for routine in scene.routines:
        if routine.name.startswith("_"):
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
    """What is open to operators with the rights of the owner is tried here, but for two."""
    rows = shared_database.execute(
        "SELECT p.proname FROM pg_proc AS p WHERE p.prosecdef"
        " AND p.pronamespace IN ('billing'::regnamespace, 'ops'::regnamespace)"
        " AND has_function_privilege(%s, p.oid, 'EXECUTE')",
        (scene.logins["view"].info.user,),
    )
    tried = {routine.name for routine in scene.routines}
    assert {name for (name,) in rows} - tried == {"all_tenants", "assert_permission"}
    for login in scene.logins.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            login.execute("SELECT billing.all_tenants('no such permission')")


def test_what_is_closed_to_operators(shared_database: Database, scene: Scene) -> None:
    """Whatever works with the owner's rights and asks for no permission cannot be called."""
    role = scene.logins["view"].info.user
    rows = shared_database.execute(
        "SELECT p.proname, has_function_privilege(%s, p.oid, 'EXECUTE'),"
        " p.prosecdef AND p.prosrc !~ 'assert_permission[(]' OR p.prorettype = 'trigger'::regtype"
        " FROM pg_proc AS p WHERE p.pronamespace IN ('billing'::regnamespace, 'ops'::regnamespace)"
        " AND p.proname <> 'assert_permission'",
        (role,),
    ).fetchall()
    assert [name for name, is_open, is_owners in rows if is_open == is_owners] == []
    closed = {name for name, is_open, _ in rows if not is_open}
    assert closed >= {"import_books", "has_permission", "mark_ledger_write", "guard_insert"}


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
        " WHERE p.pronamespace IN ('billing'::regnamespace, 'ledger'::regnamespace,"
        " 'ops'::regnamespace)"
    )
    said = {
        name: set(re.findall("|".join(PERMISSIONS), needs))
        for name, needs in rows
        if needs not in (None, "nothing", "the owner")
    }
    assert said == {name: CALLERS.get(name, {"view"}) for name in said}
    invoices = {"delete_invoice", "reverse_invoice", "repair_invoice_linkage"}
    assert said.keys() >= invoices | {"advance_billing_cycles", "attest_cutover_step"}
