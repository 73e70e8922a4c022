"""Backfills, rent and live charges at once: one rent charge a key, by the index alone."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest

from tests.charges.owner import Owner
from tests.charges.runs import assert_adds_up, backfill, fill, record, rents, tenancy
from tests.concurrency.sessions import Session, outcome, sessions
from tests.conftest import Database

BACKFILL = "CALL ledger.backfill_charges('{}', p_run_key => '{}', p_batch_size => 3)"
RENT = "CALL ledger.post_rent('{}', '2026-03-31', p_run_key => '{}', p_batch_size => 3)"
POST = (
    "CALL ledger.post_charge('{}', 'renter-{}', 'u-1', 'rent', 123, '2026-{:02}',"
    " p_description => 'live')"
)


@pytest.fixture
def owner(shared_database: Database) -> Owner:
    """Return a ledger of 12 renters with two months paid and three rented."""
    owner = Owner(shared_database)
    fill(owner, 12)
    for renter in range(1, 13):
        tenancy(owner, "2026-01-01", tenant_user_id=f"renter-{renter}")
    return owner


@pytest.fixture
def crowd(shared_dsn: str) -> Iterator[list[Session]]:
    """Yield many sessions."""
    with sessions(shared_dsn, 10) as opened:
        yield opened


@pytest.mark.parametrize(
    ("end", "created"),
    [("COMMIT", 23), ("ROLLBACK", 24)],
)
def test_a_run_waits_for_a_live_charge_and_counts_what_became_of_it(
    owner: Owner, pair: list[Session], end: str, created: int
) -> None:
    live, run = pair
    live.execute("BEGIN")
    live.execute(POST.format(owner.tenant, 5, 1))
    running = run.start(BACKFILL.format(owner.tenant, "k"))
    run.wait_until_blocked_by(live, owner.database)
    live.execute(end)
    assert running.result() == [(created, 4, "done")]
    assert len(rents(owner)) == 24
    counts = record(owner, "k")["counts"]
    assert (counts["to_create"], counts["already_charged"]) == (created, 24 - created)
    assert counts["charges_cents"] == created * 100_000
    assert_adds_up(counts)


def test_a_live_charge_waits_for_a_run_and_is_refused(owner: Owner, pair: list[Session]) -> None:
    live, run = pair
    run.execute("BEGIN")
    run.execute(
        'SELECT ledger._backfill_charges_write(%s, \'{"amount_rule": "unit_rent_first"}\','
        " '00000000-0000-0000-0000-000000000000', NULL, NULL, NULL)",
        (owner.tenant,),
    )
    posting = live.start(POST.format(owner.tenant, 5, 1))
    live.wait_until_blocked_by(run, owner.database)
    run.execute("COMMIT")
    assert outcome(posting) == "DC105"
    assert len(rents(owner)) == 24


def together(work: list[tuple[Session, list[str]]]) -> list[str]:
    """Let sessions do their statements at once; return the SQLSTATEs that they ended with."""

    def do(session: Session, statements: list[str]) -> list[str]:
        return [outcome(session.start(statement)) for statement in statements]

    with ThreadPoolExecutor(len(work)) as threads:
        doing: list[Future[list[str]]] = [threads.submit(do, *each) for each in work]
        return [state for each in doing for state in each.result()]


@pytest.mark.parametrize("runs", [(BACKFILL, BACKFILL), (BACKFILL, RENT)], ids=["alike", "rent"])
def test_many_sessions_at_once(owner: Owner, crowd: list[Session], runs: tuple[str, str]) -> None:
    work = [
        (session, [runs[n % 2].format(owner.tenant, f"run-{n}")])
        for n, session in enumerate(crowd[:6])
    ]
    for session in crowd[6:]:
        live = [POST.format(owner.tenant, renter, month) for renter in range(12, 0, -2)
                for month in (1, 2)]  # fmt: skip
        work.append((session, live))
    assert set(together(work)) <= {"00000", "DC105"}
    months = 3 if RENT in runs else 2
    assert len(rents(owner)) == 12 * months
    made: dict[Any, int] = dict(
        owner.database.execute(
            "SELECT source_run_key, count(*) FROM ledger.charges WHERE tenant = %s GROUP BY 1",
            (owner.tenant,),
        ).fetchall()
    )
    for n in range(6):
        run = record(owner, f"run-{n}")
        assert run["status"] in ("done", "nothing_to_do")
        assert run["rows_written"] == run["counts"]["to_create"] == made.get(f"run-{n}", 0)
        assert_adds_up(run["counts"])
    assert backfill(owner) == (0, 1, "nothing_to_do")


@pytest.mark.parametrize("level", ["repeatable read", "serializable"])
def test_a_stricter_level_by_default(owner: Owner, pair: list[Session], level: str) -> None:
    pair[0].execute(f"SET default_transaction_isolation = '{level}'")
    assert pair[0].execute(BACKFILL.format(owner.tenant, "k")) == [(24, 4, "done")]


def test_the_index_holds_against_a_plain_insert(owner: Owner) -> None:
    backfill(owner)
    with pytest.raises(psycopg.errors.UniqueViolation) as raised:
        owner.charge(tenant_user_id="renter-1", period="2026-01")
    assert raised.value.diag.constraint_name == "charges_one_rent_key"
