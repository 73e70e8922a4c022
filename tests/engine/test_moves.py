"""A ledger that has rows is moved: what it is meanwhile, killed, locked out, given up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import errors

from duecourse import engine
from duecourse.config import Config, load
from duecourse.errors import DuecourseError
from duecourse.migrate import apply
from tests.charges.owner import Owner
from tests.charges.runs import backfill
from tests.concurrency.sessions import until
from tests.conftest import Database
from tests.engine.test_partition_ledger import (
    LEDGER,
    TABLES,
    Partitions,
    assert_no_difference,
    cut,
    partitions,
    partitions_of,
    raises,
)
from tests.service_periods.books import Books, fill

__all__ = ["partitions"]


@pytest.fixture
def rows(database: Database) -> int:
    """Fill the ledgers of some tenants; return how many rows there are to move."""
    for _ in range(3):
        books = Books(database)
        fill(books, 25)
        books.call()
        owner = Owner(database)
        owner.payment()
        backfill(owner)
        owner.reverse(owner.post(type="credit", description="Given", amount_cents=-500))
    return sum(found[0] for found in contents(database).values())


def contents(database: Database) -> dict[str, Any]:
    """Return how many rows the tables have, and a hash over all of them."""
    found = {}
    for table in TABLES:
        count = "SELECT count(*), md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {} AS t"
        [found[table]] = database.execute(count.format(table).encode())
    return found


def kill(dsn: str, observer: Database) -> None:
    """Begin a move and kill its session when the ledger is copied, and the charges are not."""
    with psycopg.connect(dsn, autocommit=True) as victim, psycopg.connect(dsn) as gate:
        pid = victim.info.backend_pid

        def hear(told: errors.Diagnostic) -> None:
            victim.remove_notice_handler(hear)
            gate.execute(
                "SELECT FROM ops.partition_moves AS m WHERE m.table_name = 'ledger.charges'"
                " FOR UPDATE"
            )
            until(observer, "SELECT pg_blocking_pids(%s) <> '{}'", [pid])
            observer.execute("SELECT pg_terminate_backend(%s)", [pid])

        victim.add_notice_handler(hear)
        with pytest.raises(psycopg.OperationalError):
            cut(victim, 4, batch_pages=1)


@contextmanager
def refused(database: Database, table: str, verb: str) -> Iterator[None]:
    """Expect that a table that is moved takes no writes."""
    with raises(
        "DC502",
        f"{verb} on {table}, which is being moved into 4 partitions",
        "Wait for its end; if nobody runs it: CALL ops.partition_ledger(4);",
    ):
        yield


def test_nothing_is_lost(database: Database, rows: int) -> None:
    before = contents(database)
    assert cut(database, 4, batch_pages=3) == (rows, "done")
    assert [partitions_of(database, table) for table in TABLES] == [4, 4, 4]
    assert contents(database) == before
    assert_no_difference(database)
    assert database.execute(
        "SELECT count(*) FROM pg_class WHERE relname ~ 'moving' OR reltuples < 0 AND oid IN"
        f" ('{LEDGER}'::regclass, 'ledger.charges'::regclass)"
    ).fetchall() == [(0,)]
    assert cut(database, 7, batch_pages=3) == (rows, "done")
    assert cut(database, 0) == (rows, "done")
    assert contents(database) == before
    assert_no_difference(database)


def test_killed_it_goes_on(database: Database, dsn: str, rows: int, partitions: Partitions) -> None:
    before = contents(database)
    kill(dsn, database)
    assert contents(database) == before
    for table in TABLES:
        with refused(database, table, "INSERT"):
            database.execute(f"INSERT INTO {table} (tenant) SELECT NULL WHERE false".encode())
        with refused(database, table, "UPDATE"):
            database.execute(f"UPDATE {table} SET tenant = tenant".encode())
    with refused(database, LEDGER, "DELETE"):
        database.execute(f"DELETE FROM {LEDGER}")
    found = engine.look(database, Config(ledger_partitions=4))
    [(copied,)] = database.execute(
        "SELECT m.pages FROM ops.partition_moves AS m WHERE m.table_name = %s", [LEDGER]
    )
    assert (found.partitions, found.moving, found.pages_copied) == (0, 4, copied)
    assert found.told == (
        f"no partitions of the ledger, on the way to 4 ({copied} of {found.pages} pages);"
        " duecourse.toml says 4"
    )
    for wanted in (0, 8):
        partitions(wanted)
        with pytest.raises(DuecourseError) as raised:
            apply(dsn)
        assert raised.value.message == (
            "the ledger is on the way to 4 partitions, and [engine] ledger_partitions says "
            + (str(wanted) if wanted else "nothing")
        )
        assert raised.value.hint == (
            "let it end: CALL ops.partition_ledger(4); or give it up: CALL ops.partition_ledger(0)"
        )
    assert cut(database, 4, batch_pages=1) == (rows - before[LEDGER][0], "done")
    assert contents(database) == before
    partitions(4)
    assert apply(dsn).partitions is None
    assert engine.look(database, load()).told == "4 partitions of the ledger"
    assert_no_difference(database)


def test_it_is_given_up(database: Database, dsn: str, rows: int) -> None:
    before = contents(database)
    kill(dsn, database)
    assert cut(database, 0) == (0, "nothing_to_do")
    assert contents(database) == before
    assert_no_difference(database)
    database.execute(f"UPDATE {LEDGER} SET updated_at = updated_at")
    assert engine.look(database, Config()).told is None
    assert rows


def test_a_reader_holds_up_its_end_only(database: Database, dsn: str, rows: int) -> None:
    with psycopg.connect(dsn) as reader:
        reader.execute(f"SELECT FROM {LEDGER} LIMIT 1")
        with pytest.raises(errors.LockNotAvailable):
            cut(database, 4, lock_timeout="50 ms")
    assert engine.look(database, Config(ledger_partitions=4)).moving == 4
    assert cut(database, 4) == (0, "done")
    assert sum(found[0] for found in contents(database).values()) == rows


def test_what_was_copied_from_another_file_is_copied_anew(
    database: Database, dsn: str, rows: int
) -> None:
    kill(dsn, database)
    database.execute(f"VACUUM FULL {LEDGER}")
    assert cut(database, 4) == (rows, "done")


def test_a_row_that_came_past_the_triggers_is_missed(
    database: Database, dsn: str, rows: int
) -> None:
    kill(dsn, database)
    database.execute(
        f"SET session_replication_role = replica; DELETE FROM {LEDGER} WHERE ctid = '(0,1)';"
        " RESET session_replication_role"
    )
    [(left,)] = database.execute(f"SELECT count(*) FROM {LEDGER}".encode())
    with raises(
        "DC503",
        f"{LEDGER}: {left} rows, and {left + 1} of them copied",
        "Something wrote past the triggers, such as a subscription: stop it, give the move up"
        " (CALL ops.partition_ledger for the number that there is), begin again.",
    ):
        cut(database, 4)
    assert rows
