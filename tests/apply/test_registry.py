"""yoyo's tables in ops, whose schema that is, and migrations that stay as they were applied."""

from collections.abc import Iterator

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse.database import connect
from duecourse.errors import DuecourseError
from duecourse.migrate import apply, status
from tests.apply.conftest import Package
from tests.apply.test_repeating import assert_applied
from tests.conftest import Command, Database

REGISTRY = ["_yoyo_log", "_yoyo_migration", "_yoyo_version", "yoyo_lock"]


@pytest.fixture
def role(empty_database: Database) -> Iterator[str]:
    """Yield a login without any right of its own."""
    name = f"somebody_of_{empty_database.info.dbname}"
    role = sql.Identifier(name)
    empty_database.execute(sql.SQL("CREATE ROLE {} LOGIN").format(role))
    yield name
    empty_database.execute(sql.SQL("DROP OWNED BY {} CASCADE").format(role))
    empty_database.execute(sql.SQL("DROP ROLE {}").format(role))


def test_nothing_of_ours_is_in_public(dsn: str, database: Database) -> None:
    rows = database.execute(
        "SELECT relnamespace::regnamespace::text, relname FROM pg_class"
        " WHERE relkind = 'r' AND (relnamespace = 'public'::regnamespace OR relname ~ 'yoyo')"
        " ORDER BY relname"
    ).fetchall()
    assert rows == [("ops", name) for name in REGISTRY]


def test_a_database_without_public(empty_dsn: str, empty_database: Database) -> None:
    empty_database.execute("DROP SCHEMA public")
    apply(empty_dsn)
    assert_applied(empty_dsn)
    assert apply(empty_dsn).migrations == []


def test_a_planted_table_is_not_ours(empty_dsn: str, empty_database: Database, role: str) -> None:
    empty_database.execute("GRANT CREATE ON SCHEMA public TO PUBLIC")
    with connect(make_conninfo(empty_dsn, user=role)) as mallory:
        for table in REGISTRY:
            mallory.execute(f"CREATE TABLE public.{table} (locked int, ctime timestamp, pid int)")
        mallory.execute(
            "CREATE FUNCTION public.plant() RETURNS trigger LANGUAGE plpgsql AS"
            " $$BEGIN CREATE TABLE public.planted (); RETURN NEW; END$$"
        )
        mallory.execute(
            "CREATE TRIGGER plant BEFORE INSERT ON public.yoyo_lock"
            " FOR EACH ROW EXECUTE FUNCTION public.plant()"
        )
    apply(empty_dsn)
    assert_applied(empty_dsn)
    assert empty_database.execute("SELECT to_regclass('public.planted')").fetchone() == (None,)


@pytest.mark.parametrize("schema", ["billing", "ledger", "ops"])
def test_a_schema_of_somebody_else_is_refused(
    empty_dsn: str, empty_database: Database, role: str, schema: str
) -> None:
    empty_database.execute(
        sql.SQL("CREATE SCHEMA {} AUTHORIZATION {}").format(*map(sql.Identifier, (schema, role)))
    )
    with pytest.raises(DuecourseError) as caught:
        apply(empty_dsn)
    user = empty_database.info.user
    assert caught.value.message == f"schema {schema} belongs to role {role}, not to {user}"
    assert caught.value.hint == (
        f"connect as {role}; or, if you made it, let it run: ALTER SCHEMA {schema} OWNER TO {user}"
    )
    [(made,)] = empty_database.execute("SELECT count(*) FROM pg_class WHERE relname ~ 'yoyo'")
    assert made == 0


