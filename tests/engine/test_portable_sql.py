"""One source for plain PostgreSQL and for a cluster by tenant: what only the first of them runs."""

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

import pytest

from duecourse.config import Config
from duecourse.frozen import names, text_of
from duecourse.objects import object_paths, tokens
from duecourse.render import render

TRANSITION = re.compile(r"\b(?:OLD|NEW) TABLE AS (\w+)")
TRIGGER = re.compile(r"CREATE OR REPLACE TRIGGER \w+ (?:BEFORE|AFTER|INSTEAD OF) (.*?) ON ")
EMPTY_SELECT = re.compile(r"\bSELECT FROM (\w+ \. \w+)")
ITEM = re.compile(r"(?<!:: )\b((?:billing|ledger|ops) \. \w+)")


class Rule(NamedTuple):
    """What must not stand in SQL, and why; ``offender`` is SQL in which it is found."""

    why: str
    find: Callable[[str], list[str]]
    offender: str


def code_of(text: str) -> str:
    """Return the words and signs of SQL, one space apart, without comments and literals."""
    return " ".join(token for token in tokens(text) if not token.endswith("'"))


def statements(text: str) -> Iterator[str]:
    """Yield the code of each statement, those in the bodies of routines too."""
    words: list[str] = []
    cases = 0
    for word in code_of(text).split():
        cases = max(0, cases + (word == "CASE") - (word == "END"))
        if word in (";", "LOOP", "BEGIN") or (word in ("THEN", "ELSE") and not cases):
            yield " ".join(words)
            words = []
        else:
            words.append(word)
    yield " ".join(words)


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


@cache
def objects() -> dict[str, str]:
    """Return the files of all objects, as they are rendered."""
    return {path: render(path, Config()) for path in object_paths()}


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


def empty_selects_of_views(text: str) -> list[str]:
    """Find queries without a column over a view."""
    return [name for name in EMPTY_SELECT.findall(code_of(text)) if name in relations()["VIEW"]]


RULES = {
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
}  # fmt: skip


@pytest.mark.parametrize("name", RULES)
def test_what_offends_is_found(name: str) -> None:
    assert len(RULES[name].find(RULES[name].offender)) == 1


@pytest.mark.parametrize("name", RULES)
def test_no_object_offends(name: str) -> None:
    rule = RULES[name]
    offenders = {path: found for path, text in objects().items() if (found := rule.find(text))}
    assert offenders == {}, rule.why
