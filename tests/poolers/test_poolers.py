"""Behind a pooler: apply refuses one of transactions before it writes; all else works there."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from duecourse import migrate
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.registry import APPLY_LOCK
from duecourse.sample_books import SAMPLE, TENANT
from tests.concurrency.sessions import until
from tests.conftest import Database
from tests.poolers.pgbouncer import PROGRAM, pgbouncer
from tests.poolers.stand_in import StandIn
from tests.settings.sample import SCOPE, cli, ledger

Pooler = Callable[[str, str], AbstractContextManager[str]]
POOLERS = ["stand-in", *(["pgbouncer"] if PROGRAM else [])]
EVENT = {"id": "evt_1", "type": "customer.created", "created": 1, "data": {"object": {}}}


@pytest.fixture(params=POOLERS)
def pooler(request: pytest.FixtureRequest) -> Pooler:
    """Return what puts a pooler of some mode before a database."""

    @contextmanager
    def run(dsn: str, mode: str) -> Iterator[str]:
        stand_in = StandIn(dsn, keeps_until=b"" if mode == "transaction" else None)
        real = request.param == "pgbouncer"
        with pgbouncer(dsn, mode) if real else stand_in.serve() as port:
            yield make_conninfo(dsn, host="127.0.0.1", port=port)

    return run


def assert_no_lock_stays(database: Database) -> None:
    """Assert that no advisory lock is held in the database, once the pooler's session has ended."""
    until(
        database,
        "SELECT count(*) = 0 FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
        " WHERE l.locktype = 'advisory' AND d.datname = current_database()",
    )


def assert_refused(raised: pytest.ExceptionInfo[DuecourseError], dsn: str) -> None:
    """Assert the refusal of a transaction pooler."""
    error = raised.value
    assert error.message.startswith("the connection goes through a transaction pooler (server ses")
    user, name = (conninfo_to_dict(dsn)[key] for key in ("user", "dbname"))
    assert error.hint == (f"connect to PostgreSQL itself: --dsn postgresql://{user}@…:5432/{name}")
    assert error.exit_status is ExitStatus.ERROR


def test_apply_refuses_a_transaction_pooler_and_writes_nothing(
    pooler: Pooler, empty_dsn: str, empty_database: Database
) -> None:
    with pooler(empty_dsn, "transaction") as pooled:
        for _ in range(2):
            with pytest.raises(DuecourseError) as raised:
                migrate.apply(pooled)
            assert_refused(raised, empty_dsn)
        assert_no_lock_stays(empty_database)
        [(made,)] = empty_database.execute(
            "SELECT count(*) FROM pg_namespace WHERE nspname IN ('billing', 'ledger', 'ops')"
        )
        assert made == 0


def test_apply_of_nothing_leaves_no_lock_in_a_pooler(
    pooler: Pooler, dsn: str, database: Database
) -> None:
    with pooler(dsn, "transaction") as pooled:
        with pytest.raises(DuecourseError) as raised:
            migrate.apply(pooled)
        assert_refused(raised, dsn)
        assert_no_lock_stays(database)
        assert migrate.apply(dsn, lock_timeout=0).objects == []


def test_a_session_pooler_will_do(pooler: Pooler, dsn: str) -> None:
    with pooler(dsn, "session") as pooled:
        assert migrate.apply(pooled).objects == []


def test_a_pooler_that_changes_sessions_late(empty_dsn: str, empty_database: Database) -> None:
    """The lock is looked for again once it is taken, and given back where that is possible."""
    late = StandIn(empty_dsn, keeps_until=b"pg_try_advisory_lock", fair=True)
    with late.serve() as port, pytest.raises(DuecourseError) as raised:
        migrate.apply(make_conninfo(empty_dsn, host="127.0.0.1", port=port))
    assert_refused(raised, empty_dsn)
    assert "changed from" in raised.value.message
    assert_no_lock_stays(empty_database)


def test_a_lock_that_is_held_is_explained(pooler: Pooler, dsn: str, database: Database) -> None:
    """Of an idle session nobody knows whose it is: it says what it is and what ends it."""
    with (
        pooler(dsn, "transaction") as pooled,
        psycopg.connect(pooled, autocommit=True, application_name="a job") as left,
    ):
        left.execute("SELECT pg_advisory_lock(%s)", [APPLY_LOCK])
        left.execute("SELECT 'last',\n\t'said'")
        [(pid,)] = database.execute(
            "SELECT l.pid FROM pg_locks AS l JOIN pg_database AS d ON d.oid = l.database"
            " WHERE l.locktype = 'advisory' AND d.datname = current_database()"
        )
        with pytest.raises(DuecourseError) as raised:
            migrate.apply(dsn, lock_timeout=0)
        assert raised.value.exit_status is ExitStatus.LOCK_BUSY
        role = left.info.user
        assert f"the apply lock is held by session {pid} (role {role}, " in raised.value.message
        for part in (", connected since 2", " UTC, idle for ", "last statement SELECT 'last', 's"):
            assert part in raised.value.message
        ends = f"SELECT pg_terminate_backend({pid})"
        assert raised.value.hint == f"wait for it; if it is nobody's: {ends}"
        database.execute(ends)
        assert migrate.apply(dsn).objects == []


def test_the_other_commands_work_behind_a_transaction_pooler(
    pooler: Pooler, dsn: str, tmp_path: Path
) -> None:
    event = tmp_path / "events.jsonl"
    event.write_text(json.dumps(EVENT) + "\n")
    with pooler(dsn, "transaction") as pooled:
        at = ("--dsn", pooled)
        assert cli("import", SAMPLE, *at)[0] == ExitStatus.DONE
        for command in (("plan", "backfill"), ("coverage",), ("due-work",), ("escalations",)):
            assert cli(*command, *SCOPE, *at) == cli(*command, *SCOPE, "--dsn", dsn)
        run = cli("run", "backfill", *SCOPE, "--batch-size", 1, *at)
        assert run[0] == ExitStatus.REFUSED
        assert "124 rows written (" in run[1]
        assert len(ledger(dsn)) > 100
        assert cli("verify", *SCOPE, *at) == cli("verify", *SCOPE, "--dsn", dsn)
        found = [cli("status", *at), cli("status", "--dsn", dsn)]
        assert len({(status, said.partition("\n")[2]) for status, said in found}) == 1
        for outcome in ("ignored", "duplicate"):
            status, said = cli("stripe", "ingest", TENANT, event, *at, "--format", "json")
            assert (status, json.loads(said)[outcome]) == (ExitStatus.DONE, 1)
