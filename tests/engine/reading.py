"""What the routines of a database read, in which statements: by their texts, and by probes.

A statement over a tenant's tables runs on the node of that tenant, if each of them says of which
it is; and there what it calls may ask no other node.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import NamedTuple

from duecourse.objects import tokens
from tests.conftest import Database

NAME = r"(?:billing|ledger|ops) \. \w+"
TABLE = re.compile(rf"\b(?:FROM|JOIN|INTO|UPDATE|USING) (?:ONLY )?({NAME})(?! \()")
FILLED = re.compile(rf"\bINTO ({NAME}) (?:AS \w+ )?\(")
CALL = re.compile(rf"(?<!INTO )\b({NAME}) \(")
REFERENCE = re.compile(rf"\b(?:FROM|JOIN|UPDATE|USING) (?:ONLY )?({NAME})(?! \()(?: AS (\w+))?")
ROWS = re.compile(rf"\b(\w+) (?:CONSTANT )?{NAME} \[ \]")

_RELATIONS = """
    SELECT n.nspname || ' . ' || c.relname, pg_get_viewdef(c.oid), EXISTS (
        SELECT FROM pg_attribute AS a WHERE a.attrelid = c.oid AND a.attname = 'tenant')
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname IN ('billing', 'ledger', 'ops') AND c.relkind IN ('r', 'p', 'v')
"""
_ROUTINES = """
    SELECT n.nspname || ' . ' || p.proname, p.prosrc, l.lanname = 'sql',
        p.prokind = 'f' AND p.prorettype <> 'trigger'::regtype AND l.lanname = 'plpgsql'
    FROM pg_proc AS p
    JOIN pg_namespace AS n ON n.oid = p.pronamespace
    JOIN pg_language AS l ON l.oid = p.prolang
    WHERE n.nspname IN ('billing', 'ledger', 'ops')
"""
_BEGIN = re.compile(r"^ *BEGIN\b", re.MULTILINE)

#: Warns, in a function that reads tables, when the statement that called it reads some, too.
_PROBE = """
    CREATE OR REPLACE FUNCTION public.probe() RETURNS void LANGUAGE plpgsql
    SET search_path = pg_catalog AS $probe$
    DECLARE
        v_frames text[];
        v_stack text;
    BEGIN
        GET DIAGNOSTICS v_stack = PG_CONTEXT;
        -- Of the probe, of who called it, of who called that.
        v_frames := string_to_array(E'\\n' || v_stack, E'\\nPL/pgSQL function ');
        IF cardinality(v_frames) > 3 AND substr(v_frames[3], strpos(v_frames[3], E'\\n'))
            ~ '\\m(FROM|JOIN|INTO|UPDATE|USING) +({tables})\\M'
        THEN
            RAISE WARNING USING
                MESSAGE = 'nested call',
                DETAIL = format('%%s calls %%s', v_frames[4], v_frames[3]);
        END IF;
    END $probe$
