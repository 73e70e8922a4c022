"""A run waits while a bound is exceeded, says why, and still does what operators ask of it."""

import re

import psycopg
import pytest

from tests.concurrency.sessions import at_gate, put_gate, sessions, until, wait_at_gate
from tests.conftest import Database
from tests.permissions.roles import roles_of
from tests.runs.operators import ask, status
from tests.service_periods.books import Books, fill
from tests.standby.pair import Pair

CALL = (
    "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => '2025-01-10',"
    " p_run_key => 'k', p_batch_size => 2, {})"
)
WAITS = "SELECT count(*) = 1 FROM ops.runs WHERE run_key = 'k' AND waits_for ~ %s"


def test_a_replica_that_lags_behind(pair: Pair) -> None:
    books = Books(pair.primary)
    fill(books, 6)
    bound = "p_max_replica_lag => '200 ms', p_pause => '300 ms'"
    with sessions(pair.dsn, 1) as [session]:
        told: list[str] = []
        session.database.add_notice_handler(lambda n: told.append(n.message_primary or ""))
        pair.standby.execute("SELECT pg_wal_replay_pause()")
        until(pair.standby, "SELECT pg_get_wal_replay_pause_state() = 'paused'")
        started = session.start(CALL.format(bound), (books.tenant,))
        until(pair.primary, WAITS, ("replicas lag behind",))
        [run] = status(pair.primary, books.tenant)
        assert run["state"] == "running"
        lags = r"replicas lag behind: walreceiver by [\d:.]+ [(]p_max_replica_lag: 00:00:00.2[)]"
        assert re.fullmatch(lags, run["waits_for"])
        done = run["units_done"]
        assert done < 6
        # What the server says of the lag may stand still; what was written before does not.
        [(told_of,)] = pair.primary.execute(
            'SELECT ops._exceeded_bounds(\'{"max_replica_lag": "1 hour"}\', jsonb_build_array('
            "jsonb_build_object('lsn', pg_current_wal_lsn(), 'at', now() - interval '2 hours')),"
            " NULL, NULL) ->> 'max_replica_lag'"
        )
        assert told_of.startswith("replicas lag behind: walreceiver by 02:00:00")
        # It still does what it is asked: it is paused, resumed elsewhere, and waits there.
        ask(pair.primary, "pause")
        [(_, _, outcome)] = started.result(5)
        assert outcome == "paused"
        resumed = session.start("CALL ops.resume_run(p_run_key => 'k')")
        until(pair.primary, WAITS, ("replicas lag behind",))
        assert status(pair.primary, books.tenant)[0]["units_done"] <= done + 2
        pair.standby.execute("SELECT pg_wal_replay_resume()")
        assert resumed.result(10) == [(42, 3, "done")]
    known = f"run k of backfill_service_periods (waits: {lags}|goes on)"
    kept = [found[1].split(":")[0] for text in told if (found := re.fullmatch(known, text))]
    # The first call waits until it is paused; the other one for as often as the replica lags.
    assert re.fullmatch("waits,(waits,goes on,?)+", ",".join(kept)), kept
    assert pair.primary.execute("SELECT waits_for FROM ops.runs").fetchall() == [(None,)]


def test_wal_that_is_not_archived(pair: Pair) -> None:
    books = Books(pair.primary)
    fill(books, 6)
    for _ in range(4):
        pair.primary.execute("CREATE TABLE IF NOT EXISTS public.filler (n integer)")
        pair.primary.execute("INSERT INTO public.filler VALUES (1)")
        pair.primary.execute("SELECT pg_switch_wal()")
    until(pair.primary, "SELECT last_failed_wal IS NOT NULL FROM pg_stat_archiver")
    [(ready,)] = pair.primary.execute(
        "SELECT count(*) FROM pg_ls_archive_statusdir() WHERE name ~ '^[0-9A-F]{24}[.]ready$'"
    )
    with sessions(pair.dsn, 1) as [session]:
        bound = f"p_max_wal_to_archive => {ready - 1}"
        started = session.start(CALL.format(bound), (books.tenant,))
        until(pair.primary, WAITS, ("WAL files wait",))
        [run] = status(pair.primary, books.tenant)
        assert run["waits_for"] == (
            f"{ready} WAL files wait to be archived (p_max_wal_to_archive: {ready - 1})"
        )
        ask(pair.primary, "cancel", tenant=books.tenant)
        assert started.result(5) == [(0, 0, "cancelled")]
    result = books.call(run_key="enough", max_wal_to_archive=ready)
    assert result["o_status"] == "done"


