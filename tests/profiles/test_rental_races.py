"""The rental application charges and deletes while a run of ours charges, too."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from duecourse import adopted, unique_rents
from duecourse.database import connect
from tests.concurrency.sessions import Session, outcome, sessions
from tests.conftest import Database

KEY = "tenant_user_id, unit_id, billing_period"
#: The application's own insert of a rent; its role may not wait long.
RENT = (
    "INSERT INTO public.charges (tenant_user_id, unit_id, type, description, amount_cents,"
    " billing_period, created_by) VALUES (%s, %s, 'rent', 'by hand', 100, %s, 'admin')"
)


@pytest.fixture
def pair(adopted_rental_dsn: str) -> Iterator[list[Session]]:
    """Yield a session of the application, and one of ours."""
    with sessions(adopted_rental_dsn) as opened:
        opened[0].execute("SET lock_timeout = '8s'")
        yield opened


@pytest.fixture
def tenant(adopted_rental: Database) -> str:
    """Return the tenant that adopt made."""
    [(tenant,)] = adopted_rental.execute("SELECT tenant::text FROM billing.tenants")
    return str(tenant)


def planned(database: Database, tenant: str) -> tuple[Any, ...]:
    """Return the key of a charge that is planned."""
    [row] = database.execute(
        f"SELECT {KEY} FROM ledger.plan_charge_backfill(%s) WHERE action = 'create'"
        " ORDER BY 1, 2, 3 LIMIT 1".encode(),
        (tenant,),
    )
    return tuple(row)


def rents(database: Database, key: tuple[Any, ...]) -> list[str]:
    """Return what describes the rents of a key, in the order of their making."""
    found = database.execute(
        f"SELECT description FROM public.charges WHERE ({KEY}) = (%s, %s, %s)"
        " ORDER BY created_at".encode(),
        key,
    )
    return [description for (description,) in found]


def backfill(tenant: str) -> str:
    return f"CALL ledger.backfill_charges(p_tenant => '{tenant}', p_run_key => 'k')"


@pytest.mark.parametrize(("end", "made"), [("COMMIT", 1745), ("ROLLBACK", 1746)])
def test_a_run_waits_for_a_rent_that_is_being_charged(
    adopted_rental: Database, pair: list[Session], tenant: str, end: str, made: int
) -> None:
    application, run = pair
    key = planned(adopted_rental, tenant)
    application.execute("BEGIN")
    application.execute(RENT, key)
    running = run.start(backfill(tenant))
    run.wait_until_blocked_by(application, adopted_rental)
    application.execute(end)
    assert running.result() == [(made, 1, "escalated")]
    assert rents(adopted_rental, key) == [
        "by hand" if end == "COMMIT" else f"Rent for {key[2]}",
    ]
    [(counts,)] = adopted_rental.execute(
        "SELECT counts FROM ops.runs WHERE run_key = 'k'"
    ).fetchall()
    assert (counts["to_create"], counts["already_charged"]) == (made, 428 + 1746 - made)


@pytest.mark.parametrize("has_index", [False, True])
def test_the_application_waits_for_a_batch_and_no_longer(
    adopted_rental_dsn: str,
    adopted_rental: Database,
    pair: list[Session],
    tenant: str,
    has_index: bool,
) -> None:
    """It does not look before it charges: what it then makes twice is refused, or shown."""
    application, run = pair
    key = planned(adopted_rental, tenant)
    if has_index:
        with connect(adopted_rental_dsn) as connection:
            unique_rents.keep(connection, adopted.config_of(connection))
    with sessions(adopted_rental_dsn, 1) as [other]:
        other.execute("BEGIN")
        other.execute("SELECT FROM public.units FOR UPDATE")  # of which the charges are
        running = run.start(backfill(tenant))
        run.wait_until_blocked_by(other, adopted_rental)
        assert application.execute("SELECT count(*) FROM public.charges") == [(633,)]
        charging = application.start(RENT, key)
        application.wait_until_blocked_by(run, adopted_rental)
        other.execute("COMMIT")
    assert running.result() == [(1746, 1, "escalated")]
    assert outcome(charging) == ("23505" if has_index else "00000")
    twice = adopted_rental.execute(
        "SELECT detail FROM ledger.check_rent_charged_twice(%s, '2026-11-20')", (tenant,)
    ).fetchall()
    assert len(twice) == (0 if has_index else 1)
    again = backfill(tenant).replace("'k'", "'again'")
    assert run.execute(again) == [(0, 1, "escalated")]


def test_what_the_application_deletes_is_charged_again(
    adopted_rental: Database, pair: list[Session], tenant: str
) -> None:
    application, run = pair
    key = planned(adopted_rental, tenant)
    assert run.execute(backfill(tenant)) == [(1746, 1, "escalated")]
    application.execute(f"DELETE FROM public.charges WHERE ({KEY}) = (%s, %s, %s)", key)
    again = backfill(tenant).replace("'k'", "'again'")
    assert run.execute(again) == [(1, 1, "escalated")]
    assert rents(adopted_rental, key) == [f"Rent for {key[2]}"]


def test_a_rent_between_plan_and_run_makes_the_plan_stale(
    adopted_rental: Database, pair: list[Session], tenant: str
) -> None:
    application, run = pair
    [(plan_hash,)] = run.execute(
        "SELECT plan_hash FROM ledger.charge_backfill_summary(%s)", (tenant,)
    )
    application.execute(RENT, planned(adopted_rental, tenant))
    assert run.execute(
        "CALL ledger.backfill_charges(p_tenant => %s, p_expected_plan_hash => %s)",
        (tenant, plan_hash),
    ) == [(0, 0, "stale_plan")]
    assert application.execute("SELECT count(*) FROM public.charges") == [(634,)]


@pytest.mark.parametrize("lock_timeout", ["10 s", "100 ms"])
def test_a_run_does_not_keep_others_waiting_behind_it(
    adopted_rental_dsn: str,
    adopted_rental: Database,
    pair: list[Session],
    tenant: str,
    lock_timeout: str,
) -> None:
    """Whoever comes later queues behind a run that waits: so it gives up, and goes on later."""
    application, run = pair
    application.execute("BEGIN")
    application.execute(RENT, planned(adopted_rental, tenant))
    waiting = run.start(backfill(tenant).replace(")", f", p_lock_timeout => '{lock_timeout}')"))
    run.wait_until_blocked_by(application, adopted_rental)
    with sessions(adopted_rental_dsn, 1) as [later]:
        charging = later.start(RENT, planned(adopted_rental, tenant))
        assert waiting.result() == [(0, 0, "locked")]
        assert outcome(charging) == "00000"
    assert adopted_rental.execute("SELECT status FROM ops.runs").fetchall() == [("locked",)]
    application.execute("ROLLBACK")
    assert run.execute(backfill(tenant)) == [(1745, 1, "escalated")]


def test_an_old_snapshot_is_refused(adopted_rental: Database, tenant: str) -> None:
    adopted_rental.execute("SET default_transaction_isolation = 'repeatable read'")
    with pytest.raises(psycopg.Error) as raised:
        adopted_rental.execute(backfill(tenant).encode())
    assert raised.value.sqlstate == "40001"
    assert raised.value.diag.message_detail == "the isolation level is repeatable read"