def test_a_schema_that_a_superuser_prepared(
    empty_dsn: str, empty_database: Database, role: str
) -> None:
    names = [sql.Identifier(name) for name in (empty_database.info.dbname, role)]
    empty_database.execute(sql.SQL("GRANT CREATE ON DATABASE {} TO {}").format(*names))
    empty_database.execute(
        sql.SQL("CREATE SCHEMA ops; GRANT ALL ON SCHEMA ops TO {}").format(names[1])
    )
    dsn = make_conninfo(empty_dsn, user=role)
    with pytest.raises(DuecourseError) as caught:
        apply(dsn)
    empty_database.execute(caught.value.hint.partition("run: ")[2].encode())
    apply(dsn)
    assert_applied(dsn)


def test_a_registry_that_somebody_planted(
    empty_dsn: str, empty_database: Database, role: str
) -> None:
    empty_database.execute("CREATE SCHEMA ops; CREATE TABLE ops.yoyo_lock ()")
    empty_database.execute(
        sql.SQL("ALTER TABLE ops.yoyo_lock OWNER TO {}").format(sql.Identifier(role))
    )
    with pytest.raises(DuecourseError) as caught:
        apply(empty_dsn)
    assert caught.value.message.startswith(f"table ops.yoyo_lock belongs to role {role}, not to ")


def test_an_earlier_development_version_is_refused(
    empty_dsn: str, empty_database: Database
) -> None:
    empty_database.execute(
        "CREATE TABLE public._yoyo_migration (migration_id text);"
        "INSERT INTO public._yoyo_migration VALUES ('0014.run_counts');"
        "CREATE SCHEMA billing; CREATE SCHEMA ledger; CREATE SCHEMA ops;"
        "CREATE TABLE ops.applied_objects"
        " (path text, package_version text, applied_at timestamptz);"
        "INSERT INTO ops.applied_objects VALUES ('f', '0.2.0', '2026-01-01'), ('g', '0.3.0', now())"
    )
    with pytest.raises(DuecourseError) as caught:
        apply(empty_dsn)
    assert str(caught.value) == (
        "the database holds duecourse 0.3.0 of its development, from which no upgrade exists — keep"
        " what you need (pg_dump), run: DROP SCHEMA billing, ledger, ops CASCADE, then:"
        " duecourse apply"
    )
    assert empty_database.execute("SELECT to_regclass('ops.yoyo_lock')").fetchone() == (None,)
    empty_database.execute("DROP SCHEMA billing, ledger, ops CASCADE")
    apply(empty_dsn)
    assert_applied(empty_dsn)


def test_an_edited_migration_is_named(package: Package, empty_database: Database) -> None:
    package.write_migration("0002.more", "CREATE TABLE IF NOT EXISTS billing.more (n integer);\n")
    package.apply()
    assert package.edited() == []
    package.write_migration("0002.more", "CREATE TABLE IF NOT EXISTS billing.more (n bigint);\n")
    assert package.edited() == ["0002.more"]
    package.apply()
    assert package.edited() == ["0002.more"]
    edited = empty_database.execute(
        "SELECT migration_id FROM ops.applied_migrations WHERE checksum <> package_checksum"
    )
    assert edited.fetchall() == [("0002.more",)]


def test_a_migration_that_runs_again_keeps_its_checksum(
    package: Package, empty_database: Database
) -> None:
    package.write_migration("0002.more", "CREATE TABLE IF NOT EXISTS billing.more (n integer);\n")
    package.apply()
    empty_database.execute("DELETE FROM ops._yoyo_migration WHERE migration_id = '0002.more'")
    package.write_migration("0002.more", "CREATE TABLE IF NOT EXISTS billing.more (n bigint);\n")
    package.apply()
    assert package.edited() == ["0002.more"]


def test_status_names_an_edited_migration(dsn: str, database: Database, duecourse: Command) -> None:
    database.execute("UPDATE ops.applied_migrations SET checksum = 'x' WHERE migration_id ~ '0003'")
    done = duecourse("status", "--dsn", dsn, "--detailed-exitcode")
    assert "migration  edited  0003.invoices_and_periods" in done.stdout
    assert done.returncode == 2
    with connect(dsn) as connection:
        assert [item.name for item in status(connection).edited] == ["0003.invoices_and_periods"]
