"""Repeatable objects: changed, removed, replaced by others, changed by hand."""

from typing import Any

import psycopg
import pytest
from psycopg import errors

from duecourse import __version__
from duecourse.errors import DuecourseError
from duecourse.objects import ObjectFile, State
from tests.apply.conftest import Package
from tests.conftest import Database


def function(name: str, arguments: str = "", returns: str = "integer", body: str = "1") -> str:
    """Return the text of a function that returns an expression."""
    return (
        f"-- Returns a value.\nCREATE OR REPLACE FUNCTION {{{{ billing }}}}.{name}({arguments})"
        f" RETURNS {returns} LANGUAGE sql AS $$ SELECT {body} $$;\n"
        f"REVOKE ALL ON FUNCTION {{{{ billing }}}}.{name} FROM PUBLIC;\n"
    )


def view(name: str, query: str) -> str:
    """Return the text of a view."""
    return f"-- Shows a value.\nCREATE OR REPLACE VIEW {{{{ billing }}}}.{name} AS {query};\n"


def signatures(database: Database) -> list[str]:
    """Return the routines of the schema with their arguments."""
    rows = database.execute(
        "SELECT p.oid::regprocedure::text FROM pg_proc AS p"
        " WHERE p.pronamespace = 'billing'::regnamespace ORDER BY 1"
    )
    return [signature for (signature,) in rows]


def test_new_and_unchanged(package: Package, empty_database: Database) -> None:
    package.write(ops__f=function("f"))
    assert package.states() == {"f": State.NEW}
    assert package.apply() == {"f": State.NEW}
    assert package.apply() == {}
    assert package.states() == {"f": State.APPLIED}
    [row] = empty_database.execute(
        "SELECT path, exact_checksum, loose_checksum, package_version, applied_by"
        " FROM ops.applied_objects"
    )
    file = ObjectFile("sql/ops/f.sql.j2", function("f").replace("{{ billing }}", "billing"))
    assert row == (
        file.path,
        file.exact_checksum,
        file.loose_checksum,
        __version__,
        empty_database.info.user,
    )


def test_changed(package: Package, empty_database: Database) -> None:
    package.write(ops__f=function("f"), ops__g=function("g"))
    package.apply()
    package.write(ops__f=function("f", body="2"))
    assert package.states() == {"f": State.CHANGED, "g": State.APPLIED}
    assert package.apply() == {"f": State.CHANGED}
    assert empty_database.execute("SELECT billing.f()").fetchone() == (2,)


def test_reworded(package: Package, empty_database: Database) -> None:
    package.write(ops__f=function("f"))
    package.apply()
    package.write(ops__f=function("f", body="/* now with a comment */ 1 -- and another\n"))
    assert package.apply() == {"f": State.REWORDED}
    [(body,)] = empty_database.execute("SELECT prosrc FROM pg_proc WHERE proname = 'f'")
    assert "and another" in body


def test_the_old_signature_goes(package: Package, empty_database: Database) -> None:
    package.write(ops__f=function("f", "p_a integer"))
    package.apply()
    package.write(ops__f=function("f", "p_a integer, p_b integer DEFAULT 1"))
    package.apply()
    assert signatures(empty_database) == ["billing.f(integer,integer)"]
    assert empty_database.execute("SELECT billing.f(1)").fetchone() == (1,)


def test_the_old_signature_goes_from_under_a_view(
    package: Package, empty_database: Database
) -> None:
    package.write(ops__f=function("f", "p_a integer"), plan__v=view("v", "SELECT billing.f(1)"))
    package.apply()
    package.write(ops__f=function("f", "p_a bigint", body="2"))
    assert package.apply() == {"f": State.CHANGED}
    assert signatures(empty_database) == ["billing.f(bigint)"]
    assert empty_database.execute("SELECT * FROM billing.v").fetchone() == (2,)
    assert package.states() == {"f": State.APPLIED, "v": State.APPLIED}


@pytest.mark.parametrize(
    "changed",
    [
        function("f", "p_a integer", returns="text", body="'x'"),
        function("f", "p_renamed integer"),
        function("f", "p_a integer").replace("RETURNS integer", "RETURNS TABLE (n integer)"),
        "CREATE PROCEDURE {{ billing }}.f(p_a integer) LANGUAGE sql AS $$ SELECT 1 $$;\n",
    ],
    ids=["return type", "parameter name", "result columns", "a procedure now"],
)
def test_what_cannot_be_replaced_is_dropped_first(
    package: Package, empty_database: Database, changed: str
) -> None:
    package.write(ops__f=function("f", "p_a integer"))
    package.apply()
    package.write(ops__f=changed)
    assert package.apply() == {"f": State.CHANGED}
    assert package.states() == {"f": State.APPLIED}
    assert signatures(empty_database) == ["billing.f(integer)"]


