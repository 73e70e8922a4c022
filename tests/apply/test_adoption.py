"""Adopting and letting go: what is added, what is refused both ways, what is left behind."""

import csv
import re
import subprocess
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo
from pytest_postgresql.executors import NoopExecutor

from duecourse import adoption, frozen, migrate, profile
from duecourse.adopted import config_of
from duecourse.cli import start
from duecourse.config import Config
from duecourse.database import connect, query
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.objects import State
from duecourse.postgres import binaries
from duecourse.profile import Adoption, Wanted
from duecourse.render import render
from tests.apply.test_beside_yoyo import finish, start_yoyo
from tests.conftest import Database, clone
from tests.profiles.loading import load_alga, load_rental

SCHEMA = "Their Books"

#: What a profile's views read of the adopted tables.
_READ = """
SELECT DISTINCT c.relname, a.attname, format_type(a.atttypid, NULL)
FROM pg_depend AS d
JOIN pg_rewrite AS w ON d.classid = 'pg_rewrite'::regclass AND w.oid = d.objid
JOIN pg_class AS v ON v.oid = w.ev_class
JOIN pg_class AS c ON d.refclassid = 'pg_class'::regclass AND c.oid = d.refobjid
JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum = d.refobjsubid
WHERE v.relnamespace = ANY ('{billing,ledger,ops}'::regnamespace[])
    AND c.relnamespace = '"Their Books"'::regnamespace AND d.refobjsubid > 0
"""
#: Lines of a dump that define nothing: settings, random words, what is empty.
_OF_A_SESSION = re.compile(r"SET |\\|--$|-- PostgreSQL database dump complete|$")


@dataclass
class Source:
    """Tables of another system; ``dsn`` is of the role that owns them, which is no superuser."""

    dsn: str
    database: Database
    wanted: Wanted
    before: tuple[list[str], list[tuple[object, ...]]] | None = None

    def dump(self) -> list[str]:
        """Return the definitions of everything in the schema of the tables, in an order of theirs.

        pg_dump's own order is by who depends on whom, views elsewhere too.
        """
        done = subprocess.run(
            [binaries() / "pg_dump", "--schema-only", f'--schema="{SCHEMA}"', self.dsn],
            capture_output=True,
            check=True,
            text=True,
        )
        lines = [line for line in done.stdout.splitlines() if not _OF_A_SESSION.match(line)]
        return sorted("\n".join(lines).split("-- Name: ")[1:])

    def rows(self) -> list[tuple[object, ...]]:
        """Return how many rows each table has, and a hash of them."""
        names = self.database.execute(
            "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind = 'r'"
            " AND c.relnamespace = to_regnamespace(quote_ident(%s)) ORDER BY 1",
            [SCHEMA],
        ).fetchall()
        return [
            (
                name,
                *self.database.execute(
                    f"SELECT count(*), sum(hashtextextended(t::text, 0)) FROM {name} AS t".encode()
                ).fetchall(),
            )
            for (name,) in names
        ]

    def on_theirs(self) -> list[str]:
        """Return the names of what is ours on the tables."""
        with connect(self.dsn) as connection:
            config = config_of(connection)
            given = {"source": SCHEMA, "schemas": config.schemas}
            return [name for _, name, *_ in query(connection, "ours_on_adopted", config, **given)]


@contextmanager
def source_of(
    server: NoopExecutor, name: str, load: Callable[[Database, str], object]
) -> Iterator[Source]:
    """Yield the filled tables of a profile, of a role that may make schemas and no more."""
    with clone(server, f"_{name}") as dsn, psycopg.connect(dsn, autocommit=True) as database:
        database.execute("SET client_min_messages = error")
        database.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(SCHEMA)))
        load(database, SCHEMA)
        role = f"owner_of_{database.info.dbname}"
        database.execute(
            sql.SQL(
                "CREATE ROLE {role} LOGIN; GRANT CREATE ON DATABASE {name} TO {role};"
                " ALTER SCHEMA {schema} OWNER TO {role}"
            ).format(
                role=sql.Identifier(role),
                name=sql.Identifier(database.info.dbname),
                schema=sql.Identifier(SCHEMA),
            )
        )
        tables = "SELECT oid::regclass::text FROM pg_class WHERE relkind = 'r' AND oid >= 16384"
        for (table,) in database.execute(tables).fetchall():
            database.execute(f'ALTER TABLE {table} OWNER TO "{role}"'.encode())
        try:
            source = Source(make_conninfo(dsn, user=role), database, Wanted(name, SCHEMA))
            source.before = source.dump(), source.rows()
            yield source
        finally:
            database.execute(f'DROP OWNED BY "{role}" CASCADE; DROP ROLE "{role}"'.encode())


