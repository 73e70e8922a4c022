"""verify: every check in its order, each well formed and content with good books."""

import re

import psycopg
import pytest

from duecourse import locate
from duecourse.objects import checks, declared
from duecourse.render import render
from tests.permissions.roles import roles_of
from tests.service_periods.books import AS_OF, select
from tests.verify.scene import CHECKS, Scene


def test_every_check_has_a_number_and_a_name_of_its_own() -> None:
    files = [file.name for file in sorted(locate.folder("verify").glob("[0-9]*"))]
    assert all(re.fullmatch(r"\d{4}_[a-z_]+\.sql\.j2", name) for name in files)
    assert len({name[:4] for name in files}) == len(set(CHECKS)) == len(files)


@pytest.mark.parametrize("check", CHECKS)
def test_good_books_have_no_findings(scene: Scene, check: str) -> None:
    assert scene.find(check) == []


@pytest.mark.parametrize("check", CHECKS)
def test_an_unknown_tenant_is_refused(scene: Scene, check: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        scene.database.execute(
            f"SELECT * FROM {checks()[check]}.check_{check}(%s, %s)", (scene.profile, AS_OF)
        )
    assert raised.value.sqlstate == "DC002"


def test_verify_reads_every_check_in_order(scene: Scene) -> None:
    of_database = [check.name for check in declared() if check.of_database]
    asked = {
        schema: re.findall(r"\.check_(\w+)\(", text)
        for schema, text in re.findall(
            r"FUNCTION (\w+)\.verify\(.*?\$\$(.*?)\$\$", render("verify/verify.sql.j2"), re.DOTALL
        )
    }
    assert asked == {
        ledger: [
            name
            for of_all in (of_database, CHECKS)
            for name in of_all
            if ledger in ("ops", checks()[name])
        ]
        for ledger in asked
    }
    assert scene.select("verify") == []
    scene.delete(scene.last_row())
    assert scene.select("verify") == [
        scene.find_one(check, scene.the_line.schedule_key) for check in ("pending_plan", "coverage")
    ]


def test_verify_without_a_tenant_is_of_the_database(scene: Scene) -> None:
    scene.delete(scene.last_row())
    assert scene.select("verify", tenant=None) == []
    scene.line()
    scene.call(run_key="cut", batch_size=1, max_batches=1)
    scene.database.execute("GRANT DELETE ON ledger.charges TO PUBLIC")
    found = scene.select("verify", tenant=None)
    scene.database.execute("REVOKE DELETE ON ledger.charges FROM PUBLIC")
    assert [(row["check_name"], row["object_key"]) for row in found] == [
        ("unfinished_run", "backfill_service_periods:cut"),
        ("permission_excess", "PUBLIC"),
    ]


@pytest.mark.parametrize("check", CHECKS)
def test_what_is_of_a_tenant_wants_one(scene: Scene, check: str) -> None:
    of_database = check in {each.name for each in declared() if each.of_database}
    if of_database:
        assert scene.select(f"check_{check}", tenant=None) is not None
    with pytest.raises(psycopg.Error) as raised:
        scene.select(f"check_{check}", tenant=None, as_of=None if of_database else AS_OF)
    what = "p_as_of" if of_database else "p_tenant"
    assert (raised.value.sqlstate, raised.value.diag.message_detail) == ("DC001", f"{what} is null")


def test_of_the_database_one_sees_what_one_may(scene: Scene) -> None:
    """Runs and roles of the tenants on which the login may view; else nothing."""
    other = Scene(scene.database)
    for books in (scene, other):
        books.line()
        books.call(run_key=f"of {books.tenant}", batch_size=1, max_batches=1)
    with roles_of(scene.database) as roles:
        viewer, stranger = roles.make("viewer"), roles.make("stranger")
        roles.grant(other.tenant, viewer, "view")
        roles.grant(scene.tenant, stranger, "regenerate")
        with roles.login(viewer) as login:
            found = select(login, "verify", {"tenant": None, "as_of": AS_OF})
        assert [row["object_key"] for row in found] == [
            f"backfill_service_periods:of {other.tenant}"
        ]
        with roles.login(stranger) as login, pytest.raises(psycopg.Error) as raised:
            select(login, "verify", {"tenant": None, "as_of": AS_OF})
        assert raised.value.sqlstate == "42501"


def test_a_check_is_declared_by_its_file() -> None:
    assert {check.name for check in declared() if check.of_database} == {
        "ledger_guard", "catalog_drift", "unfinished_run", "permission_excess", "charge_guard",
    }  # fmt: skip
    [quarantine] = [check for check in declared() if check.name == "quarantine"]
    assert (quarantine.severity, quarantine.schema, quarantine.of_database) == (
        "error", "billing", False,
    )  # fmt: skip
    assert {check.severity for check in declared()} == {"error", "warning", "error or warning"}