def test_a_view_loses_a_column(package: Package, empty_database: Database) -> None:
    package.write(
        ops__v=view("v", "SELECT 1 AS a, 2 AS b"), plan__w=view("w", "SELECT a FROM billing.v")
    )
    package.apply()
    package.write(ops__v=view("v", "SELECT 3 AS a"))
    assert package.apply() == {"v": State.CHANGED}
    assert empty_database.execute("SELECT * FROM billing.w").fetchone() == (3,)
    assert package.states() == {"v": State.APPLIED, "w": State.APPLIED}


def test_a_type_gets_a_column(package: Package, empty_database: Database) -> None:
    text = "-- A pair.\nCREATE TYPE {{ billing }}.pair AS (a integer);\n"
    package.write(
        types__pair=text,
        ops__f=function("f", returns="billing.pair", body="row(1)::billing.pair"),
        ops__g=function("g", "p_pairs billing.pair[]"),
    )
    package.apply()
    package.write(
        types__pair=text.replace("(a integer)", "(a integer, b integer)"),
        ops__f=function("f", returns="billing.pair", body="row(1, 2)::billing.pair"),
    )
    assert package.apply() == {"pair": State.CHANGED, "f": State.CHANGED}
    assert empty_database.execute("SELECT (billing.f()).b").fetchone() == (2,)
    assert signatures(empty_database) == ["billing.f()", "billing.g(billing.pair[])"]
    assert set(package.states().values()) == {State.APPLIED}


def test_a_removed_file(package: Package, empty_database: Database) -> None:
    package.write(ops__f=function("f"), plan__v=view("v", "SELECT billing.f()"))
    package.apply()
    package.remove("plan", "v")
    package.remove("ops", "f")
    package.write(ops__g=function("g"))
    assert package.states() == {"g": State.NEW, "f": State.REMOVED, "v": State.REMOVED}
    package.apply()
    assert signatures(empty_database) == ["billing.g()"]
    assert package.states() == {"g": State.APPLIED}


def test_a_renamed_file(package: Package, empty_database: Database) -> None:
    package.write(ops__old=function("f"))
    package.apply()
    package.remove("ops", "old")
    package.write(plan__new=function("f"))
    package.apply()
    assert signatures(empty_database) == ["billing.f()"]
    assert package.states() == {"new": State.APPLIED}


@pytest.mark.parametrize("target", ["types", "plan"])
def test_an_object_moves_to_another_file(
    package: Package, empty_database: Database, target: str
) -> None:
    package.write(ops__f=function("f") + function("_helper"))
    package.apply()
    package.write(ops__f=function("f"), **{f"{target}___helper": function("_helper", body="2")})
    package.apply()
    assert signatures(empty_database) == ["billing._helper()", "billing.f()"]
    assert package.states() == {"f": State.APPLIED, "_helper": State.APPLIED}


def test_grants_survive(package: Package, empty_database: Database) -> None:
    role = f"reader_of_{empty_database.info.dbname}"
    package.write(ops__f=function("f"), plan__v=view("v", "SELECT billing.f()"))
    package.apply()
    empty_database.execute(f'CREATE ROLE "{role}"')
    try:
        empty_database.execute(f'GRANT EXECUTE ON FUNCTION billing.f TO "{role}"')
        empty_database.execute(f'GRANT SELECT ON billing.v TO "{role}" WITH GRANT OPTION')
        package.write(ops__f=function("f", "p_a integer DEFAULT 1"))
        package.apply()
        assert empty_database.execute(
            "SELECT has_function_privilege(%(role)s, 'billing.f(integer)', 'EXECUTE'),"
            " has_table_privilege(%(role)s, 'billing.v', 'SELECT WITH GRANT OPTION')",
            {"role": role},
        ).fetchone() == (True, True)
    finally:
        empty_database.execute(f'DROP OWNED BY "{role}"')
        empty_database.execute(f'DROP ROLE "{role}"')


def test_what_others_built_on_an_object_is_kept(package: Package, empty_database: Database) -> None:
    package.write(ops__f=function("f"), ops__g=function("g"))
    package.apply()
    empty_database.execute("CREATE VIEW public.theirs AS SELECT billing.f()")
    package.write(ops__f=function("f", "p_a integer"), ops__g=function("g", body="2"))
    with pytest.raises(errors.DependentObjectsStillExist) as caught:
        package.apply()
    assert caught.value.diag.message_detail == "view public.theirs depends on function billing.f()"
    assert signatures(empty_database) == ["billing.f()", "billing.g()"]
    assert empty_database.execute("SELECT billing.g()").fetchone() == (1,)
    assert package.states() == {"f": State.CHANGED, "g": State.CHANGED}


