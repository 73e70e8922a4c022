"""Stripe events from JSON Lines into the inbox, an event a transaction.

What an event says and what becomes of it, the database decides (``ledger.ingest_stripe_event``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO
from uuid import UUID

import psycopg

from duecourse import surface
from duecourse.database import Connection
from duecourse.errors import from_database_error

#: A longer line is read in pieces, none of which is a JSON object.
MAX_LINE_BYTES = 64 * 1024 * 1024

#: SQLSTATE classes that an event's own content raises: data, or a limit of the server.
_FAULTS_OF_AN_EVENT = ("22", "54")


@dataclass(frozen=True)
class Received:
    """What became of a line; ``reason`` says why nothing of it was kept."""

    number: int
    raw: bytes
    outcome: str
    reason: str | None = None


def ingest(connection: Connection, tenant: UUID, source: BinaryIO) -> Iterator[Received]:
    """Send every line to the inbox, each in a transaction of its own, and yield its outcome.

    ``unreadable`` is a line that holds no JSON value of the database; blank lines are passed over.
    The connection must be in autocommit and outside a transaction.
    """
    number = 0
    while raw := source.readline(MAX_LINE_BYTES):
        number += 1
        try:
            text = raw.decode("utf-8-sig" if number == 1 else "utf-8").strip()
        except UnicodeDecodeError as error:
            yield Received(number, raw, "unreadable", f"not UTF-8 at byte {error.start + 1}")
            continue
        if text:
            yield Received(number, raw, *_send(connection, tenant, text))


def _send(connection: Connection, tenant: UUID, text: str) -> tuple[str, str | None]:
    if "\0" in text:
        return "unreadable", "holds a NUL byte"
    given = {"tenant": tenant, "event": text}
    try:
        answer = surface.call(connection, "ledger.ingest_stripe_event", given)
    except psycopg.DatabaseError as error:
        if not (error.sqlstate or "").startswith(_FAULTS_OF_AN_EVENT):
            raise
        return "unreadable", from_database_error(error).message
    return answer["o_outcome"], answer["o_reason"]
