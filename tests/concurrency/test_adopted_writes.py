"""The application whose tables were adopted goes on writing while a run of ours is under way."""

import time
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from duecourse import adoption
from duecourse.profile import Wanted
from tests.books import BOOKS, EXPECTED, HARBOR
from tests.concurrency.sessions import (
    Session,
    at_gate,
    outcome,
    put_gate,
    sessions,
    wait_at_gate,
)
from tests.conftest import Database
from tests.profiles.application import INSERT_NEXT, RETIRE, WRITES, application
from tests.whole.test_books import AS_OF, assert_live_rows, obligations, summary

ONE_BATCH = f"CALL billing.backfill_service_periods('{HARBOR}', '{AS_OF}')"
CALL = f"CALL billing.backfill_service_periods('{HARBOR}', '{AS_OF}', p_batch_size => 60%s)"


@pytest.fixture(params=[False, True], ids=["no guards", "guards"])
def guards(request: pytest.FixtureRequest, adopted_alga_dsn: str) -> bool:
    """Return whether the adopted ledger is guarded."""
    guarded: bool = request.param
    if guarded:
        adoption.adopt(adopted_alga_dsn, Wanted("alga", guards=True))
    return guarded


def healthy() -> list[str]:
    """Return lines with which a run has nothing to do, with rows that are billed and others."""
    found = []
    for line, answer in obligations(HARBOR).items():
        states = {row["state"] for row in answer["live_rows_after"]}
        written = [answer["counts"][name] for name in ("backfilled", "regenerated", "superseded")]
        if states == {"generated", "billed"} and not any(written) and not answer["escalated"]:
            found.append(line)
    return found


@contextmanager
def held(database: Database, run: Session, batch: int, more: str = "") -> Iterator[Future[Any]]:
    """Hold a run inside of a batch for the length of the block."""
    with at_gate(database, HARBOR, batch):
        running = run.start(CALL % more)
        wait_at_gate(database, run)
        yield running


def reviewed_plan(database: Database) -> str:
    """Judge the ledger, as every command that reads it does, and return the hash of the plan."""
    database.execute("CALL billing.judge_ledger(%s)", (HARBOR,))
    return str(summary(database, HARBOR)["plan_hash"])


def waits(observer: Database, writer: Session, write: "Future[Any]") -> bool:
    """Wait until a write is through, or waits for somebody; return whether it does."""
    deadline = time.monotonic() + 20
    while not write.done():
        if observer.execute("SELECT pg_blocking_pids(%s) <> '{}'", (writer.pid,)).fetchone() == (
            True,
        ):
            return True
        assert time.monotonic() < deadline
    return False


def test_every_kind_of_write_during_a_run(
    adopted_alga: Database, adopted_alga_dsn: str, guards: bool
) -> None:
    put_gate(adopted_alga)
    lines = dict(zip(WRITES, healthy(), strict=False))
    with (
        application(adopted_alga) as dsn,
        sessions(adopted_alga_dsn, 1) as [run],
        sessions(dsn, len(WRITES)) as writers,
    ):
        with at_gate(adopted_alga, HARBOR, 3):
            with held(adopted_alga, run, 2) as running:
                writing = [
                    writer.start(write.format(line=lines[name]))
                    for writer, (name, (write, _)) in zip(writers, WRITES.items(), strict=True)
                ]
                waiting = [
                    name
                    for name, writer, write in zip(WRITES, writers, writing, strict=True)
                    if waits(adopted_alga, writer, write)
                ]
            wait_at_gate(adopted_alga, run)
            ends = {name: outcome(write) for name, write in zip(WRITES, writing, strict=True)}
        assert running.result(30)[0][2] == "escalated"
    expected = {name: state if guards else "00000" for name, (_, state) in WRITES.items()}
    assert ends == expected
    assert ("insert_next" in waiting) is ("insert_overlapping" in waiting) is guards
    assert guards or not waiting

    assert_live_rows(adopted_alga, HARBOR, "live_rows_after", but=lines.values())
    adopted_alga.execute(CALL % "")
    third = adopted_alga.execute(CALL % "").fetchone()
    assert third is not None
    assert (third[0], third[2]) == (0, "escalated")
    quarantined = adopted_alga.execute(
        "SELECT quarantine_reason FROM billing.recurring_service_periods"
        " WHERE obligation_id = %s AND quarantine_reason IS NOT NULL",
        (lines["insert_overlapping"],),
    ).fetchall()
    assert quarantined == ([] if guards else [("overlap",)])


def test_the_application_makes_a_row_of_the_run_first(
    adopted_alga: Database, adopted_alga_dsn: str, guards: bool
) -> None:
    """Without guards the run meets the row at the key of revisions, and plans that batch again."""
    statement, line, start = a_row_of_the_run(adopted_alga)
    with (
        application(adopted_alga) as dsn,
        sessions(adopted_alga_dsn, 1) as [run],
        sessions(dsn, 1) as [writer],
    ):
        writer.execute("BEGIN")
        writer.execute(statement)
        running = run.start(CALL % "")
        run.wait_until_blocked_by(writer, adopted_alga)
        writer.execute("COMMIT")
        assert running.result(30)[0][2] == "escalated"
    assert_made_by_the_application(adopted_alga, line, start)


