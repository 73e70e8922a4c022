"""One source for plain PostgreSQL and for a cluster by tenant: what only the first of them runs."""

import re
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import NamedTuple

import pytest

from duecourse.config import Config
from duecourse.frozen import names, text_of
from duecourse.objects import tokens
from tests.conftest import Database
from tests.engine.reading import code_of, statements
from tests.engine.writing import (
    MUTABLE,
    looks_at_its_writes,
    mutable_by_turns,
    mutable_of_columns,
    mutable_results,
    objects,
    recursion_beside_tables,
    simple_cases,
    words,
)

TRANSITION = re.compile(r"\b(?:OLD|NEW) TABLE AS (\w+)")
TRIGGER = re.compile(r"CREATE OR REPLACE TRIGGER \w+ (?:BEFORE|AFTER|INSTEAD OF) (.*?) ON ")
EMPTY_SELECT = re.compile(r"\bSELECT FROM (\w+ \. \w+)")
ITEM = re.compile(r"(?<!: : )\b((?:billing|ledger|ops) \. \w+)")


class Rule(NamedTuple):
    """What must not stand in SQL, and why; ``offender`` is SQL in which it is found."""

    why: str
    find: Callable[[str], list[str]]
    offender: str


@cache
def relations() -> dict[str, set[str]]:
    """Return the names of the tables and of the views that are made."""
    texts = [*objects().values(), *(text_of(name, Config()) for name in names())]
    found: dict[str, set[str]] = {"TABLE": set(), "VIEW": set()}
    for kind, name in re.findall(
        r"CREATE (?:OR REPLACE )?(TABLE|VIEW) (?:IF NOT EXISTS )?(\w+ \. \w+)",
        " ".join(map(code_of, texts)),
    ):
        found[kind].add(name)
    return found


def joined_transition_tables(text: str) -> list[str]:
    """Find statements that read a transition table and a table or a view."""
    transition = set(TRANSITION.findall(code_of(text)))
    there = relations()["TABLE"] | relations()["VIEW"]
    return [
        statement
        for statement in statements(text)
        if not transition.isdisjoint(statement.split())
        and "CREATE OR REPLACE TRIGGER" not in statement
        and not there.isdisjoint(ITEM.findall(statement))
    ]


def zones_of_the_session(text: str) -> list[str]:
    """Find settings of the time zone on what reads tables."""
    there = relations()["TABLE"] | relations()["VIEW"]
    found = re.findall(r"\bSET timezone\b", code_of(text))
    return [] if there.isdisjoint(ITEM.findall(code_of(text))) else found


def empty_selects_of_views(text: str) -> list[str]:
    """Find queries without a column over a view."""
    return [name for name in EMPTY_SELECT.findall(code_of(text)) if name in relations()["VIEW"]]


