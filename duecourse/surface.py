"""SELECT and CALL of the SQL surface, arguments by name; what is not given keeps its default.

A routine is of schema billing, unless its name says ``ops.`` or ``ledger.``.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any

from psycopg import Cursor, IsolationLevel, sql
from psycopg.errors import InsufficientPrivilege
from psycopg.rows import dict_row
from psycopg.types.composite import CompositeInfo, register_composite

from duecourse.config import load
from duecourse.database import Connection, own_names, query
from duecourse.operations import Operation

Row = dict[str, Any]
Arguments = Mapping[str, object]

_FETCHED_AT_ONCE = 2_000


@contextmanager
def snapshot(connection: Connection, tenant: object = None) -> Iterator[None]:
    """Look at one state of the database for the length of the block; nothing can be written.

    In an adopted database, what its own system has written is judged first: the ledger of `tenant`.
    """
    if tenant is not None:
        judge(connection, tenant)
    connection.isolation_level = IsolationLevel.REPEATABLE_READ
    connection.read_only = True
    with connection.transaction():
        yield
    connection.isolation_level = connection.read_only = None


def judge(connection: Connection, tenant: object) -> None:
    """Judge what another system wrote into the ledger of a tenant, if it was adopted."""
    [(is_adopted,)] = query(connection, "judges_ledger", load())
    if is_adopted:
        call(connection, "judge_ledger", {"tenant": tenant})


def select(
    connection: Connection, function: str, arguments: Arguments, columns: Sequence[str] = ()
) -> Iterator[Row]:
    """Yield the rows of a reading, or some columns of it, a few at a time; inside a `snapshot`."""
    given = _given(arguments)
    with connection.cursor(function, row_factory=dict_row) as cursor:
        cursor.itersize = _FETCHED_AT_ONCE
        chosen = sql.SQL(", ").join(map(sql.Identifier, columns)) if columns else sql.SQL("*")
        cursor.execute(_statement(sql.SQL("SELECT {} FROM").format(chosen), function, given), given)
        yield from cursor


def read_ledger_rows_as_objects(connection: Connection) -> None:
    """Let a column that holds a row of the ledger come as a mapping instead of as text."""
    table = sql.Identifier(load().billing, "recurring_service_periods")
    with own_names(connection):
        info = CompositeInfo.fetch(connection, table)
    if info:
        names = info.field_names
        register_composite(info, connection, lambda *values: dict(zip(names, values, strict=True)))


def call(connection: Connection, procedure: str, arguments: Arguments) -> Row:
    """Call a procedure outside of a transaction, as it commits; return its INOUT results."""
    given = _given(arguments)
    cursor: Cursor[Row] = connection.cursor(row_factory=dict_row)
    cursor.execute(_statement(sql.SQL("CALL"), procedure, given), given)
    row = cursor.fetchone() if cursor.description else {}
    assert row is not None
    return row


def summary(connection: Connection, operation: Operation, arguments: Arguments) -> Row | None:
    """Return the counts of a plan, with its hash; None to whoever may run it, but not read it."""
    planned = {name: arguments[name] for name in operation.planned}
    with suppress(InsufficientPrivilege), snapshot(connection, arguments["tenant"]):
        [row] = select(connection, operation.summary, {**planned, **operation.fixed})
        return row
    return None


def _given(arguments: Arguments) -> dict[str, object]:
    """Return the arguments to pass: those that have a value, and always the tenant."""
    return {
        name if name.startswith("o_") else f"p_{name}": value
        for name, value in arguments.items()
        if value is not None or name == "tenant"
    }


def _statement(verb: sql.Composable, routine: str, given: Mapping[str, object]) -> sql.Composed:
    named = (
        sql.SQL("{} => {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in given
    )
    schema, name = routine.split(".") if "." in routine else ("billing", routine)
    return sql.SQL("{} {}({})").format(
        verb, sql.Identifier(getattr(load(), schema), name), sql.SQL(", ").join(named)
    )