@pytest.fixture(scope="module")
def alga(empty_server: NoopExecutor) -> Iterator[Source]:
    """Yield the tables with the books, adopted; what that left as it was is asserted."""
    with source_of(empty_server, "alga", load_alga) as source:
        applied = adoption.adopt(source.dsn, source.wanted)
        assert (applied.differences, applied.edited) == ([], [])
        assert (source.dump(), source.rows()) == source.before
        assert source.on_theirs() == []
        yield source


def test_it_stands_as_applied(alga: Source) -> None:
    with connect(alga.dsn) as connection:
        found = migrate.status(connection)
        config = config_of(connection)
    assert (found.pending, found.edited, found.differences) == ([], [], [])
    assert {item.state for item in found.objects} == {State.APPLIED}
    assert config.adoption == Adoption("alga", SCHEMA)
    assert config.variables["ledger_table"] == f'"{SCHEMA}".recurring_service_periods'


def test_again_changes_nothing(alga: Source) -> None:
    done = adoption.adopt(alga.dsn, Wanted("alga"))
    assert (done.migrations, done.objects, done.differences) == ([], [], [])


@pytest.mark.parametrize(
    ("command", "hint"),
    [
        (("apply",), "to bring it to this version: duecourse adopt alga"),
        (("apply", "--remake"), "to bring it to this version: duecourse adopt alga"),
        (("rollback",), "to take away all that adopt made: duecourse unadopt"),
        (("uninstall",), "to take away all that adopt made: duecourse unadopt"),
        (("import", "."), "its tables are the books; import into another database"),
        (("adopt", "rental", "--yes"), "to adopt it otherwise, first: duecourse unadopt"),
        (
            ("adopt", "alga", "--schema", "public", "--yes"),
            "to adopt it otherwise, first: duecourse unadopt",
        ),
    ],
)
def test_what_is_not_for_an_adopted_database(
    alga: Source, capsys: pytest.CaptureFixture[str], command: tuple[str, ...], hint: str
) -> None:
    with pytest.raises(SystemExit) as caught:
        start([*command, "--dsn", alga.dsn])
    assert caught.value.code == ExitStatus.REFUSED
    assert capsys.readouterr().err == (
        f"error: the database was adopted as alga (schema {SCHEMA}) — {hint}\n"
    )


def test_what_is_not_for_a_native_one(shared_dsn: str) -> None:
    for refused in (
        lambda: adoption.adopt(shared_dsn, Wanted("alga")),
        lambda: adoption.unadopt(shared_dsn),
    ):
        with pytest.raises(DuecourseError) as caught:
            refused()
        assert caught.value.exit_status == ExitStatus.REFUSED
        assert caught.value.hint.endswith("duecourse uninstall")


def test_plain_yoyo_takes_nothing_back(alga: Source) -> None:
    with connect(alga.dsn) as connection, pytest.raises(DuecourseError, match="was adopted as"):
        frozen.check_can_be_taken_back(connection, frozen.names()[-1])


def test_a_view_changed_by_hand_comes_back(alga: Source) -> None:
    alga.database.execute("COMMENT ON VIEW billing.clients IS 'mine'")
    done = adoption.adopt(alga.dsn, Wanted("alga"))
    assert [(item.path, item.state) for item in done.objects] == [
        ("sql/profiles/alga/clients.sql.j2", State.DRIFTED)
    ]


def test_plain_yoyo_does_as_adopt_does(alga: Source) -> None:
    alga.database.execute("COMMENT ON VIEW billing.clients IS 'mine'")
    alga.database.execute(
        "DELETE FROM ops._yoyo_migration WHERE migration_id = %s", [frozen.names()[-1]]
    )
    finish(start_yoyo(alga.dsn))
    with connect(alga.dsn) as connection:
        found = migrate.status(connection)
    assert {item.state for item in found.objects} == {State.APPLIED}
    assert (found.pending, found.edited, found.differences) == ([], [], [])