"""


class Nested(NamedTuple):
    """A call of a function that reads tables, in a statement that does."""

    caller: str
    called: str
    statement: str


@cache
def code_of(text: str) -> str:
    """Return the words and signs of SQL, one space apart, without comments and literals."""
    return " ".join(token for token in tokens(text) if not token.endswith("'"))


def statements(text: str) -> Iterator[str]:
    """Yield the code of each statement of a body."""
    words: list[str] = []
    cases = 0
    for word in code_of(text).split():
        cases = max(0, cases + (word == "CASE") - (word == "END"))
        if word in (";", "LOOP", "BEGIN", "DECLARE") or (word in ("THEN", "ELSE") and not cases):
            yield " ".join(words)
            words = []
        else:
            words.append(word)
    yield " ".join(words)


def query_at(statement: str, place: int) -> str:
    """Return the query of a statement in which a place is, as far as its parentheses reach."""
    before = until(statement[:place].split()[::-1], ")", "(")
    return " ".join([*before[::-1], *until(statement[place:].split(), "(", ")")])


def until(words: list[str], opens: str, closes: str) -> list[str]:
    """Return the words up to the parenthesis that ends them, or to the next query beside them."""
    depth = 0
    for count, word in enumerate(words):
        depth += (word == opens) - (word == closes)
        if depth < 0 or (not depth and word in ("UNION", "EXCEPT")):
            return words[:count]
    return words


class Code:
    """The routines and views of a database, by what they read."""

    def __init__(self, database: Database) -> None:
        relations = database.execute(_RELATIONS).fetchall()
        routines = database.execute(_ROUTINES).fetchall()
        self.bodies: dict[str, str] = {
            **{name: body for name, body, _, _ in routines},
            **{name: view for name, view, _ in relations if view},
        }
        self.probed = {name for name, _, _, is_probed in routines if is_probed}
        self.relations = {name for name, _, _ in relations}
        self.of_tenants = {name for name, _, has_tenant in relations if has_tenant}
        self.readers = self._readers({name for name, _, _, _ in routines})
        #: A query under a name: a part of the statement that it is written into.
        self.inlined = {name for name, _, is_sql, _ in routines if is_sql} & self.readers

    def _readers(self, routines: set[str]) -> set[str]:
        """Return the routines that read tables, or run what they were told, or call such."""
        called = {name: set(CALL.findall(code_of(self.bodies[name]))) for name in routines}
        found = {
            name
            for name in routines
            if self.tables(code := code_of(self.bodies[name]), self.relations)
            or "EXECUTE" in code.split()
        }
        while more := {name for name in routines - found if called[name] & found}:
            found |= more
        return found

    @staticmethod
    def tables(statement: str, among: set[str]) -> set[str]:
        """Return the tables and views that a statement reads or writes."""
        return {*TABLE.findall(statement), *FILLED.findall(statement)} & among

    def nested(self) -> Iterator[Nested]:
        """Yield every call in the text of a statement that reads a tenant's tables."""
        for name, body in sorted(self.bodies.items()):
            for statement in statements(body):
                called = set(CALL.findall(statement)) & self.readers
                if called & self.inlined or self.tables(statement, self.of_tenants):
                    for other in sorted(called - self.inlined):
                        yield Nested(name, other, statement)

    def unbound(self) -> Iterator[str]:
        """Yield every reference to a tenant's table whose own query does not say which tenant."""
        for name, body in sorted(self.bodies.items()):
            if name in self.relations:
                continue
            for statement in statements(body):
                for found in REFERENCE.finditer(statement):
                    table, alias = found[1], found[2] or found[1].rpartition(" ")[2]
                    bound = rf"\b{alias} \. tenant (?:= (?:p_|v_|NEW|OLD|ANY|coalesce)|IN )"
                    if table in self.of_tenants and not re.search(
                        bound, query_at(statement, found.start())
                    ):
                        yield f"{name}: {table} AS {alias}"

    def kept_queries(self) -> Iterator[str]:
        """Yield the assignments of a query's rows, each a row of a table or type, to a variable."""
        for name, body in sorted(self.bodies.items()):
            arrays = set(ROWS.findall(code_of(body)))
            for statement in statements(body):
                target, _, value = statement.partition(" : = ")
                if target in arrays and value.startswith("ARRAY ( "):
                    yield f"{name}: {statement}"

    def probe(self, database: Database) -> None:
        """Put a probe into each function that reads tables, where its code begins."""
        tables = "|".join(name.replace(" . ", r"\.") for name in sorted(self.of_tenants))
        database.execute(_PROBE.format(tables=tables).replace("%%", "%").encode())
        rows = database.execute(
            "SELECT n.nspname || ' . ' || p.proname, pg_get_functiondef(p.oid) FROM pg_proc AS p"
            " JOIN pg_namespace AS n ON n.oid = p.pronamespace"
            " WHERE n.nspname IN ('billing', 'ledger', 'ops') AND p.prokind <> 'a'"
        ).fetchall()
        for name, definition in rows:
            if name in self.readers & self.probed:
                text, found = _BEGIN.subn("BEGIN PERFORM public.probe();", definition, count=1)
                assert found == 1, name
                database.execute(text.encode())
