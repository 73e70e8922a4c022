"""A cluster by tenant without a cluster: every table cut by tenant, and the other parts locked.

A statement is planned over those partitions of a table that can hold its tenant, if it says so of
that table, and takes no lock on others. Where another session has these locked, one that does not
say so waits, which PostgreSQL tells with the routine, the line and the statement.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from psycopg.errors import Diagnostic

from tests.conftest import Database
from tests.test_readings import Scene

#: Every table of tenants is cut in two, as the ledger is cut.
_CUT = """
DO $$
DECLARE
    v_table regclass;
    v_key text;
    v_names text[] := '{}';
BEGIN
    FOR v_table IN
        SELECT c.oid
        FROM pg_class AS c
        JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attname = 'tenant'
        WHERE c.relnamespace::regnamespace::text IN ('billing', 'ledger', 'ops')
            AND c.relkind = 'r'
        ORDER BY c.oid
    LOOP
        PERFORM ops._begin_move(v_table, 2);
        WHILE ops._make_next_key(v_table) IS NOT NULL LOOP
        END LOOP;
        v_names := v_names || v_table::text;
        PERFORM ops._end_moves(ARRAY[v_table]);
        FOR v_key IN
            SELECT format('ALTER TABLE %s VALIDATE CONSTRAINT %I', k.conrelid::regclass, k.conname)
            FROM pg_constraint AS k
            WHERE k.contype = 'f' AND NOT k.convalidated AND k.conparentid = 0
        LOOP
            EXECUTE v_key;
        END LOOP;
    END LOOP;
    PERFORM ops._record_partitions(v_names::regclass[]);
END
$$
"""
#: What names its table alone and is sent to every shard of it.
_UTILITY = """
DO $$
DECLARE
    v_routine text;
BEGIN
    FOR v_routine IN
        SELECT regexp_replace(
            pg_get_functiondef(p.oid), '^( +)(ANALYZE|LOCK TABLE) [^;]*;', '\\1NULL;', 'gn')
        FROM pg_proc AS p
        WHERE p.pronamespace::regnamespace::text IN ('billing', 'ledger', 'ops')
            AND p.prosrc ~ '(?n)^ +(ANALYZE|LOCK TABLE) '
    LOOP
        EXECUTE v_routine;
    END LOOP;
END
$$
"""
_OTHERS = """
SELECT string_agg(c.oid::regclass::text, ', ')
FROM pg_class AS c
WHERE c.relispartition AND c.relkind = 'r'
    AND NOT satisfies_hash_partition(
        'billing.tenants'::regclass, 2, substring(c.relname, '_(\\d)_of_2$')::integer,
        %s::uuid)
"""
#: Their texts as they are now are those that were applied.
_APPLIED = """
UPDATE ops.applied_catalog AS a
SET statement = pg_get_functiondef(p.oid), fingerprint = md5(pg_get_functiondef(p.oid))
FROM pg_proc AS p, pg_identify_object('pg_proc'::regclass, p.oid, 0) AS i
WHERE p.prosrc ~ '(?n)^ +NULL;' AND a.identity = i.type || ' ' || i.identity AND a.place = 1
"""
_WAITING = re.compile(r"still waiting for \w+ on relation (\d+) ")
_STATEMENT = re.compile(r'^SQL statement "(.*?)"$', re.DOTALL | re.MULTILINE)
_FUNCTION = re.compile(r"^PL/pgSQL function (\S+?)\(.*?\) line (\d+)", re.MULTILINE)
#: Clocks, ids that are drawn (those of the scene are not), what is made of them.
_CHANGING = re.compile(
    r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(?:\.\d+)?(?:[+-]\d\d(?::?\d\d)?|Z)?"
    r"|datetime\.datetime\([^)]*\)\)?|datetime\.timedelta\([^)]*\)"
    r"|\b(?!00000000)[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
    r"|\bDC-[0-9A-F]{12}|\b[0-9a-f]{32}\b|(?<=-)[0-9a-f]{8}(?=[,:'\"])"
    r"|(?<='backend_pid': )\d+|(?<='rate': )Decimal\([^)]*\)|(?<='seconds': )[\d.]+"
)


def cut_everything(database: Database) -> None:
    """Cut every table of tenants in two, and let the utility commands of routines be."""
    for statement in (_CUT, _UTILITY, _APPLIED):
        database.execute(statement.encode())
    database.execute(
        "SET plan_cache_mode = force_custom_plan; SET log_lock_waits = on;"
        " SET deadlock_timeout = '5ms'; SET client_min_messages = log"
    )


@dataclass
class World:
    """A database with its scene, and the session that keeps the others' partitions, if any does."""

    scene: Scene
    keeper: Database | None = None
    offenders: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.database.add_notice_handler(self._hear)

    @property
    def database(self) -> Database:
        """The session of the scene."""
        return self.scene.database

    def perform(self, act: Callable[[Scene], Any], tenant: UUID | None = None) -> list[str]:
        """Do something while the partitions that do not hold a tenant are kept; return its rows."""
        if self.keeper:
            whose = tenant or self.scene.books.tenant
            [(others,)] = self.keeper.execute(_OTHERS, [whose])
            self.keeper.execute(f"LOCK TABLE {others} IN ACCESS EXCLUSIVE MODE".encode())
        try:
            rows = act(self.scene)
        finally:
            if self.keeper:
                self.keeper.rollback()
        return sorted(map(steady, rows if isinstance(rows, list) else [rows]))

    def _hear(self, told: Diagnostic) -> None:
        """Remember who waits for such a partition, and where, and let it have it."""
        waiting = _WAITING.search(told.message_primary or "")
        if waiting and self.keeper:
            [(table, statement)] = self.keeper.execute(
                "SELECT h.inhparent::regclass::text, a.query"
                " FROM pg_inherits AS h, pg_stat_activity AS a"
                " WHERE h.inhrelid = %s AND a.pid = %s",
                [int(waiting[1]), self.database.info.backend_pid],
            )
            self.offenders.append(f"{table} in {place_of(told, statement)}")
            self.keeper.rollback()


def place_of(told: Diagnostic, sent: str) -> str:
    """Return the routine and the line that something is told of, and how its statement begins.

    ``sent``: the statement of the session, for what is in no routine.
    """
    context = told.context or ""
    function, statement = _FUNCTION.search(context), _STATEMENT.search(context)
    if function is None:
        return " ".join(sent.split()[:12])
    words = " ".join(statement[1].split()[:12]) if statement else ""
    return f"{function[1]}, line {function[2]}: {words}".rstrip(": ")


def steady(row: object) -> str:
    """Return a row as text, without clocks and ids that are drawn."""
    return _CHANGING.sub("…", str(row))
