"""The statements of rendered SQL that write: what they set, return, and read afterwards."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise

from duecourse.config import Config
from duecourse.objects import object_paths, tokens
from duecourse.render import render

#: Functions of the catalog whose answer is not of their arguments alone; a test holds the list.
_MUTABLE = """
    aclexplode array_to_string clock_timestamp concat concat_ws convert_to current_database
    current_setting format format_type gen_random_uuid jsonb_agg jsonb_build_array
    jsonb_build_object jsonb_populate_record jsonb_populate_recordset jsonb_to_record
    jsonb_to_recordset now obj_description pg_backend_pid pg_blocking_pids pg_current_wal_lsn
    pg_current_wal_insert_lsn pg_describe_object pg_get_constraintdef pg_get_expr
    pg_get_function_arg_default pg_get_functiondef pg_get_indexdef pg_get_ruledef
    pg_get_triggerdef pg_get_userbyid pg_get_viewdef pg_has_role pg_identify_object
    pg_is_in_recovery pg_partition_tree pg_relation_size pg_sleep pg_stat_get_activity
    set_config statement_timestamp to_char to_date to_jsonb to_regclass to_regnamespace
    to_regrole
"""
MUTABLE = frozenset(_MUTABLE.split())
VOLATILE = frozenset(("clock_timestamp", "gen_random_uuid", "random"))
FUNCTION = re.compile(r"CREATE OR REPLACE FUNCTION (\w+ \. \w+) \((.*?)AS \$\w*\$")
CLAUSES = {"UPDATE", "DELETE", "SET", "FROM", "USING", "WHERE", "RETURNING"}


@cache
def objects() -> dict[str, str]:
    """Return the files of all objects, as they are rendered for a cluster."""
    return {path: render(path, Config(citus=True)) for path in object_paths()}


@cache
def own_mutable() -> frozenset[str]:
    """Return those functions of ours that are not declared IMMUTABLE."""
    found = [FUNCTION.findall(" ".join(words(text))) for text in objects().values()]
    return frozenset(name for name, head in chain(*found) if " IMMUTABLE " not in f" {head} ")


@cache
def words(text: str) -> list[str]:
    """Return the words and signs of SQL without comments; a literal is ''."""
    return ["''" if token.endswith("'") else token for token in tokens(text)]


def inside(code: list[str], start: int) -> list[str]:
    """Return what stands from a place to the end of its parentheses or of its statement."""
    depth = 0
    for place, word in enumerate(code[start:], start):
        depth += (word == "(") - (word == ")")
        if depth < 0 or (word == ";" and not depth):
            return code[start:place]
    return code[start:]


@dataclass(frozen=True)
class Change:
    """An UPDATE, DELETE or INSERT: its words, cut at its own clauses."""

    kind: str
    table: str
    clauses: dict[str, list[str]]
    code: list[str]

    @property
    def aliases(self) -> set[str]:
        """Return the names under which it has rows or columns."""
        return set(re.findall(r"\bAS (\w+)", " ".join(self.code)))


def changes(text: str) -> Iterator[Change]:
    """Yield the writing statements of SQL, those in WITH and in bodies of routines too."""
    code = words(text)
    for place, word in enumerate(code):
        before = code[place - 1] if place else ""
        if word == "UPDATE" and before not in ("FOR", "KEY", "DO", "OR", "BEFORE", "AFTER", "ON"):
            start = place + 1
        elif (word, code[place + 1 : place + 2]) in (("DELETE", ["FROM"]), ("INSERT", ["INTO"])):
            start = place + 2
        else:
            continue
        if code[start + 1 : start + 2] == ["."]:
            found = inside(code, place)
            yield Change(word, " ".join(code[start : start + 3]), clauses_of(found), found)


def clauses_of(code: list[str]) -> dict[str, list[str]]:
    """Return the clauses of a writing statement by their first word; those of a conflict too."""
    clauses: dict[str, list[str]] = {}
    depth, current = 0, ""
    for place, word in enumerate(code):
        depth += (word == "(") - (word == ")")
        if not depth and word in CLAUSES and not (word == "FROM" and code[place - 1] == "DISTINCT"):
            current = word if current != "CONFLICT" or word == "RETURNING" else current
        elif not depth and word == "CONFLICT":
            current = "CONFLICT"
        clauses.setdefault(current, []).append(word)
    return clauses


def calls(code: list[str], names: frozenset[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield each call of a function of the catalog, or of ours, with its arguments."""
    for place, word in enumerate(code):
        if word != "(" or not place:
            continue
        own = " ".join(code[place - 3 : place])
        name = own if place > 2 and code[place - 2] == "." else code[place - 1]
        if name.replace("pg_catalog . ", "") in names:
            yield name, inside(code, place + 1)


