"""The switch [engine] citus: what is asked of a cluster, in which order, and what is refused.

No cluster is here: functions of the names and signatures of Citus write down what they are called
with.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import psycopg
import pytest

from duecourse import citus, engine, frozen, render
from duecourse.bundle import bundle
from duecourse.config import Config, load
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import Watch, apply, finish, status
from duecourse.objects import ObjectState
from duecourse.pending import pending
from duecourse.profile import Adoption
from tests.conftest import Database
from tests.engine.citus import CITUS, constraint, stand_in
from tests.service_periods.books import LEDGER, Books, fill

MADE = [f"sql/applying/{name}.sql.j2" for name in citus.CONSTRAINTS]


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return the configuration that every command reads."""
    file = tmp_path / "duecourse.toml"
    file.write_text("[engine]\ncitus = true\nshard_count = 4\n")
    monkeypatch.setenv("DUECOURSE_CONFIG", str(file))
    return file


@pytest.fixture
def ranges(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Database]]:
    """Let the constraints be made as the server of this database can make them."""
    databases: list[Database] = []
    rendered = render.render

    def rendered_here(path: str, config: Config | None = None) -> str:
        return constraint(databases[0], path) if path in MADE else rendered(path, config)

    monkeypatch.setattr(frozen, "render", rendered_here)
    yield databases
    for database in databases:
        database.close()


def on_cluster(dsn: str, databases: list[Database]) -> Database:
    """Let a database stand on a cluster."""
    database = psycopg.connect(dsn, autocommit=True)
    databases.append(database)
    stand_in(database)
    return database


def calls(database: Database) -> list[str]:
    """Return what was asked of the cluster, in its order."""
    return [call for (call,) in database.execute("SELECT call FROM cluster.calls ORDER BY number")]


def refused(message: str, hint: str, dsn: str) -> None:
    """Expect an apply to be refused."""
    with pytest.raises(DuecourseError) as raised:
        apply(dsn)
    assert raised.value.exit_status == ExitStatus.REFUSED
    assert (raised.value.message, raised.value.hint) == (message, hint)


def foreign_keys(database: Database) -> list[tuple[str, str]]:
    """Return the tables that name others, each with the one that it names."""
    return database.execute(
        "SELECT conrelid::regclass::text, confrelid::regclass::text FROM pg_constraint"
        " WHERE contype = 'f' AND conrelid <> confrelid"
    ).fetchall()