def test_an_error_names_the_migration(package: Package, empty_database: Database) -> None:
    package.write_migration("0002.broken", "SELECT 1; SELECT nothing;")
    with pytest.raises(errors.UndefinedColumn) as caught:
        package.apply()
    assert caught.value.__notes__ == ["migration 0002.broken"]
    rows = empty_database.execute("SELECT migration_id FROM ops._yoyo_migration").fetchall()
    assert rows == [("0001.ops",)]
    assert empty_database.execute("SELECT count(*) FROM ops.yoyo_lock").fetchone() == (0,)


def test_a_migration_that_cannot_be_read(package: Package) -> None:
    package.write_migration("0002.broken", "SELECT {{ unknown }};")
    with pytest.raises(DuecourseError, match=r"cannot render migrations/0002\.broken"):
        package.apply()


def test_an_error_names_the_file(package: Package, empty_database: Database) -> None:
    package.write(ops__f="-- Broken.\n\nCREATE FUNCTON nothing;\n")
    with pytest.raises(psycopg.Error) as caught:
        package.apply()
    assert caught.value.__notes__ == ["sql/ops/f.sql.j2, line 3 as rendered"]
    assert empty_database.execute("SELECT count(*) FROM ops.applied_objects").fetchone() == (0,)


TRIGGER = """-- Guards the record.
CREATE OR REPLACE FUNCTION {{ ops }}.guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN RETURN NEW; END $$;
CREATE OR REPLACE TRIGGER guard BEFORE DELETE ON {{ ops }}.applied_objects
FOR EACH ROW EXECUTE FUNCTION {{ ops }}.guard();
"""


@pytest.mark.parametrize(
    ("drift", "found"),
    [
        (
            "CREATE OR REPLACE FUNCTION billing.f() RETURNS integer LANGUAGE sql AS 'SELECT 9'",
            "function billing.f()",
        ),
        ("ALTER FUNCTION billing.f() SECURITY DEFINER", "function billing.f()"),
        ("ALTER FUNCTION billing.f() SET work_mem = '1MB'", "function billing.f()"),
        ("DROP FUNCTION billing.f()", "function billing.f()"),
        ("ALTER FUNCTION billing.f() RENAME TO g", "function billing.f()"),
        ("CREATE OR REPLACE VIEW billing.v AS SELECT 9 AS a", "view billing.v"),
        ("DROP VIEW billing.v", "view billing.v"),
        ("ALTER VIEW billing.v SET (security_barrier = true)", "view billing.v"),
        ("COMMENT ON VIEW billing.v IS 'mine'", "view billing.v"),
        (
            "ALTER TABLE ops.applied_objects DISABLE TRIGGER guard",
            "trigger guard on ops.applied_objects",
        ),
        ("DROP TRIGGER guard ON ops.applied_objects", "trigger guard on ops.applied_objects"),
        ("ALTER TYPE billing.pair ADD ATTRIBUTE b integer", "type billing.pair"),
    ],
)
def test_drift_is_seen_and_repaired(
    package: Package, empty_database: Database, drift: str, found: str
) -> None:
    package.write(
        types__pair="-- A pair.\nCREATE TYPE {{ billing }}.pair AS (a integer);\n",
        ops__f=function("f"),
        ops__guard=TRIGGER,
        plan__v=view("v", "SELECT 1 AS a") + "COMMENT ON VIEW {{ billing }}.v IS 'ours';\n",
    )
    package.apply()
    before = catalog(empty_database)
    empty_database.execute(drift.encode())
    [drifted] = [item for item in package.status() if item.state is State.DRIFTED]
    assert drifted.drift == [found]
    assert set(package.apply().values()) == {State.DRIFTED}
    assert set(package.states().values()) == {State.APPLIED}
    assert catalog(empty_database) == before


def catalog(database: Database) -> list[tuple[Any, ...]]:
    """Return what is recorded of the catalog."""
    return database.execute("SELECT * FROM ops.applied_catalog ORDER BY identity, place").fetchall()


@pytest.mark.parametrize(
    "other",
    [
        "SELECT  1,\n\t'a  b'",
        "SELECT 1 , -- one\n 'a  b'",
        "/* note */ SELECT 1,'a  b'",
    ],
)
def test_the_loose_checksum_is_blind_to_comments_and_white_space(other: str) -> None:
    text = "SELECT 1, 'a  b'"
    assert ObjectFile("f", other).loose_checksum == ObjectFile("f", text).loose_checksum
    assert ObjectFile("f", other).exact_checksum != ObjectFile("f", text).exact_checksum


@pytest.mark.parametrize(
    "other",
    ["SELECT 1, 'a b'", "SELECT 1, 'a  b' -- x\n, 2", 'SELECT 1, "a  b"', "SELECT 1, 'a  b --'"],
)
def test_the_loose_checksum_sees_the_rest(other: str) -> None:
    assert (
        ObjectFile("f", other).loose_checksum != ObjectFile("f", "SELECT 1, 'a  b'").loose_checksum
    )