RULES = {
    "a transition table beside a table": Rule(
        "A transition table is local: read it alone, into arrays by tenant, and join those.",
        joined_transition_tables,
        """CREATE FUNCTION ops.f() RETURNS trigger LANGUAGE plpgsql AS $$
        BEGIN
            FOR v_tenant IN SELECT n.tenant FROM new_rows AS n LOOP
                IF EXISTS (
                    SELECT CASE WHEN true THEN 1 END
                    FROM billing.tenants AS t JOIN new_rows AS n ON n.tenant = t.tenant)
                THEN
                    RETURN NULL;
                END IF;
            END LOOP;
        END $$;
        CREATE OR REPLACE TRIGGER t AFTER INSERT ON billing.tenants REFERENCING NEW TABLE AS
        new_rows FOR EACH STATEMENT EXECUTE FUNCTION ops.f();""",
    ),
    "the name of a trigger or of its table": Rule(
        "Both have another name on each shard: read an argument of the trigger.",
        lambda text: re.findall(r"\bTG_(?:NAME|RELID|RELNAME|TABLE_NAME)\b", code_of(text)),
        "BEGIN IF TG_NAME = 'guard' THEN RETURN NULL; END IF; END",
    ),
    "a trigger of several events": Rule(
        "Where one of them is TRUNCATE it fires for none of the others: one trigger an event.",
        lambda text: [
            events
            for events in TRIGGER.findall(code_of(text))
            if re.search(r"\bOR\b", events)
        ],
        "CREATE OR REPLACE TRIGGER t BEFORE DELETE OR TRUNCATE ON billing.tenants"
        " FOR EACH STATEMENT EXECUTE FUNCTION ops.f();",
    ),
    "an empty select list over a view": Rule(
        "A view is expanded to a record of no columns: SELECT 1 FROM it.",
        empty_selects_of_views,
        "SELECT EXISTS (SELECT FROM ops.held_permissions AS p);",
    ),
    "a simple CASE in what an UPDATE sets": Rule(
        "A node is sent text = boolean for it: CASE WHEN x = 'a' THEN.",
        simple_cases,
        "UPDATE ops.runs AS r SET status = CASE r.status WHEN 'running' THEN 'done' END;",
    ),
    "a mutable function of a column in UPDATE or DELETE": Rule(
        "It is called once, before the rows are there: compute it into what is joined.",
        mutable_of_columns,
        "DELETE FROM ops.runs AS r WHERE r.tenant = p_tenant AND to_jsonb(r) ? 'a';",
    ),
    "a mutable function in a CASE of an UPDATE": Rule(
        "What may not be called at all cannot be called beforehand: into a variable first.",
        mutable_by_turns,
        "UPDATE ops.runs AS r SET error = CASE WHEN r.tenant IS NULL THEN now()::text END;",
    ),
    "a mutable function in RETURNING or ON CONFLICT": Rule(
        "Nodes return columns: read the rows again, or keep them in an array.",
        mutable_results,
        "UPDATE ops.runs AS r SET error = NULL WHERE r.tenant = p_tenant RETURNING to_jsonb(r);",
    ),
    "a query that reads what its own WITH writes": Rule(
        "Its parts run one after the other: count before the row is written.",
        looks_at_its_writes,
        "WITH w AS (INSERT INTO ops.runs (tenant) SELECT p_tenant RETURNING 1)"
        " SELECT count(*) FROM w CROSS JOIN ops.runs AS r;",
    ),
    "WITH RECURSIVE beside tables of no tenant": Rule(
        "It is sent whole to the shard of the one tenant that each of its tables names: none calls"
        " for a tenant, either.",
        recursion_beside_tables,
        "WITH RECURSIVE w AS (SELECT 1 UNION SELECT 2 FROM w)"
        " SELECT r.batches FROM w CROSS JOIN ops.runs AS r;",
    ),
    "a plan that is forced to be generic": Rule(
        "Without the tenant there is no plan.",
        lambda text: re.findall(r"\bforce_generic_plan\b", code_of(text)),
        "SET plan_cache_mode = force_generic_plan",
    ),
    "a bound of waits that stays on one node": Rule(
        "set_config does not reach the node that has the lock: SET LOCAL does.",
        lambda text: re.findall(r"set_config \( 'lock_timeout'", " ".join(tokens(text))),
        "SELECT set_config('lock_timeout', '1s', true);",
    ),
    "a time zone that only the session knows": Rule(
        "A node has its own: AT TIME ZONE where a day is cut, a time is read or written.",
        zones_of_the_session,
        "CREATE FUNCTION f() RETURNS date SET timezone = 'UTC' AS $$"
        " SELECT max(c.period_end_date) FROM billing.client_billing_cycles AS c $$;",
    ),
    "a day of the session": Rule(
        "Each node has its own: time is an argument.",
        lambda text: re.findall(
            r"\bcurrent_date\b|\blocaltimestamp\b|\bnow \( \) : ?: date\b", code_of(text)
        ),
        "SELECT now()::date;",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_what_offends_is_found(name: str) -> None:
    assert len(RULES[name].find(RULES[name].offender)) == 1


@pytest.mark.parametrize("name", RULES)
def test_no_object_offends(name: str) -> None:
    rule = RULES[name]
    offenders = {path: found for path, text in objects().items() if (found := rule.find(text))}
    assert offenders == {}, rule.why


def test_the_functions_that_are_mutable(shared_database: Database) -> None:
    called = {
        word
        for text in objects().values()
        for word, following in pairwise(words(text))
        if following == "("
    }
    assert {
        name
        for (name,) in shared_database.execute(
            "SELECT p.proname FROM pg_proc AS p WHERE p.proname = ANY (%s)"
            " AND p.pronamespace = 'pg_catalog'::regnamespace"
            " GROUP BY p.proname HAVING every(p.provolatile <> 'i')",
            (list(called),),
        )
    } == MUTABLE
