"""The guards of a cluster by tenant, put on a database without one."""

from duecourse import script
from duecourse.catalog import apply_objects
from duecourse.config import Config
from duecourse.render import render
from tests.conftest import Database
from tests.engine.shards import cut_everything

CITUS = Config(citus=True)

#: What the guards ask a cluster for. No table is distributed, so that none has shards.
_CLUSTER = """
    SET allow_system_table_mods = on;
    CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char");
    CREATE FUNCTION pg_catalog.get_shard_id_for_distribution_column(regclass, uuid)
        RETURNS text LANGUAGE sql AS $$ SELECT NULL::text $$;
    RESET allow_system_table_mods;
"""
#: The partitions of tables are their shards, each with the triggers of its table.
_SHARDS = """
    SET allow_system_table_mods = on;
    INSERT INTO pg_dist_partition
    SELECT c.oid, 'h' FROM pg_class AS c WHERE c.relkind = 'p' AND NOT c.relispartition;
    CREATE OR REPLACE FUNCTION pg_catalog.get_shard_id_for_distribution_column(regclass, uuid)
        RETURNS text LANGUAGE sql AS $$
        SELECT n || '_of_2'
        FROM generate_series(0, 1) AS n
        WHERE satisfies_hash_partition($1, 2, n, $2)
    $$;
    RESET allow_system_table_mods;
    DO $$
    DECLARE
        v_statement text;
    BEGIN
        FOR v_statement IN
            SELECT format('DROP TRIGGER %I ON %s', t.tgname, t.tgrelid::regclass)
            FROM pg_trigger AS t
            WHERE t.tgname ~ '^partition_guard_'
            UNION ALL
            SELECT replace(pg_get_triggerdef(t.oid), format(' ON %s ', h.inhparent::regclass),
                format(' ON %s ', h.inhrelid::regclass))
            FROM pg_trigger AS t
            JOIN pg_inherits AS h ON h.inhparent = t.tgrelid
            WHERE NOT t.tgisinternal AND t.tgtype & 1 = 0 AND t.tgname !~ '^partition_guard_'
        LOOP
            EXECUTE v_statement;
        END LOOP;
    END
    $$;
"""
#: Without btree_gist a value is compared as the range of it alone.
_RANGES = """
    CREATE TYPE public.uuids AS RANGE (SUBTYPE = uuid);
    CREATE TYPE public.texts AS RANGE (SUBTYPE = text, COLLATION = "C");
"""


def put_guards(database: Database) -> None:
    """Change the guards of a database that is applied to those of a cluster."""
    database.execute(_CLUSTER.encode())
    apply_objects(database, CITUS)
    script.run(database, constraints(database))


def put_guards_on_shards(database: Database) -> None:
    """Put the triggers of a cluster on a database whose partitions stand for shards.

    A trigger on a partition runs for rows that are written to it by its name. The constraints are
    left out: a partitioned table needs btree_gist for them.
    """
    database.execute(_CLUSTER.encode())
    apply_objects(database, CITUS)
    cut_everything(database)
    database.execute(_SHARDS.encode())


def constraints(database: Database) -> str:
    """Return the statements that make the constraints, as this server can run them."""
    text = render("sql/applying/citus_guards.sql.j2", CITUS)
    known = "SELECT FROM pg_available_extensions WHERE name = 'btree_gist'"
    if database.execute(known).fetchone() is not None:
        database.execute("CREATE EXTENSION IF NOT EXISTS btree_gist")
        return text
    if database.execute("SELECT to_regtype('public.uuids')").fetchone() == (None,):
        database.execute(_RANGES.encode())
    for column, kind in (("tenant", "uuids"), ("schedule_key", "texts")):
        text = text.replace(
            f"{column} WITH =", f"public.{kind}({column}, {column}, '[]') WITH =", 1
        )
    return text
