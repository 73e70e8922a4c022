"""The same books in tables of ours and in their own system's, for the tests of a module."""

from collections.abc import Iterator
from typing import NamedTuple

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.books import HARBOR, NORTHLIGHT
from tests.conftest import Database, clone


class Pair(NamedTuple):
    """The same books in tables of ours, and in their own system's."""

    native: Database
    adopted: Database


@pytest.fixture(scope="module")
def pair(books_server: NoopExecutor, shared_alga: Database) -> Iterator[Pair]:
    """Yield connections in autocommit to both, for the tests of a module in their order."""
    for tenant in (NORTHLIGHT, HARBOR):
        shared_alga.execute("CALL billing.judge_ledger(%s)", (tenant,))
    with (
        clone(books_server, "_native") as dsn,
        psycopg.connect(dsn, autocommit=True) as native,
    ):
        yield Pair(native, shared_alga)
