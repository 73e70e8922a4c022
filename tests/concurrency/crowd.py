"""Many sessions that ask for something at the same moment, and what each is told."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import Barrier

import psycopg
from psycopg import errors

from tests.conftest import Database
from tests.service_periods.books import Row, perform

_SECONDS = 60
_TRIES = 500


@dataclass(frozen=True)
class Request:
    """A CALL."""

    procedure: str
    arguments: Row


@dataclass(frozen=True)
class Answer:
    """What became of a request: its INOUT results, or its SQLSTATE; how often it was retried."""

    request: Request
    result: Row
    sqlstate: str
    retries: int

    @property
    def ending(self) -> str:
        """How it ended, in a word."""
        return self.result.get("o_status") or self.sqlstate


def answers(dsn: str, level: str, requests: Sequence[Request]) -> list[Answer]:
    """Send all requests at once, each in a session of its own; only 40001 is tried again."""
    barrier = Barrier(len(requests), timeout=_SECONDS)

    def send(request: Request) -> Answer:
        with psycopg.connect(dsn, autocommit=True) as database:
            database.execute(f"SET default_transaction_isolation = '{level}'".encode())
            barrier.wait()
            return _answer(database, request)

    with ThreadPoolExecutor(len(requests)) as threads:
        return list(threads.map(send, requests, timeout=_SECONDS))


def _answer(database: Database, request: Request) -> Answer:
    for retries in range(_TRIES):
        try:
            result = perform(database, request.procedure, request.arguments)
        except errors.SerializationFailure:
            continue
        except psycopg.Error as error:
            return Answer(request, {}, error.sqlstate or "?", retries)
        return Answer(request, result, "00000", retries)
    raise AssertionError(f"never came to its turn: {request}")
