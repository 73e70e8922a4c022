"""The script for psql against apply: the same catalog, the same records; and what it refuses."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from duecourse.bundle import bundle, undo
from duecourse.database import connect
from duecourse.errors import DuecourseError
from duecourse.frozen import names
from duecourse.migrate import apply
from duecourse.objects import State
from duecourse.postgres import binaries
from duecourse.registry import APPLY_LOCK
from tests.apply.conftest import Dump, Package
from tests.apply.test_repeating import assert_applied
from tests.conftest import Database

#: What is recorded of an apply, but for the times and the lines of the log.
RECORDS = (
    "SELECT path, exact_checksum, loose_checksum, package_version, applied_by"
    " FROM ops.applied_objects ORDER BY 1",
    "SELECT migration_id, checksum, text, package_checksum, package_version, applied_by"
    " FROM ops.applied_migrations ORDER BY 1",
    "SELECT * FROM ops.applied_catalog ORDER BY identity, place",
    "SELECT migration_hash, migration_id FROM ops._yoyo_migration ORDER BY applied_at_utc",
    "SELECT version FROM ops._yoyo_version",
    "SELECT DISTINCT migration_hash, migration_id, operation FROM ops._yoyo_log ORDER BY 2",
    "SELECT pid FROM ops.yoyo_lock",
)


def script(dsn: str) -> str:
    """Return the script that is pending on a database."""
    with connect(dsn) as connection:
        return bundle(connection)


def run(dsn: str, text: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run a script by psql."""
    return subprocess.run(
        [binaries() / "psql", "-X", "-d", dsn, *arguments, "-f", "-"],
        input=text,
        capture_output=True,
        check=False,
        text=True,
    )


def records(dsn: str) -> list[list[tuple[Any, ...]]]:
    """Return what is recorded in a database."""
    with psycopg.connect(dsn) as connection:
        return [connection.execute(question.encode()).fetchall() for question in RECORDS]


@contextmanager
def copied(dsn: str) -> Iterator[str]:
    """Yield a database that is a copy of another, in which nobody is."""
    name = conninfo_to_dict(dsn)["dbname"]
    copy = f"{name}_copy"
    with psycopg.connect(make_conninfo(dsn, dbname="postgres"), autocommit=True) as connection:
        names = {"copy": sql.Identifier(copy), "name": sql.Identifier(str(name))}
        connection.execute(sql.SQL("CREATE DATABASE {copy} TEMPLATE {name}").format(**names))
        try:
            yield make_conninfo(dsn, dbname=copy)
        finally:
            connection.execute(sql.SQL("DROP DATABASE {copy} WITH (FORCE)").format(**names))


