"""The reference is what the database and the command line say; it invents nothing."""

import re

import pytest

from tests.conftest import ROOT, Database
from tests.examples.check_pages import FOLDER, check_pages
from tests.examples.reference import REFERENCE, routines

DELETE = "billing.delete_invoice(uuid, uuid, text, text, bigint)"


@pytest.mark.parametrize("name", REFERENCE)
def test_a_page_is_as_the_database_says(name: str, shared_dsn: str) -> None:
    assert (ROOT / name).read_text(encoding="utf-8") == REFERENCE[name](shared_dsn)


def test_nothing_else_is_in_the_reference() -> None:
    found = {str(path.relative_to(ROOT)) for path in (ROOT / "docs" / "reference").iterdir()}
    assert found == {*REFERENCE, FOLDER, "docs/reference/verify.schema.json"}


def test_a_page_a_check_with_the_example_of_its_proof(shared_dsn: str) -> None:
    pages = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
        for path in (ROOT / FOLDER).iterdir()
    }
    assert pages == check_pages(shared_dsn)


def test_what_it_needs_is_what_is_declared(shared_dsn: str, shared_database: Database) -> None:
    rows = re.findall(r"^\| \[`(\w+)`\].* \| ([^|]*) \|$", routines(shared_dsn), re.MULTILINE)
    told = dict(rows)
    declared = shared_database.execute(
        "SELECT routine_name, permissions FROM ops.routine_permissions()"
        " WHERE permissions IS NOT NULL AND routine_name !~ '^(_|check_)'"
    ).fetchall()
    for routine, permissions in declared:
        match permissions:
            case []:
                assert told[routine] == "the owner"
            case [one]:
                assert told[routine] == one
            case several:
                assert told[routine] == f"any of {', '.join(several)}"


@pytest.mark.parametrize("comment", ["Commits: no. Locks: none. Idempotent.", "Idempotent: yes."])
def test_a_procedure_that_does_not_say_it(dsn: str, database: Database, comment: str) -> None:
    database.execute(f"COMMENT ON PROCEDURE {DELETE} IS '{comment}'".encode())
    with pytest.raises(LookupError, match=r"billing\.delete_invoice does not say"):
        routines(dsn)
