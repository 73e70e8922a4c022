"""Taking back: a rollback, an uninstall, schemas that somebody dropped; and apply afterwards."""

import subprocess
import sys
from collections.abc import Iterator
from uuid import uuid4

import pytest
from psycopg import sql

from duecourse import removal
from duecourse.config import load
from duecourse.database import connect
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.frozen import names
from duecourse.migrate import apply, status
from duecourse.postgres import binaries
from tests.apply.conftest import Dump, Package
from tests.apply.test_beside_yoyo import environment
from tests.apply.test_repeating import assert_applied
from tests.conftest import ROOT, Command, Database

LAST = names()[-1]


def everything(dsn: str) -> str:
    """Return the dump of a whole database, without the lines that carry a random word."""
    done = subprocess.run(
        [binaries() / "pg_dump", f"--dbname={dsn}"], capture_output=True, check=True, text=True
    )
    return "\n".join(line for line in done.stdout.splitlines() if line[:1] != "\\")


@pytest.fixture
def reader(database: Database) -> Iterator[str]:
    """Yield a role with a permission, a right on a table and default privileges."""
    name = f"reader_of_{database.info.dbname}"
    role = sql.Identifier(name)
    database.execute(sql.SQL("CREATE ROLE {}").format(role))
    tenant = uuid4()
    database.execute("INSERT INTO billing.tenants VALUES (%s, 'T')", [tenant])
    database.execute("CALL ops.grant_permission(%s, %s, 'view')", [tenant, name])
    database.execute(sql.SQL("GRANT SELECT ON billing.invoices TO {}").format(role))
    database.execute(
        sql.SQL("ALTER DEFAULT PRIVILEGES IN SCHEMA ops GRANT SELECT ON TABLES TO {}").format(role)
    )
    yield name
    database.execute(sql.SQL("DROP ROLE {}").format(role))


@pytest.mark.usefixtures("reader")
def test_uninstall_leaves_nothing(
    dsn: str, database: Database, empty_dsn: str, duecourse: Command
) -> None:
    name = database.info.dbname
    shown = duecourse("uninstall", "--dsn", dsn)
    assert shown.returncode == ExitStatus.REFUSED
    assert f"database {name}: the schemas billing, ledger, ops with all in them" in shown.stdout
    assert [line.split() for line in shown.stdout.splitlines() if "billing.tenants" in line] == [
        ["billing.tenants", "1"]
    ]
    assert f"duecourse uninstall --confirm {name}" in shown.stderr
    wrong = duecourse("uninstall", "--dsn", dsn, "--confirm", "other")
    assert wrong.returncode == ExitStatus.REFUSED
    assert_applied(dsn)
    done = duecourse("uninstall", "--dsn", dsn, "--confirm", name)
    assert done.returncode == 0
    assert done.stdout.endswith("dropped the schemas billing, ledger, ops\n")
    assert everything(dsn) == everything(empty_dsn)
    assert duecourse("uninstall", "--dsn", dsn).stdout == (
        f"nothing of duecourse is in database {name}\n"
    )
    apply(dsn)
    assert_applied(dsn)


@pytest.mark.parametrize(
    ("foreign", "named"),
    [
        ("CREATE VIEW public.theirs AS SELECT * FROM billing.invoices", "view public.theirs"),
        (
            "CREATE TABLE public.theirs (tenant uuid REFERENCES billing.tenants)",
            "table public.theirs",
        ),
        ("CREATE TABLE billing.theirs ()", "table billing.theirs"),
        (
            "CREATE FUNCTION ops.theirs() RETURNS integer LANGUAGE sql AS 'SELECT 1'",
            "function ops.theirs()",
        ),
        ("CREATE PUBLICATION theirs FOR TABLE billing.invoices", "publication theirs"),
    ],
)
def test_uninstall_takes_nothing_of_others_along(
    dsn: str, database: Database, foreign: str, named: str
) -> None:
    database.execute(foreign.encode())
    with pytest.raises(DuecourseError) as caught:
        removal.uninstall(dsn, confirm=database.info.dbname)
    assert named in caught.value.message
    with connect(dsn) as connection:
        assert named in " ".join(removal.holding(connection, load()).foreign)
    assert len(removal.holding(database, load()).schemas) == 3


def test_uninstall_of_what_is_not_recorded(empty_dsn: str, empty_database: Database) -> None:
    empty_database.execute("CREATE SCHEMA billing; CREATE TABLE billing.tenants ()")
    with pytest.raises(DuecourseError) as caught:
        removal.uninstall(empty_dsn, confirm=empty_database.info.dbname)
    assert "DROP SCHEMA billing CASCADE" in caught.value.hint


def test_apply_after_all_schemas_were_dropped(dsn: str, database: Database) -> None:
    database.execute("DROP SCHEMA billing, ledger, ops CASCADE")
    assert apply(dsn).migrations == names()
    assert_applied(dsn)


