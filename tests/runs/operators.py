"""A run that is between two batches, and what operators ask of it from other sessions."""

from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from psycopg import sql
from psycopg.rows import dict_row

from tests.concurrency.sessions import Session, sessions, until
from tests.conftest import Database
from tests.service_periods.books import Books, Row

CALL = (
    "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => '2025-01-10',"
    " p_run_key => 'k', p_batch_size => 2, p_pause => '60 s')"
)


@dataclass
class Running:
    """A session, and the call of a run that it is in."""

    session: Session
    call: "Future[list[tuple[Any, ...]]]"

    def result(self) -> tuple[Any, ...]:
        """Return what the call gives, once it has ended."""
        [row] = self.call.result(5)
        return row


@contextmanager
def running(dsn: str, books: Books, call: str = CALL) -> Iterator[Running]:
    """Yield a run that sleeps after its first batch of two lines."""
    with sessions(dsn, 1) as [session]:
        started = session.start(call, (books.tenant,) if "%s" in call else ())
        until(books.database, "SELECT count(*) = 1 FROM ops.runs WHERE batches = 1")
        until(
            books.database,
            "SELECT query_start < now() AND wait_event = 'PgSleep' FROM pg_stat_activity"
            " WHERE pid = %s",
            (session.pid,),
        )
        yield Running(session, started)


def ask(database: Database, verb: str, /, **arguments: object) -> Row:
    """CALL pause_run, resume_run or cancel_run, of the key k if no other is given."""
    given = {"run_key": "k", **arguments}
    named = (
        sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), sql.Placeholder(name))
        for name in given
    )
    statement = sql.SQL("CALL ops.{}({})").format(
        sql.Identifier(f"{verb}_run"), sql.SQL(", ").join(named)
    )
    row = database.cursor(row_factory=dict_row).execute(statement, given).fetchone()
    assert row is not None
    return row


def status(database: Database, *tenant: object) -> list[Row]:
    """Return what run_status says."""
    cursor = database.cursor(row_factory=dict_row)
    return cursor.execute(
        "SELECT * FROM ops.run_status(p_tenant => %s)", tenant or (None,)
    ).fetchall()
