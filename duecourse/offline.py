"""Offline planning: JSON Lines in, the database's answers out, nothing stored.

A line is an input object or ``{"id": …, "input": {…}}``. Lines go to ``billing.offline`` as they
came, many at once, and its answers come back as text, so no number changes on the way. When the
database refuses a line of a chunk, the chunk is halved until the line stands alone: that one
becomes a `Fault`, the others are answered.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

import psycopg
from psycopg import sql

from duecourse.config import Config
from duecourse.database import Connection, own_names
from duecourse.errors import DuecourseError, from_database_error

OPERATIONS = (
    "coverage",
    "candidates_client",
    "candidates_contract",
    "backfill",
    "regenerate",
    "transitions",
    "mutation_permissions",
    "triggers",
    "parity",
    "due_selection",
    "linkage",
    "edits",
    "charge_backfill",
    "balances",
    "stripe_inbox",
)

CHUNK_LINES = 250
CHUNK_BYTES = 4 * 1024 * 1024
MAX_LINE_BYTES = 64 * 1024 * 1024
_SHOWN_CHARACTERS = 300

#: SQLSTATE classes that a line's own content raises: data, a limit of the server, our bad input.
_FAULTS_OF_A_LINE = ("22", "54", "DC0")


@dataclass(frozen=True)
class Line:
    """A line of the input, and its number from 1."""

    number: int
    text: str


@dataclass(frozen=True)
class Fault:
    """A line that could not be read, and why."""

    number: int
    reason: str


def answers(
    connection: Connection, config: Config, operation: str, source: BinaryIO
) -> Iterator[str | Fault]:
    """Yield the answer to each line of a file, as JSON text in the order of the lines.

    Each chunk is planned in a READ ONLY transaction of its own, so that none stays open while the
    next line is awaited. The connection must be in autocommit and outside a transaction.
    """
    connection.read_only = True
    query = sql.SQL(
        "SELECT answer::text FROM {}.offline(%s, %b::jsonb[]) ORDER BY position"
    ).format(sql.Identifier(config.billing))
    for chunk in _chunks(source):
        if isinstance(chunk, Fault):
            yield chunk
        else:
            yield from _plan(connection, query, operation, chunk)


def _plan(
    connection: Connection, query: sql.Composed, operation: str, chunk: list[Line]
) -> Iterator[str | Fault]:
    try:
        with own_names(connection):
            rows = connection.execute(query, (operation, [line.text for line in chunk])).fetchall()
    except psycopg.DatabaseError as error:
        if not (error.sqlstate or "").startswith(_FAULTS_OF_A_LINE):
            raise
        if len(chunk) == 1:
            yield Fault(chunk[0].number, _shortened(from_database_error(error)))
            return
        middle = len(chunk) // 2
        yield from _plan(connection, query, operation, chunk[:middle])
        yield from _plan(connection, query, operation, chunk[middle:])
    else:
        yield from (answer for (answer,) in rows)


def _shortened(error: DuecourseError) -> str:
    """Return the error's line; what it shows of the input may be of any length."""
    if len(error.message) > _SHOWN_CHARACTERS:
        error.message = f"{error.message[:_SHOWN_CHARACTERS]}…"
    return str(error)


def _chunks(source: BinaryIO) -> Iterator[list[Line] | Fault]:
    """Group lines up to a number and a size; a fault comes where its line stood."""
    chunk: list[Line] = []
    size = 0
    for line in _lines(source):
        if isinstance(line, Line):
            chunk.append(line)
            size += len(line.text)
        if chunk and (isinstance(line, Fault) or len(chunk) == CHUNK_LINES or size >= CHUNK_BYTES):
            yield chunk
            chunk, size = [], 0
        if isinstance(line, Fault):
            yield line
    if chunk:
        yield chunk


def _lines(source: BinaryIO) -> Iterator[Line | Fault]:
    """Read lines of UTF-8, with or without a byte order mark and CRs; blank ones are left out."""
    number = 0
    while raw := source.readline(MAX_LINE_BYTES):
        number += 1
        if len(raw) == MAX_LINE_BYTES and not raw.endswith(b"\n"):
            while (rest := source.readline(MAX_LINE_BYTES)) and not rest.endswith(b"\n"):
                pass
            yield Fault(number, f"longer than {MAX_LINE_BYTES} bytes — split the input")
            continue
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            yield Fault(number, f"not UTF-8 at byte {error.start + 1} — save the file as UTF-8")
            continue
        if "\0" in text:
            yield Fault(number, "holds a NUL byte — JSON text has none")
        elif text:
            yield Line(number, text)