def test_sessions_that_queue_behind_its_locks(database: Database, dsn: str) -> None:
    books = Books(database)
    fill(books, 6)
    put_gate(database)
    database.execute("INSERT INTO ops.tenant_locks (tenant) VALUES (%s)", (books.tenant,))
    lock = "SELECT 1 FROM ops.tenant_locks WHERE tenant = %s FOR UPDATE"
    with sessions(dsn, 3) as [run, first, second]:
        with at_gate(database, str(books.tenant), 1):
            started = run.start(CALL.format("p_max_waiting_sessions => 0"), (books.tenant,))
            wait_at_gate(database, run)
            waiting = []
            for session in (first, second):
                session.begin("READ COMMITTED")
                waiting.append(session.start(lock, (books.tenant,)))
                until(
                    database,
                    "SELECT count(*) > 0 FROM pg_locks WHERE pid = %s AND NOT granted",
                    (session.pid,),
                )
        # The first has its turn, the second still queues, and the run does not come before it.
        assert waiting[0].result(5)
        until(database, WAITS, ("[12] sessions still queue",))
        assert status(database)[0]["units_done"] == 2
        first.execute("COMMIT")
        assert waiting[1].result(5)
        second.execute("COMMIT")
        assert started.result(5) == [(42, 3, "done")]


def test_bounds_that_cannot_be_held_are_told(database: Database) -> None:
    books = Books(database)
    told: list[tuple[str | None, ...]] = []
    database.add_notice_handler(
        lambda n: told.append((n.severity, n.message_primary, n.message_hint))
    )
    books.call(max_replica_lag="1 s", max_wal_to_archive=1)
    archive = "p_max_wal_to_archive means nothing here: archive_mode is off"
    assert told[0] == ("WARNING", archive, "Leave it out.")
    del told[:]
    with roles_of(database) as roles:
        owner = roles.make("owner", attributes="NOLOGIN")
        roles.execute("GRANT CREATE, USAGE ON SCHEMA ops TO {}", owner)
        roles.execute("ALTER FUNCTION ops._warn_of_bounds(jsonb) OWNER TO {}", owner)
        database.execute("ALTER FUNCTION ops._warn_of_bounds(jsonb) SECURITY DEFINER")
        books.call(max_replica_lag="1 s")
        assert told[0] == (
            "WARNING",
            f"p_max_replica_lag is not held: role {owner} may not see the replicas in"
            " pg_stat_replication",
            f"GRANT pg_monitor TO {owner};",
        )
        del told[:]
        roles.execute("GRANT pg_monitor TO {}", owner)
        books.call(max_replica_lag="1 s")
        assert not [severity for severity, _, _ in told if severity == "WARNING"]
        roles.execute("ALTER FUNCTION ops._warn_of_bounds(jsonb) OWNER TO {}", "postgres")


@pytest.mark.parametrize(
    ("bound", "value", "detail"),
    [
        ("max_replica_lag", "-1 s", "p_max_replica_lag is -00:00:01, less than nothing"),
        ("max_wal_to_archive", -1, "p_max_wal_to_archive is -1, not 0 or more"),
        ("max_waiting_sessions", -1, "p_max_waiting_sessions is -1, not 0 or more"),
    ],
)
def test_a_bound_below_zero(
    shared_database: Database, bound: str, value: object, detail: str
) -> None:
    books = Books(shared_database)
    with pytest.raises(psycopg.Error) as raised:
        books.call(**{bound: value})
    assert (raised.value.sqlstate, raised.value.diag.message_detail) == ("DC001", detail)
