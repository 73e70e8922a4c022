"""The guards of a cluster by tenant, put on a database without one."""

import re

from duecourse import script
from duecourse.catalog import apply_objects
from duecourse.citus import CONSTRAINTS
from duecourse.config import Config
from duecourse.render import render
from tests.conftest import Database
from tests.engine.shards import cut_everything

CITUS = Config(citus=True)

#: What stands in for a cluster: the functions and tables of Citus that apply and the guards ask,
#: with their names and signatures. They write down what they are called with.
_CLUSTER = """
    SET allow_system_table_mods = on;
    CREATE SCHEMA cluster;
    CREATE TABLE cluster.calls (number serial, call text);
    CREATE TABLE cluster.answers (nodeid integer, about text, result text, success boolean);
    INSERT INTO cluster.answers
    SELECT n, a.about, a.result, true
    FROM generate_series(1, 2) AS n
    CROSS JOIN (VALUES ('timezone', 'UTC'), ('datestyle', 'ISO, MDY'), ('nested', NULL),
        ('unsafe_triggers', 'on'), ('btree_gist', '1'), ('SELECT 1', '1')) AS a (about, result);
    CREATE TABLE pg_catalog.pg_dist_partition (logicalrelid regclass, partmethod "char");
    CREATE TABLE pg_catalog.pg_dist_local_group AS SELECT 0 AS groupid;
    CREATE TABLE pg_catalog.pg_dist_node AS
    SELECT n AS nodeid, n AS groupid, true AS isactive, n > 0 AS shouldhaveshards
    FROM generate_series(0, 2) AS n;
    CREATE FUNCTION pg_catalog.citus_version() RETURNS text LANGUAGE sql
        AS $$ SELECT 'Citus 13.2.2 on x86_64-pc-linux-gnu, compiled by gcc' $$;
    CREATE FUNCTION pg_catalog.get_shard_id_for_distribution_column(regclass, uuid)
        RETURNS text LANGUAGE sql AS $$ SELECT NULL::text $$;
    CREATE FUNCTION pg_catalog.run_command_on_all_nodes(command text,
            parallel boolean DEFAULT false,
            give_warning_for_connection_errors boolean DEFAULT false,
            OUT nodeid integer, OUT success boolean, OUT result text)
        RETURNS SETOF record LANGUAGE sql AS $$
        SELECT a.nodeid, a.success, a.result FROM cluster.answers AS a
        WHERE strpos(command, a.about) > 0 ORDER BY a.nodeid
        $$;
    CREATE FUNCTION cluster.distribute(p_table regclass, p_method "char", p_call text)
        RETURNS void LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO cluster.calls (call) VALUES (p_call);
            IF EXISTS (SELECT FROM pg_trigger WHERE tgrelid = p_table AND NOT tgisinternal) THEN
                RAISE 'triggers of % would run while its rows are copied', p_table;
            ELSIF EXISTS (
                SELECT FROM pg_constraint AS k
                WHERE k.conrelid = p_table AND k.contype = 'f' AND k.confrelid <> p_table
                    AND NOT EXISTS (
                        SELECT FROM pg_dist_partition WHERE logicalrelid = k.confrelid))
            THEN
                RAISE '% references a table that is not distributed', p_table;
            ELSIF current_setting('citus.multi_shard_modify_mode', true) <> 'sequential' THEN
                RAISE 'a transaction that distributes several tables is sequential';
            END IF;
            INSERT INTO pg_dist_partition VALUES (p_table, p_method);
        END
        $$;
    CREATE FUNCTION pg_catalog.create_distributed_table(table_name regclass,
            distribution_column text, distribution_type text DEFAULT 'hash',
            colocate_with text DEFAULT 'default', shard_count integer DEFAULT NULL)
        RETURNS void LANGUAGE sql AS $$
        SELECT cluster.distribute(table_name, 'h', concat_ws(' ', 'distributed', table_name,
            distribution_column, distribution_type, colocate_with, shard_count))
        $$;
    CREATE FUNCTION pg_catalog.create_reference_table(table_name regclass)
        RETURNS void LANGUAGE sql
        AS $$ SELECT cluster.distribute(table_name, 'n', 'reference ' || table_name) $$;
    CREATE FUNCTION pg_catalog.truncate_local_data_after_distributing_table(
            function_name regclass)
        RETURNS void LANGUAGE sql
        AS $$ INSERT INTO cluster.calls (call) VALUES ('emptied ' || function_name) $$;
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


def stand_in(database: Database) -> None:
    """Let a database look as one on the coordinator of a cluster with two more nodes."""
    database.execute(_CLUSTER.encode())


def put_guards(database: Database) -> None:
    """Change the guards of a database that is applied to those of a cluster."""
    stand_in(database)
    apply_objects(database, CITUS)
    for name in CONSTRAINTS:
        script.run(database, constraint(database, f"sql/applying/{name}.sql.j2"))


def put_guards_on_shards(database: Database) -> None:
    """Put the triggers of a cluster on a database whose partitions stand for shards.

    A trigger on a partition runs for rows that are written to it by its name. The constraints are
    left out: a partitioned table needs btree_gist for them.
    """
    cut_everything(database)
    stand_in(database)
    apply_objects(database, CITUS)
    database.execute(_SHARDS.encode())


def constraint(database: Database, path: str) -> str:
    """Return the statements that make a constraint, as this server can run them."""
    text = render(path, CITUS)
    if "gist" not in text:
        return text
    known = "SELECT FROM pg_available_extensions WHERE name = 'btree_gist'"
    if database.execute(known).fetchone() is not None:
        return text
    if database.execute("SELECT to_regtype('public.uuids')").fetchone() == (None,):
        database.execute(_RANGES.encode())
    text = re.sub(r"CREATE EXTENSION [^;]*;", "", text)
    for column, kind in (
        ("hashtextextended(schedule_key, 0)", "pg_catalog.int8range"),
        ("tenant", "public.uuids"),
        (" schedule_key", "public.texts"),
    ):
        text = text.replace(f"{column} WITH =", f"{kind}({column}, {column}, '[]') WITH =")
    return text