def test_needs_are_what_is_read(alga: Source) -> None:
    _assert_needs("alga", alga.database)


def test_a_run_under_way_is_waited_for(alga: Source) -> None:
    with closing(psycopg.connect(alga.dsn)) as running:
        pid = running.info.backend_pid
        alga.database.execute(
            "INSERT INTO ops.runs (tenant, procedure_name, run_key, arguments, status, unit,"
            " units_total, role_name, application_name, backend_pid, backend_start, started_at,"
            " heartbeat_at) SELECT gen_random_uuid(), 'backfill_service_periods', 'k', '{}',"
            " 'running', 'schedules', 1, usename, '', pid, backend_start, now(), now()"
            " FROM pg_stat_activity WHERE pid = %s",
            [pid],
        )
        running.pgconn.send_query(b"SELECT pg_sleep(60)")
        with pytest.raises(DuecourseError, match="a run is under way") as caught:
            adoption.unadopt(alga.dsn)
        running.cancel_safe()
        assert caught.value.exit_status == ExitStatus.LOCK_BUSY
    alga.database.execute("DELETE FROM ops.runs")


def test_options_come_and_go(alga: Source) -> None:
    adoption.adopt(alga.dsn, Wanted("alga", guards=True, indexes=True))
    names = alga.on_theirs()
    assert [name for name in names if name.endswith("_fkey")] == [
        "duecourse_recurring_service_periods_charge_fkey",
        "duecourse_recurring_service_periods_detail_fkey",
    ]
    indexes = [name for name in names if name.endswith("_idx")]
    text = render("sql/profiles/alga/indexes.sql.j2", Config(adoption=Adoption("alga")))
    assert indexes == sorted(re.findall(r"duecourse_\w+", text))
    guards = [name for name in names if not name.startswith("duecourse_")]
    assert len(guards) >= 5
    with connect(alga.dsn) as connection:
        assert migrate.status(connection).differences == []
        alga.database.execute(
            f'DROP TRIGGER {guards[0]} ON "{SCHEMA}".recurring_service_periods'.encode()
        )
        [missing] = migrate.status(connection).differences
    assert missing.state == "missing"
    alga.database.execute(
        "UPDATE pg_index SET indisvalid = false WHERE indexrelid = to_regclass(%s)",
        [f'"{SCHEMA}".{indexes[0]}'],
    )
    adoption.adopt(alga.dsn, Wanted("alga", guards=False))
    assert alga.on_theirs() == indexes
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    assert alga.database.execute(invalid).fetchone() == (0,)


def test_letting_go(alga: Source) -> None:
    adoption.adopt(alga.dsn, Wanted("alga", guards=True, indexes=True))
    alga.database.execute("CREATE VIEW public.theirs AS SELECT * FROM billing.clients")
    with pytest.raises(DuecourseError, match=r"did not make: view (public\.)?theirs"):
        adoption.unadopt(alga.dsn)
    alga.database.execute("DROP VIEW public.theirs")
    assert adoption.unadopt(alga.dsn).schemas == ["billing", "ledger", "ops"]
    assert (alga.dump(), alga.rows()) == alga.before


def test_a_rental_application(empty_server: NoopExecutor) -> None:
    with source_of(empty_server, "rental", load_rental) as source:
        adoption.adopt(source.dsn, source.wanted)
        assert (source.dump(), source.rows()) == source.before
        _assert_needs("rental", source.database)
        adoption.adopt(source.dsn, Wanted("rental", unique_rents=True))
        assert source.on_theirs() == ["duecourse_charges_one_rent_key"]
        adoption.unadopt(source.dsn)
        assert (source.dump(), source.rows()) == source.before


def _assert_needs(name: str, database: Database) -> None:
    """Compare a profile's needs.csv with what its views read, and its checks name."""
    with (profile.folder(name) / "needs.csv").open(encoding="utf-8", newline="") as file:
        needs = {tuple(row) for row in [*csv.reader(file)][1:]}
    read = set(database.execute(_READ))
    assert read - needs == set()
    checks = "".join(path.read_text() for path in profile.folder(name).glob("verify/*.sql.j2"))
    assert [need for need in needs - read if f".{need[1]}" not in checks] == []
