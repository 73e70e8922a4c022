"""Two operators at once: on one tenant they take turns, on two tenants they do not meet."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.concurrency.sessions import Session, at_gate, outcome, put_gate, wait_at_gate
from tests.conftest import Database
from tests.service_periods.books import Books, fill

CALL = """
    CALL billing.backfill_service_periods(
        p_tenant => '{books.tenant}', p_as_of => '2025-01-10', p_batch_size => 3, {more})
"""


@pytest.fixture(scope="module")
def gate(shared_database: Database) -> None:
    """Let every run wait inside of each batch, where a test holds it."""
    put_gate(shared_database)


@contextmanager
def held(books: Books, run: Session, batch: int, more: str) -> Iterator[None]:
    """Hold a run inside of a batch for the length of the block."""
    with at_gate(books.database, str(books.tenant), batch):
        running = run.start(CALL.format(books=books, more=more))
        wait_at_gate(books.database, run)
        yield
    assert outcome(running) == "00000"


def call(session: Session, books: Books, more: str) -> tuple[int, int, str]:
    """Run a backfill in a session."""
    [result] = session.execute(CALL.format(books=books, more=more))
    return result


@pytest.mark.usefixtures("gate")
def test_one_waits_for_the_other_and_both_finish(books: Books, pair: list[Session]) -> None:
    fill(books, 10)
    first, second = pair
    with held(books, first, 2, "p_run_key => 'first'"):
        running = second.start(CALL.format(books=books, more="p_run_key => 'second'"))
        second.wait_until_blocked_by(first, books.database)
        assert len(books.ledger()) == 21
    assert outcome(running) == "00000"
    runs = [books.run(key) for key in ("first", "second")]
    assert sum(run["rows_written"] for run in runs) == len(books.ledger()) == 70
    assert all(run["finished_at"] and run["units_done"] == 10 for run in runs)


@pytest.mark.usefixtures("gate")
def test_one_key_twice_at_once_is_one_run(books: Books, pair: list[Session]) -> None:
    fill(books, 10)
    first, second = pair
    with held(books, first, 2, "p_run_key => 'k'"):
        running = second.start(CALL.format(books=books, more="p_run_key => 'k'"))
        second.wait_until_blocked_by(first, books.database)
    assert running.result() == [(70, 4, "done")]
    run = books.run("k")
    assert (run["batches"], run["units_done"], run["rows_written"]) == (4, 10, 70)
    assert run["status"] == "done"
    assert len(books.ledger()) == 70


@pytest.mark.usefixtures("gate")
def test_who_does_not_wait_is_told_the_holder_by_name(books: Books, pair: list[Session]) -> None:
    fill(books, 4)
    first, second = pair
    notices: list[tuple[str | None, str | None, str | None]] = []
    second.database.add_notice_handler(
        lambda n: notices.append((n.message_primary, n.message_detail, n.message_hint))
    )
    first.execute("SET application_name = 'night shift'")
    second.execute("SET duecourse.notices = 'json'")
    more = "p_run_key => 'mine', p_lock_timeout => '20 ms'"
    with held(books, first, 1, "p_run_key => 'theirs'"):
        assert call(second, books, more) == (0, 0, "locked")
    [(message, detail, hint)] = notices
    user = books.database.info.user
    holder = f"run theirs of backfill_service_periods by {user} (night shift), last heard of at "
    assert (message or "").startswith(f"tenant {books.tenant} is locked by {holder}")
    told = json.loads(detail or "")
    assert (told["tenant"], told["run_key"]) == (str(books.tenant), "mine")
    assert told["holder"].startswith(holder)
    assert (hint or "").startswith("Call again with the same p_run_key once it is done")
    assert books.run("mine")["status"] == "locked"
    assert call(second, books, more) == (0, 2, "nothing_to_do")


def test_a_holder_that_is_no_run(books: Books, pair: list[Session]) -> None:
    books.line()
    first, second = pair
    books.call(run_key="before")
    messages: list[str] = []
    second.database.add_notice_handler(lambda n: messages.append(n.message_primary or ""))
    first.execute("BEGIN")
    first.execute(f"SELECT FROM ops.tenant_locks WHERE tenant = '{books.tenant}' FOR UPDATE")
    assert call(second, books, "p_lock_timeout => '0'") == (0, 0, "locked")
    user = books.database.info.user
    told = (
        f"tenant {books.tenant} is locked by session {first.pid} (role {user}, idle in transaction"
    )
    assert [message.partition(", since ")[0] for message in messages] == [told]


def test_a_lock_lost_between_two_batches_keeps_the_first(books: Books, pair: list[Session]) -> None:
    fill(books, 6)
    first, second = pair
    assert call(second, books, "p_run_key => 'k', p_max_batches => 1") == (21, 1, "partial")
    first.execute("BEGIN")
    first.execute(f"SELECT FROM ops.tenant_locks WHERE tenant = '{books.tenant}' FOR UPDATE")
    more = "p_run_key => 'k', p_lock_timeout => '10 ms'"
    assert call(second, books, more) == (21, 1, "locked")
    first.execute("ROLLBACK")
    assert call(second, books, more) == (42, 2, "done")


@pytest.mark.usefixtures("gate")
def test_two_tenants_at_once(books: Books, pair: list[Session]) -> None:
    other = Books(books.database)
    for tenant in (books, other):
        fill(tenant, 4)
    with held(books, pair[0], 1, "p_run_key => 'k'"):
        assert call(pair[1], other, "p_run_key => 'k'") == (28, 2, "done")
    assert books.run("k")["status"] == "done"


@pytest.mark.usefixtures("gate")
def test_a_change_between_two_batches_makes_the_reviewed_plan_stale(
    books: Books, pair: list[Session]
) -> None:
    lines = [books.line() for _ in range(6)]
    hash_ = books.summary()["plan_hash"]
    with held(books, pair[0], 1, f"p_run_key => 'k', p_expected_plan_hash => '{hash_}'"):
        books.database.execute(
            "UPDATE billing.contract_lines SET billing_timing = 'arrears'"
            " WHERE contract_line_id = %s",
            (lines[5].obligation,),
        )
    run = books.run("k")
    assert (run["status"], run["rows_written"], run["batches"]) == ("stale_plan", 21, 1)
    assert [len(books.live(line)) for line in lines] == [7, 7, 7, 0, 0, 0]


@pytest.mark.usefixtures("gate")
def test_readers_see_all_of_a_batch_or_nothing(books: Books, pair: list[Session]) -> None:
    client = books.client()
    line = books.line(client)
    books.call()
    before = books.live(line)
    books.insert(
        "billing.client_billing_settings",
        client_id=client,
        billing_cycle_anchor_day_of_month=15,
    )
    with held(books, pair[0], 1, "p_run_key => 'k'"):
        assert books.live(line) == before
    assert not set(books.live(line)) & set(before)


@pytest.mark.usefixtures("gate")
@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_stricter_level_by_default(books: Books, pair: list[Session], level: str) -> None:
    fill(books, 4)
    pair[0].execute(f"SET default_transaction_isolation = '{level}'")
    assert call(pair[0], books, "p_run_key => 'k'") == (28, 2, "done")