def test_the_application_waits_with_a_row_of_the_run_in_hand(
    adopted_alga: Database, adopted_alga_dsn: str
) -> None:
    """Under guards it waits for the batch, which waits for its row: the batch gives up, once."""
    adoption.adopt(adopted_alga_dsn, Wanted("alga", guards=True))
    statement, line, start = a_row_of_the_run(adopted_alga)
    adopted_alga.execute(
        "CREATE FUNCTION ops.wait_before() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF"
        " session_user = 'postgres' THEN PERFORM pg_advisory_xact_lock_shared("
        f"hashtext('{HARBOR}'), 0); END IF; RETURN NULL; END $$"
    )
    adopted_alga.execute(
        "CREATE TRIGGER gate BEFORE INSERT ON public.recurring_service_periods"
        " FOR EACH STATEMENT EXECUTE FUNCTION ops.wait_before()"
    )
    with (
        application(adopted_alga) as dsn,
        sessions(adopted_alga_dsn, 1) as [run],
        sessions(dsn, 1) as [writer],
    ):
        run.execute("SET deadlock_timeout = '10ms'")
        adopted_alga.execute("GRANT USAGE ON SCHEMA ops TO PUBLIC")
        with at_gate(adopted_alga, HARBOR, 0):
            running = run.start(ONE_BATCH)
            wait_at_gate(adopted_alga, run)
            writing = writer.start(statement)
            assert waits(adopted_alga, writer, writing)
        assert outcome(writing) == "00000"
        assert running.result(30)[0][2] == "escalated"
    assert_made_by_the_application(adopted_alga, line, start)


def a_row_of_the_run(database: Database) -> tuple[str, UUID, date]:
    """Return the statement with which the application makes a row that a run is to make."""
    [(line, start, statement)] = database.execute(
        """
        SELECT p.obligation_id, p.service_period_start,
            format('INSERT INTO recurring_service_periods SELECT r.*'
                ' FROM jsonb_populate_record(NULL::recurring_service_periods, %%L) AS r',
                to_jsonb(p.row_after) || jsonb_build_object('record_id', gen_random_uuid(),
                    'source_run_key', 'the application', 'created_at', now(), 'updated_at', now(),
                    'source_rule_version', 'its own', 'provenance_kind', 'generated'))
        FROM billing.plan_service_periods(%s, %s, 'backfill') AS p
        WHERE p.action = 'backfill' AND p.activity_window_start IS NULL AND p.revision = 1
        ORDER BY p.schedule_key DESC, p.service_period_start LIMIT 1
        """,
        (HARBOR, AS_OF),
    ).fetchall()
    return statement, line, start


def assert_made_by_the_application(database: Database, line: UUID, start: date) -> None:
    """Assert that the run has made every row but that of the application."""
    made = database.execute(
        "SELECT source_run_key FROM recurring_service_periods"
        " WHERE obligation_id = %s AND service_period_start = %s",
        (line, start),
    ).fetchall()
    assert made == [("the application",)]
    assert_live_rows(database, HARBOR, "live_rows_after", but={str(line)})


def test_an_edit_between_plan_and_run(adopted_alga: Database, adopted_alga_dsn: str) -> None:
    reviewed = reviewed_plan(adopted_alga)
    [line, *_] = healthy()
    with application(adopted_alga) as dsn, psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(INSERT_NEXT.format(line=line).encode())
    before = adopted_alga.execute("SELECT * FROM public.recurring_service_periods").fetchall()
    row = adopted_alga.execute(CALL % f", p_expected_plan_hash => '{reviewed}'").fetchone()
    assert row == (0, 0, "stale_plan")
    after = adopted_alga.execute("SELECT * FROM public.recurring_service_periods").fetchall()
    assert after == before


def test_an_edit_between_two_batches(adopted_alga: Database, adopted_alga_dsn: str) -> None:
    put_gate(adopted_alga)
    reviewed = reviewed_plan(adopted_alga)
    last = healthy()[-1]
    before = written(adopted_alga, last)
    with application(adopted_alga) as dsn, sessions(adopted_alga_dsn, 1) as [run]:
        with (
            held(adopted_alga, run, 1, f", p_expected_plan_hash => '{reviewed}'") as running,
            psycopg.connect(dsn, autocommit=True) as connection,
        ):
            connection.execute(RETIRE.format(line=last).encode())
        rows, _, status = running.result(30)[0]
    assert status == "stale_plan"
    planned = BOOKS.read(EXPECTED[HARBOR])["summary"]["run"]["rows"]
    assert 0 < rows < sum(planned[name] for name in ("backfilled", "regenerated", "superseded"))
    assert written(adopted_alga, last) - before == rows


def written(database: Database, but: str) -> int:
    """Return how many rows runs have made or superseded, and the application, but for a line."""
    row = database.execute(
        "SELECT count(*) + count(*) FILTER (WHERE lifecycle_state = 'superseded')"
        " FROM public.recurring_service_periods WHERE tenant = %s AND obligation_id <> %s",
        (HARBOR, but),
    ).fetchone()
    assert row is not None
    return int(row[0])