def test_apply_after_one_schema_was_dropped(dsn: str, database: Database) -> None:
    database.execute("DROP SCHEMA ledger CASCADE")
    with pytest.raises(DuecourseError) as caught:
        apply(dsn)
    assert caught.value.message.startswith(
        "what was applied is gone: schema ledger, table ledger.accounts, table ledger.charges"
    )
    with connect(dsn) as connection:
        missing = [item for item in status(connection).differences if item.name == "ledger"]
    assert [(item.state, item.repair) for item in missing] == [
        ("missing", "restore it; or, to have it anew and empty: duecourse apply --remake")
    ]
    assert apply(dsn, remake=True).migrations == [
        "0001.ops",
        "0004.charge_ledger",
        "0005.stripe",
        "0007.movements",
        "0008.stripe_inbox",
        "0009.payment_acts",
        "0010.ledger_indexes",
    ]
    assert_applied(dsn)


def test_apply_after_the_records_were_dropped(dsn: str, database: Database) -> None:
    database.execute("DROP SCHEMA ops CASCADE")
    with pytest.raises(DuecourseError) as caught:
        apply(dsn)
    assert caught.value.message == (
        "the records of what was applied (schema ops) are gone, but not what was applied:"
        " billing.accepted_escalations and 31 more tables"
    )
    assert "DROP SCHEMA billing, ledger CASCADE" in caught.value.hint


def test_apply_into_a_schema_with_tables_of_others(
    empty_dsn: str, empty_database: Database
) -> None:
    empty_database.execute("CREATE SCHEMA billing; CREATE TABLE billing.theirs ()")
    apply(empty_dsn)
    with connect(empty_dsn) as connection:
        assert [item.name for item in status(connection).differences] == ["billing.theirs"]


def test_rollback_of_the_last_migration(dsn: str, dump: Dump, duecourse: Command) -> None:
    before = dump(dsn)
    done = duecourse("rollback", "--dsn", dsn)
    assert done.stdout == f"migration  taken back  {LAST}\n"
    with connect(dsn) as connection:
        found = status(connection)
    assert (found.pending, found.differences) == ([LAST], [])
    assert dump(dsn) != before
    assert apply(dsn).migrations == [LAST]
    assert_applied(dsn)
    assert dump(dsn) == before


def test_rollback_of_several_migrations(dsn: str, dump: Dump) -> None:
    before = dump(dsn)
    assert removal.rollback(dsn, "0001") == names()[:0:-1]
    apply(dsn)
    assert_applied(dsn)
    assert dump(dsn) == before
    assert removal.rollback(dsn, LAST) == []


def test_rollback_of_what_cannot_be_taken_back(dsn: str, dump: Dump) -> None:
    removal.rollback(dsn, "0001.ops")
    before = dump(dsn)
    with pytest.raises(DuecourseError) as caught:
        removal.rollback(dsn)
    assert caught.value.message == (
        "0001.ops cannot be taken back: there is no 0001.ops.rollback.sql.j2"
    )
    assert "duecourse uninstall" in caught.value.hint
    assert dump(dsn) == before


def test_rollback_keeps_rows_unless_they_may_go(dsn: str, database: Database) -> None:
    database.execute("INSERT INTO billing.tenants VALUES (gen_random_uuid(), 'T')")
    with pytest.raises(DuecourseError) as caught:
        removal.rollback(dsn, "0001")
    assert caught.value.message == (
        "0002.sources cannot be taken back: it would drop rows of billing.tenants (1)"
    )
    assert_applied(dsn)
    assert len(removal.rollback(dsn, "0001", confirm=database.info.dbname)) == len(names()) - 1


def test_rollback_to_an_unknown_migration(dsn: str) -> None:
    with pytest.raises(DuecourseError, match="'0999' is no migration that is applied"):
        removal.rollback(dsn, "0999")


def test_rollback_of_a_change_is_recorded(package: Package, empty_database: Database) -> None:
    package.write_migration("0002.more", "CREATE TABLE IF NOT EXISTS billing.more (n integer);\n")
    package.write_migration("0003.wider", "ALTER TABLE billing.more ALTER n TYPE bigint;\n")
    package.write_rollback("0003.wider", "ALTER TABLE billing.more ALTER n TYPE integer;\n")
    package.apply()
    assert package.rollback() == ["0003.wider"]
    with connect(package.dsn) as connection:
        assert status(connection).differences == []
    package.apply()
    [(statement,)] = empty_database.execute(
        "SELECT statement FROM ops.applied_catalog WHERE identity = 'column billing.more.n'"
    )
    assert statement == "ALTER TABLE billing.more ADD COLUMN n bigint"


def test_plain_yoyo_takes_back_as_well(dsn: str, database: Database) -> None:
    command = [sys.executable, "-m", "yoyo", "rollback", "-r", "0005.stripe"]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(dsn), capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert database.execute("SELECT to_regclass('ledger.stripe_events')").fetchone() == (None,)
    apply(dsn)
    assert_applied(dsn)
    database.execute("INSERT INTO billing.tenants VALUES (gen_random_uuid(), 'T')")
    command[-1] = "0002.sources"
    done = subprocess.run(
        command, cwd=ROOT, env=environment(dsn), capture_output=True, check=False, text=True
    )
    assert done.returncode != 0
    assert "it would drop rows of billing.tenants (1)" in done.stderr
    assert database.execute("SELECT count(*) FROM billing.tenants").fetchone() == (1,)