def test_fresh_interrupted_and_finished(empty_dsn: str, dsn: str, dump: Dump) -> None:
    """Killed between two migrations, it is finished by apply, and by a script made anew."""
    text = script(empty_dsn)
    begin, middle, _ = text.partition("-- ==== migrations/0008.")
    assert middle
    with subprocess.Popen(
        [binaries() / "psql", "-X", "-d", empty_dsn], stdin=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        process.stdin.write(f"{begin}\\! echo\nSELECT pg_sleep(60);\n")
        process.stdin.flush()
        wait_for(empty_dsn, "SELECT count(*) = 7 FROM ops._yoyo_migration")
        process.kill()
    with psycopg.connect(empty_dsn, autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
    with copied(empty_dsn) as copy:
        done = run(copy, script(copy))
        assert (done.returncode, done.stderr) == (0, "")
        lines = done.stdout.splitlines()
        assert [line.split()[0] for line in lines[:-2]] == names()[7:]
        assert " objects in one transaction " in lines[-2]
        assert lines[-1] == "  status would say: all is applied"
        assert_applied(copy)
        assert dump(copy) == dump(dsn)
        assert records(copy) == records(dsn)
    apply(empty_dsn)
    assert_applied(empty_dsn)
    assert dump(empty_dsn) == dump(dsn)
    assert records(empty_dsn) == records(dsn)


def wait_for(dsn: str, question: str) -> None:
    """Wait until a question is answered with yes."""
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(600):
            try:
                if connection.execute(question.encode()).fetchone() == (True,):
                    return
            except psycopg.errors.UndefinedTable:
                pass
            connection.execute("SELECT pg_sleep(0.05)")
    raise AssertionError(question)


def test_pending_is_what_apply_makes(package: Package, dump: Dump, dsn: str) -> None:
    package.write(
        ops__a="-- A.\nCREATE OR REPLACE VIEW {{ ops }}.a AS SELECT 1 AS x;\n",
        ops__b="-- B.\nCREATE OR REPLACE VIEW {{ ops }}.b AS SELECT x FROM {{ ops }}.a;\n",
        ops__c="-- C.\nCREATE OR REPLACE VIEW {{ ops }}.c AS SELECT x FROM {{ ops }}.b;\n",
        ops__f="-- F.\nCREATE OR REPLACE FUNCTION {{ ops }}.f() RETURNS integer LANGUAGE sql\n"
        "AS $$ SELECT 1 $$;\n",
        ops__g="-- G.\nCREATE OR REPLACE FUNCTION {{ ops }}.g() RETURNS text LANGUAGE sql\n"
        "AS $file$ SELECT 'a' $file$;\nCOMMENT ON FUNCTION {{ ops }}.g IS 'G.';\n",
        ops__h="-- H.\nCREATE OR REPLACE FUNCTION {{ ops }}.h() RETURNS text LANGUAGE sql\n"
        "AS $$ SELECT 'h' $$;\n",
        ops__i="-- I.\nCREATE OR REPLACE FUNCTION {{ ops }}.i() RETURNS text LANGUAGE sql\n"
        "AS $$ SELECT 'i' $$;\n",
    )
    package.apply()
    with psycopg.connect(package.dsn, autocommit=True) as connection:
        connection.execute(
            "GRANT SELECT ON ops.b TO pg_monitor WITH GRANT OPTION;"
            "GRANT SELECT ON ops.a TO PUBLIC; ALTER FUNCTION ops.i() COST 7;"
            "ALTER TABLE ops.runs ADD mine text"
        )
    package.write_migration(
        "0002.more",
        "-- More.\nCREATE TABLE IF NOT EXISTS {{ ops }}.more (x integer PRIMARY KEY);\n"
        "ALTER TABLE {{ ops }}.runs ADD COLUMN IF NOT EXISTS more text DEFAULT 'a%b';\n"
        "COMMENT ON TABLE {{ ops }}.applied_objects IS 'otherwise';\n",
    )
    package.write(
        ops__a="-- A.\nCREATE OR REPLACE VIEW {{ ops }}.a AS SELECT 1::int8 AS x;\n",
        ops__f="-- F.\nCREATE OR REPLACE FUNCTION {{ ops }}.f(p_x integer) RETURNS text\n"
        "LANGUAGE sql AS $$ SELECT 'f' $$;\n",
        ops__g="-- G, reworded.\nCREATE OR REPLACE FUNCTION {{ ops }}.g() RETURNS text\n"
        "LANGUAGE sql\nAS $file$ SELECT 'a' $file$;\nCOMMENT ON FUNCTION {{ ops }}.g IS 'G.';\n",
        ops__n="-- N.\nCREATE OR REPLACE VIEW {{ ops }}.n AS SELECT x FROM {{ ops }}.more;\n",
    )
    package.remove("ops", "h")
    with copied(package.dsn) as copy:
        text = script(copy)
        refuse_what_is_not_as_it_was(text, copy, package.dsn)
        before = dump(copy)
        edited = run(copy, text.replace("-- More.", "-- Less."))
        assert edited.returncode == 3
        assert "migrations/0002.more.sql.j2 was edited in this script" in edited.stderr
        assert dump(copy) == before
        done = run(copy, text)
        assert (done.returncode, done.stderr) == (0, "")
        assert dump(copy) != before
        states = package.apply()
        assert states == {
            "a": State.CHANGED,
            "f": State.CHANGED,
            "g": State.REWORDED,
            "h": State.REMOVED,
            "i": State.DRIFTED,
            "n": State.NEW,
        }
        assert dump(copy) == dump(package.dsn)
        assert "GRANT SELECT ON TABLE ops.b TO pg_monitor WITH GRANT OPTION" in dump(copy)
        assert records(copy) == records(package.dsn)
        again = run(copy, text)
        assert again.returncode == 3
        assert "something else was applied here" in again.stderr
        with pytest.raises(DuecourseError, match="nothing to apply"):
            script(copy)

        package.write_rollback(
            "0002.more",
            "-- Less.\nDROP TABLE {{ ops }}.more;\nALTER TABLE {{ ops }}.runs DROP COLUMN more;\n",
        )
        with connect(copy) as connection:
            text = undo(connection)
            connection.execute("INSERT INTO ops.more VALUES (1)")
            full = run(copy, text)
            assert full.returncode == 3
            assert "cannot be taken back: it would drop rows of ops.more (1)" in full.stderr
            connection.execute("DELETE FROM ops.more")
            with pytest.raises(DuecourseError, match="'0000' is no migration that is applied"):
                undo(connection, "0000")
        done = run(copy, text)
        assert (done.returncode, done.stderr) == (0, "")
        assert package.rollback() == ["0002.more"]
        assert dump(copy) == dump(package.dsn)
        assert records(copy) == records(package.dsn)


def refuse_what_is_not_as_it_was(text: str, copy: str, other: str) -> None:
    """Assert that nothing is done to a database that is another, or at which somebody works."""
    elsewhere = run(other, text)
    assert elsewhere.returncode == 3
    assert "and the script was made for" in elsewhere.stderr
    with psycopg.connect(copy, autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [APPLY_LOCK])
        busy = run(copy, text)
        assert busy.returncode == 3
        assert "the apply lock is held by session" in busy.stderr
        connection.execute("SELECT pg_advisory_unlock(%s)", [APPLY_LOCK])
        connection.execute("INSERT INTO ops.yoyo_lock (locked, ctime, pid) VALUES (1, now(), 1)")
        busy = run(copy, text)
        assert busy.returncode == 3
        assert "yoyo's lock is held by process 1" in busy.stderr
        connection.execute("DELETE FROM ops.yoyo_lock")
        assert connection.execute("SELECT to_regclass('ops.more')").fetchone() == (None,)


def test_a_script_for_another_name_and_an_edited_file(
    package: Package, empty_database: Database
) -> None:
    package.write(ops__a="-- A.\nCREATE OR REPLACE VIEW {{ ops }}.a AS SELECT 1 AS x;\n")
    text = script(package.dsn)
    with copied_closed(empty_database, package.dsn) as copy:
        name = str(conninfo_to_dict(copy)["dbname"])
        edited = run(copy, text.replace("-- A.", "-- B."), "-v", f"database={name}")
        assert edited.returncode == 3
        assert "sql/ops/a.sql.j2 was edited in this script" in edited.stderr
        # Its migration was not, and stays: what is left is another script's.
        done = run(copy, script(copy))
        assert (done.returncode, done.stderr) == (0, "")
        assert_applied(copy)


@contextmanager
def copied_closed(database: Database, dsn: str) -> Iterator[str]:
    """Yield a copy, after the test's own connection is gone."""
    database.close()
    with copied(dsn) as copy:
        yield copy