def test_every_table_is_distributed_once_parents_first(shared_database: Database) -> None:
    rows = citus.statements(shared_database, Config(citus=True))
    tables = [name for name, _ in rows[: len(rows) // 2]]
    assert [name for name, _ in rows[len(tables) :]] == tables
    known: dict[str, str] = dict(
        shared_database.execute(
            "SELECT c.oid::regclass::text, coalesce(obj_description(c.oid, 'pg_class'), '')"
            " FROM pg_class AS c"
            " WHERE c.relnamespace::regnamespace::text IN ('billing', 'ledger', 'ops')"
            " AND c.relkind = 'r'"
        ).fetchall()
    )
    assert sorted(known.keys() - set(tables)) == [
        "ops._yoyo_log", "ops._yoyo_migration", "ops._yoyo_version", "ops.accepted_drift",
        "ops.applied_catalog", "ops.applied_migrations", "ops.applied_objects", "ops.yoyo_lock",
    ]  # fmt: skip
    assert len(set(tables)) == len(tables)
    statements = dict(rows[: len(tables)])
    assert tables[0] == "billing.tenants"
    assert statements.pop("billing.tenants") == (
        "SELECT create_distributed_table('billing.tenants', 'tenant')"
    )
    for name, statement in statements.items():
        expected = f"create_reference_table('{name}')"
        if "citus:reference" not in known[name]:
            expected = (
                f"create_distributed_table('{name}', 'tenant', colocate_with => 'billing.tenants')"
            )
        assert statement == f"SELECT {expected}"
    keys = foreign_keys(shared_database)
    assert len(keys) > len(tables) // 2
    assert [key for key in keys if tables.index(key[0]) < tables.index(key[1])] == []


def test_apply_distributes_between_migrations_and_objects(
    empty_dsn: str, settings: Path, ranges: list[Database]
) -> None:
    database = on_cluster(empty_dsn, ranges)
    done = apply(empty_dsn)
    asked = calls(database)
    assert done.distributed == len(asked) // 2
    assert asked[0] == "distributed billing.tenants tenant hash default 4"
    assert "reference ops.engine_settings" in asked
    assert f"distributed {LEDGER} tenant hash billing.tenants" in asked
    assert {call.partition(" ")[0] for call in asked[len(asked) // 2 :]} == {"emptied"}
    assert database.execute(
        "SELECT unnest(setconfig) FROM pg_db_role_setting AS s, pg_database AS d"
        " WHERE d.oid = s.setdatabase AND d.datname = current_database()"
    ).fetchall() == [("citus.enable_unsafe_triggers=on",)]
    # What is taken away is told, and made again.
    name = "recurring_service_periods_live_slot_excl"
    database.execute(f"ALTER TABLE {LEDGER} DROP CONSTRAINT {name}".encode())
    [row] = database.execute("SELECT * FROM billing.check_ledger_guard(NULL, current_date)")
    assert row[2:] == (
        name, "the ledger is not guarded by it", "valid", "missing", "duecourse apply"
    )  # fmt: skip
    [difference] = status(database).differences
    assert (difference.identity, difference.state, difference.repair) == (
        f"constraint {name} on {LEDGER}", "missing", "duecourse apply"
    )  # fmt: skip
    again = apply(empty_dsn)
    assert (again.migrations, again.objects, again.distributed) == ([], [], 0)
    assert calls(database) == asked
    assert_distributed(database)


def assert_distributed(database: Database) -> None:
    """Expect a database to be on its cluster, as it is recorded, with its guards."""
    found = status(database)
    assert (found.differences, found.edited) == ([], [])
    assert found.engine is not None
    assert (found.engine.told, found.engine.is_pending) == ("distributed by Citus", False)
    assert (
        database.execute("SELECT * FROM billing.check_ledger_guard(NULL, current_date)").fetchall()
        == []
    )
    assert database.execute("SELECT setting, value FROM ops.engine_settings").fetchall() == [
        ("citus", "true")
    ]


class Heard(Watch):
    """Remembers what an apply tells of the distribution, and when."""

    def __init__(self) -> None:
        self.news: list[str] = []

    def distributes(self, place: str, tables: int) -> None:
        self.news.append(f"distributes {tables}")

    def distributed(self, tables: int, seconds: float) -> None:
        self.news.append(f"distributed {tables}")

    def made(self, objects: list[ObjectState], seconds: float) -> None:
        self.news.append(f"made {len(objects)}")


def test_an_applied_database_with_rows_is_moved(
    dsn: str, settings: Path, ranges: list[Database]
) -> None:
    database = on_cluster(dsn, ranges)
    books = Books(database)
    fill(books, 2)
    books.call()
    rows = books.ledger()
    found, _ = pending(database)
    assert found.counted.endswith(" objects and the distribution of the tables to apply")
    assert found.move is not None
    assert found.move.startswith(
        "SELECT create_distributed_table('billing.tenants', 'tenant', shard_count => 4);\n"
    )
    told = engine.look(database, load()).told
    assert told == (
        f"not distributed, {found.move.count('create_')} tables to distribute;"
        " duecourse.toml says citus = true"
    )
    with pytest.raises(DuecourseError) as raised:
        finish(database, load())
    assert raised.value.message == ("[engine] citus is set, and the tables are not distributed yet")
    heard = Heard()
    done = apply(dsn, watch=heard)
    tables = found.move.count("create_")
    assert done.distributed == tables
    assert heard.news == [
        f"distributes {tables}", f"distributed {tables}", f"made {len(load().object_paths)}"
    ]  # fmt: skip
    assert_distributed(database)
    assert books.ledger() == rows
    with pytest.raises(psycopg.Error) as failed:
        database.execute("CALL ops.partition_ledger(2)")
    assert failed.value.sqlstate == "DC503"
    assert failed.value.diag.message_detail == f"{LEDGER}: the shards of Citus"
    with pytest.raises(DuecourseError) as raised:
        bundle(database)
    assert raised.value.message == "a script of psql does not distribute tables over a cluster"
    settings.write_text("")
    refused(
        "the tables are distributed by Citus, and [engine] citus says nothing of it",
        "set citus = true in duecourse.toml",
        dsn,
    )
    assert status(database).engine == engine.look(database, load())
    assert engine.look(database, load()).told == (
        "distributed by Citus; duecourse.toml says citus = false"
    )


def test_a_node_that_did_not_hear_of_the_setting(
    dsn: str, settings: Path, ranges: list[Database]
) -> None:
    database = on_cluster(dsn, ranges)
    database.execute(answers("unsafe_triggers", "off").encode())
    name = database.info.dbname
    refused(
        "citus.enable_unsafe_triggers is not on at node 2",
        f"run on each node: ALTER DATABASE {name} SET citus.enable_unsafe_triggers = on",
        dsn,
    )
    assert calls(database) == []


def test_a_database_that_is_no_cluster_is_refused(dsn: str, settings: Path) -> None:
    refused(
        "[engine] citus is set, and the database has no extension citus",
        "run on every node: CREATE EXTENSION citus; or take citus out of duecourse.toml",
        dsn,
    )


def test_partitions_are_refused(dsn: str, settings: Path, ranges: list[Database]) -> None:
    database = on_cluster(dsn, ranges)
    database.execute("CALL ops.partition_ledger(2)")
    refused(
        "the ledger is cut into 2 partitions, and [engine] citus asks for shards",
        "make it plain first: CALL ops.partition_ledger(0)",
        dsn,
    )


def test_adopted_tables_are_refused(shared_database: Database) -> None:
    with pytest.raises(DuecourseError) as raised:
        engine.refuse_other(shared_database, replace(CITUS, adoption=Adoption("rental")))
    assert raised.value.exit_status == ExitStatus.REFUSED
    assert raised.value.message == (
        "[engine] citus is set, and the tables of rental are not ours to distribute"
    )
    assert raised.value.hint == "take citus out of duecourse.toml"


def test_settings_that_exclude_each_other_are_refused(settings: Path) -> None:
    settings.write_text("[engine]\ncitus = true\nledger_partitions = 2\n")
    with pytest.raises(DuecourseError) as raised:
        load()
    assert raised.value.message == (
        f"{settings} says citus and ledger_partitions, of which a database has one"
    )
    settings.write_text("[engine]\nshard_count = 2\n")
    with pytest.raises(DuecourseError) as raised:
        load()
    assert raised.value.message == f"{settings} says shard_count, and not citus"
    settings.write_text("[engine]\ncitus = 'yes'\n")
    with pytest.raises(DuecourseError) as raised:
        load()
    assert raised.value.message == f"{settings} has no setting citus = 'yes' of the engine"


def answers(about: str, result: str) -> str:
    """Let the second node say something else."""
    return f"UPDATE cluster.answers SET result = '{result}' WHERE about = '{about}' AND nodeid = 2"


#: What is wrong with a cluster, and how that is told; {0}: the database.
PRECONDITIONS = {
    "old": (
        "CREATE OR REPLACE FUNCTION pg_catalog.citus_version() RETURNS text LANGUAGE sql"
        " AS $$ SELECT 'Citus 11.3.1 on x86_64' $$",
        "this is Citus 11.3.1, and version 12 or later is needed",
        "install it on every node, then run: ALTER EXTENSION citus UPDATE",
    ),
    "worker": (
        "UPDATE pg_dist_local_group SET groupid = 2",
        "this node is a worker of the cluster",
        "connect to the coordinator",
    ),
    "unlisted": (
        "DELETE FROM pg_dist_node WHERE groupid = 0",
        "the coordinator is not in its own list of nodes",
        "run: SELECT citus_set_coordinator_host('its name for the others', 5432)",
    ),
    "shardless": (
        "UPDATE pg_dist_node SET isactive = false",
        "no node of the cluster takes shards",
        "run: SELECT citus_add_node('the name of a worker', 5432)",
    ),
    "silent": (
        "UPDATE cluster.answers SET success = false, result = 'timeout' WHERE nodeid = 2",
        "node 2 does not answer: timeout",
        "run: SELECT * FROM citus_check_cluster_node_health()",
    ),
    "elsewhere": (
        answers("timezone", "America/New_York"),
        "the timezone of node 2 is America/New_York, and that of every node must be UTC",
        "run on each node: ALTER DATABASE {0} SET timezone = 'UTC'",
    ),
    "otherwise": (
        answers("datestyle", "SQL, DMY"),
        "the datestyle of node 2 is SQL, DMY, and that of every node must be ISO",
        "run on each node: ALTER DATABASE {0} SET datestyle = 'ISO'",
    ),
    "nested": (
        answers("nested", "on"),
        "citus.allow_nested_distributed_execution is on at node 2",
        "run on each node: ALTER DATABASE {0} SET citus.allow_nested_distributed_execution = off",
    ),
    "without btree_gist": (
        answers("btree_gist", "0"),
        "the extension btree_gist is not on the server of node 2",
        "install the package of PostgreSQL's contrib modules there",
    ),
    "of a role that cannot log in": (
        "CREATE ROLE citus_owner NOLOGIN; SET LOCAL ROLE citus_owner",
        "role citus_owner cannot log in, as which the nodes work for one another",
        "run: ALTER ROLE citus_owner LOGIN",
    ),
    "of a role that may create nothing": (
        "DROP EXTENSION IF EXISTS btree_gist CASCADE; SET LOCAL citus.enable_unsafe_triggers = on;"
        " CREATE ROLE citus_owner LOGIN; SET LOCAL ROLE citus_owner",
        "role citus_owner may not create the extension btree_gist",
        "as a superuser, run: CREATE EXTENSION btree_gist",
    ),
    "of a role that owns no database": (
        "CREATE ROLE citus_owner LOGIN; SET LOCAL ROLE citus_owner",
        "role citus_owner may not set citus.enable_unsafe_triggers for database {0}",
        "as its owner, run: ALTER DATABASE {0} SET citus.enable_unsafe_triggers = on",
    ),
}


def test_what_a_cluster_lacks_is_named(database: Database) -> None:
    stand_in(database)
    database.execute(
        "GRANT USAGE ON SCHEMA cluster TO PUBLIC; GRANT SELECT ON ALL TABLES IN SCHEMA cluster,"
        " pg_catalog TO PUBLIC"
    )
    citus.check(database, CITUS)
    name = database.info.dbname
    for what, (statement, message, hint) in PRECONDITIONS.items():
        with database.transaction(force_rollback=True):
            database.execute(statement.encode())
            with pytest.raises(DuecourseError) as raised, database.transaction():
                citus.check(database, CITUS)
        assert raised.value.exit_status == ExitStatus.REFUSED, what
        assert (raised.value.message, raised.value.hint) == (
            message.format(name), hint.format(name)
        ), what  # fmt: skip