def of_columns(change: Change, arguments: list[str]) -> bool:
    """Whether a column, or a row, of the statement is among arguments."""
    return any(word in change.aliases for word in arguments)


def simple_cases(text: str) -> list[str]:
    """Find CASE x WHEN in what an UPDATE sets."""
    return [
        f"{change.table}: CASE {following}"
        for change in changes(text)
        for clause in ("SET", "CONFLICT")
        for word, following in pairwise(change.clauses.get(clause, []))
        if word == "CASE" and following != "WHEN"
    ]


def mutable_of_columns(text: str) -> list[str]:
    """Find calls in UPDATE and DELETE that a node would have to make for each row."""
    mutable = MUTABLE | own_mutable()
    return [
        f"{change.kind} {change.table}: {name}"
        for change in changes(text)
        if change.kind != "INSERT"
        for clause in ("SET", "FROM", "USING", "WHERE")
        for name, arguments in calls(change.clauses.get(clause, []), mutable)
        if name in VOLATILE or of_columns(change, arguments)
    ]


def mutable_by_turns(text: str) -> list[str]:
    """Find calls that an UPDATE makes in CASE or coalesce, which may not be made beforehand."""
    mutable = MUTABLE | own_mutable()
    found = []
    for change in changes(text):
        for clause in ("SET", "WHERE") if change.kind != "INSERT" else ():
            code = change.clauses.get(clause, [])
            for place, word in enumerate(code):
                if word == "CASE":
                    part = code[place : code.index("END", place)]
                elif word == "coalesce":
                    part = inside(code, place + 2)
                else:
                    continue
                found += [f"{change.table}: {word} {name}" for name, _ in calls(part, mutable)]
    return found


def mutable_results(text: str) -> list[str]:
    """Find calls in RETURNING, and in what a conflict sets, that are not of arguments alone."""
    mutable = MUTABLE | own_mutable()
    return [
        f"{change.kind} {change.table}: {name}"
        for change in changes(text)
        for clause in ("RETURNING", "CONFLICT")
        for name, _ in calls(change.clauses.get(clause, []), mutable)
    ]


def looks_at_its_writes(text: str) -> list[str]:
    """Find queries that read a table to which a part of their WITH before them writes."""
    code, found = words(text), []
    for place in (place for place, word in enumerate(code) if word == "WITH"):
        parts, query = with_of(inside(code, place))
        written: set[str] = set()
        for part in [*parts, query]:
            read = re.findall(r"\b(?:FROM|JOIN) (\w+ \. \w+)", " ".join(part))
            if part[:1] != ["DELETE"]:
                found += sorted(written & set(read))
            written |= {change.table for change in changes(" ".join(part))}
    return found


def with_of(code: list[str]) -> tuple[list[list[str]], list[str]]:
    """Return the queries that a WITH names, and the statement after them."""
    parts: list[list[str]] = []
    place = 1 + (code[1:2] == ["RECURSIVE"])
    while code[place + 1 : place + 2] == ["AS"] and code[1] != "ORDINALITY":
        start = code.index("(", place + 1) + 1
        parts.append(inside(code, start))
        place = start + len(parts[-1]) + 1
        if code[place : place + 1] != [","]:
            break
        place += 1
    return parts, code[place:]


def recursion_beside_tables(text: str) -> list[str]:
    """Find tables without a tenant of their own, and calls for a tenant, beside WITH RECURSIVE."""
    code, found = words(text), []
    for place in (place for place, word in enumerate(code) if word == "RECURSIVE"):
        statement = " ".join(inside(code, place))
        found += re.findall(r"\b(\w+ \. \w+) \( (?:p_tenant =>)?p_tenant", statement)
        for table, alias in re.findall(
            r"\b(?:FROM|JOIN) ((?:billing|ledger|ops) \. \w+) AS (\w+)", statement
        ):
            if f"{alias} . tenant = p_tenant" not in statement:
                found.append(table)
    return found
