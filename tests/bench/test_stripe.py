"""How fast the Stripe inbox is: many payments, and one with very many events."""

import time
from random import Random
from uuid import UUID

import psycopg

from tests.bench.ledgers import FULL, Connection
from tests.charges import bank_days
from tests.charges.bank import Account, Life
from tests.charges.stripe_events import DAY, NOON, Event, dispute, event, intent, refund

#: Events of one payment; DUECOURSE_FULL_SIZE=1 measures at full size.
EVENTS = 12_000 if FULL else 3_000
LIVES = EVENTS // 20
PART, CHUNK = 1_000, 100


def ingest(connection: Connection, tenant: UUID, events: list[Event]) -> float:
    """Deliver events, each in a transaction of its own; return the milliseconds of one."""
    connection.execute("TRUNCATE public.deliveries")
    bank_days.deliver(connection, tenant, events)
    started = time.perf_counter()
    connection.execute(bank_days.INGEST)
    return (time.perf_counter() - started) * 1000 / len(events)


def ready(dsn: str) -> Connection:
    """Return a connection that waits for no disk: what is measured is the work."""
    connection = psycopg.connect(dsn, autocommit=True)
    connection.execute("SET synchronous_commit = off")
    connection.execute(bank_days.TABLES)
    return connection


def analyze(connection: Connection) -> None:
    """Do what autovacuum does before long: what was planned for empty tables is planned again."""
    connection.execute("ANALYZE")


def test_events_of_many_payments(bench_dsn: str, measured: list[str]) -> None:
    lives = [Life(number, Random(number)) for number in range(LIVES)]
    with ready(bench_dsn) as connection:
        tenant = bank_days.open_ledger(connection, Account(), lives)
        bank_days.write_statement(connection, tenant, lives)
        events = bank_days.in_time(Random(1), lives)
        ingest(connection, tenant, events[:CHUNK])
        analyze(connection)
        took = ingest(connection, tenant, events[CHUNK:])
        assert not any(bank_days.differences(connection, [tenant]).values())
    measured.append(f"{len(events):,} Stripe events, {1000 / took:.0f} a second")


def of_one_payment(number: int) -> Event:
    """Return an event that is the next of one payment: refunds come and fail, disputes end."""
    moment = NOON + number * 600
    kind = number % 6
    if kind == 0:
        return refund("pi_1", number // 6, created=moment)
    if kind < 4:
        thing = {
            "id": f"re_{number // 6}",
            "object": "refund",
            "payment_intent": "pi_1",
            "amount": 1,
            "created": NOON + number // 6 * 3_600,
            "status": ("", "pending", "succeeded", "failed")[kind],
        }
        name = ("", "refund.created", "refund.updated", "refund.failed")[kind]
        return event(name, thing, created=moment)
    return dispute(
        "pi_1",
        ("", "", "", "", "created", "closed")[kind],
        "needs_response" if kind == 4 else ("won", "lost")[number // 6 % 2],
        number=number // 6,
        created=moment,
    )


def test_events_of_one_payment(bench_dsn: str, measured: list[str]) -> None:
    events = [intent("pi_1", created=NOON - DAY)] + [of_one_payment(n) for n in range(EVENTS - 1)]
    with ready(bench_dsn) as connection:
        tenant = bank_days.open_ledger(connection, Account(), [])
        took = []
        for part in range(0, EVENTS, PART):
            chunks = [events[start : start + CHUNK] for start in range(part, part + PART, CHUNK)]
            took.append(min(ingest(connection, tenant, chunk) for chunk in chunks))
            analyze(connection)
        lost = sum(1 for n in range(EVENTS - 1) if n % 12 == 11)
        assert connection.execute(
            "SELECT amount_cents, refunded_cents FROM ledger.payments WHERE tenant = %s", (tenant,)
        ).fetchall() == [(100_000, 100_000 * lost)]
    measured.append(
        f"{EVENTS:,} events of one payment: the first {PART:,} {took[0]:.2f} ms each,"
        f" the last {PART:,} {took[-1]:.2f}"
    )
    assert took[-1] <= 2 * took[0]
