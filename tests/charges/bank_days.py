"""Lives at the bank against the ledger: written, delivered and compared set by set."""

from collections.abc import Iterable
from random import Random
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tests.charges.bank import DAY, OPENING, ZONES, Account, Event, Life, day_of
from tests.conftest import Database

#: What is delivered, and what the bank says; empty.
TABLES = """
CREATE TABLE IF NOT EXISTS public.deliveries (
    number bigint GENERATED ALWAYS AS IDENTITY, tenant uuid, event jsonb);
CREATE TABLE IF NOT EXISTS public.statement (
    tenant uuid, tenant_user_id text COLLATE "C", unit_id text COLLATE "C", currency char(3),
    day date, cents bigint, pending_cents bigint);
TRUNCATE public.deliveries, public.statement;
"""

#: Each event in a transaction of its own, as a receiver does it.
INGEST = """
DO $$
DECLARE
    v_delivery record;
    v_outcome text;
    v_reason text;
BEGIN
    FOR v_delivery IN SELECT * FROM public.deliveries ORDER BY number LOOP
        CALL ledger.ingest_stripe_event(
            p_tenant => v_delivery.tenant, p_event => v_delivery.event,
            o_outcome => v_outcome, o_reason => v_reason);
        ASSERT v_outcome <> 'rejected', v_reason;
        COMMIT;
    END LOOP;
END
$$
"""

#: What the bank says of each account on each day, and in the end; both by a running sum.
_BANK = """
days AS (
    SELECT d::date AS day
    FROM (SELECT min(day) - 1 AS first, max(day) + 1 AS last FROM public.statement) AS w
    CROSS JOIN generate_series(w.first, w.last, interval '1 day') AS d
    UNION ALL SELECT 'infinity'
),
bank AS (
    SELECT a.*, d.day,
        sum(coalesce(s.cents, 0)) OVER (
            PARTITION BY a.tenant, a.tenant_user_id, a.unit_id, a.currency ORDER BY d.day
        )::bigint AS cents
    FROM (SELECT DISTINCT tenant, tenant_user_id, unit_id, currency FROM public.statement) AS a
    CROSS JOIN days AS d
    LEFT JOIN (
        SELECT tenant, tenant_user_id, unit_id, currency, day, sum(cents) AS cents
        FROM public.statement GROUP BY tenant, tenant_user_id, unit_id, currency, day
    ) AS s USING (tenant, tenant_user_id, unit_id, currency, day)
)
"""

BALANCES = f"""
WITH {_BANK}
SELECT tenant, tenant_user_id, unit_id, currency, day, b.cents, l.balance_cents
FROM bank AS b
FULL JOIN (
    SELECT t.tenant, d.day, l.*
    FROM (SELECT DISTINCT tenant FROM public.statement) AS t
    CROSS JOIN days AS d
    CROSS JOIN LATERAL ledger.balances(t.tenant, nullif(d.day, 'infinity')) AS l
) AS l USING (tenant, tenant_user_id, unit_id, currency, day)
WHERE coalesce(b.cents, 0) <> coalesce(l.balance_cents, 0)
ORDER BY tenant, tenant_user_id, unit_id, currency, day
"""

EXPLAINED = f"""
WITH {_BANK},
lines AS (
    SELECT DISTINCT ON (a.tenant, a.tenant_user_id, a.unit_id, l.currency, l.effective_on)
        a.tenant, a.tenant_user_id, a.unit_id, l.currency, l.effective_on, l.running_balance_cents
    FROM (
        SELECT DISTINCT a.tenant, a.tenant_user_id, a.unit_id
        FROM ledger.accounts AS a
        WHERE a.tenant IN (SELECT s.tenant FROM public.statement AS s)
    ) AS a
    CROSS JOIN LATERAL ledger.explain_balance(a.tenant, a.tenant_user_id, a.unit_id)
        WITH ORDINALITY AS l
    ORDER BY a.tenant, a.tenant_user_id, a.unit_id, l.currency, l.effective_on, l.ordinality DESC
),
spans AS (
    SELECT l.*, lead(l.effective_on, 1, 'infinity') OVER (
        PARTITION BY l.tenant, l.tenant_user_id, l.unit_id, l.currency ORDER BY l.effective_on
    ) AS next_on
    FROM lines AS l
),
explained AS (
    SELECT s.tenant, s.tenant_user_id, s.unit_id, s.currency, d.day, s.running_balance_cents
    FROM spans AS s
    JOIN days AS d ON d.day >= s.effective_on AND d.day < s.next_on
)
SELECT tenant, tenant_user_id, unit_id, currency, day, b.cents, e.running_balance_cents
FROM bank AS b
FULL JOIN explained AS e USING (tenant, tenant_user_id, unit_id, currency, day)
WHERE day <> 'infinity' AND coalesce(b.cents, 0) <> coalesce(e.running_balance_cents, 0)
ORDER BY tenant, tenant_user_id, unit_id, currency, day
"""

PENDING = """
SELECT tenant, tenant_user_id, unit_id, currency, s.cents, l.pending_cents
FROM (
    SELECT tenant, tenant_user_id, unit_id, currency, sum(pending_cents) AS cents
    FROM public.statement GROUP BY tenant, tenant_user_id, unit_id, currency
) AS s
FULL JOIN (
    SELECT t.tenant, l.*
    FROM (SELECT DISTINCT tenant FROM public.statement) AS t
    CROSS JOIN LATERAL ledger.balances(t.tenant) AS l
) AS l USING (tenant, tenant_user_id, unit_id, currency)
WHERE coalesce(s.cents, 0) <> coalesce(l.pending_cents, 0)
"""

#: What a tenant's ledger holds of payments and their movements, less what was taken back.
HELD = """
SELECT p.payment_id, p.tenant_user_id, p.unit_id, p.billing_period, p.currency, p.status,
    p.amount_cents, p.refunded_cents, p.refunded_on, p.paid_on, p.disputed, m.kind, m.amount_cents,
    m.effective_on, m.source, m.source_id, m.moment, m.tenant_user_id, m.unit_id, m.currency
FROM ledger.payments AS p
LEFT JOIN ledger.payment_movements AS m ON m.tenant = p.tenant AND m.payment_id = p.payment_id
    AND num_nonnulls(m.corrects_number, m.corrected_at) = 0
WHERE p.tenant = %s
ORDER BY p.stripe_payment_intent_id, m.moment, m.kind, m.source_id
"""


def open_ledger(database: Database, account: Account, lives: Iterable[Life]) -> UUID:
    """Write the books of a landlord: properties, units, and what renters are charged."""
    tenant = uuid4()
    database.execute("INSERT INTO billing.tenants (tenant, tenant_name) VALUES (%s, 'X')", [tenant])
    write = database.cursor().executemany
    write(
        "INSERT INTO ledger.properties (tenant, property_id, timezone) VALUES (%s, %s, %s)",
        [(tenant, str(zone), zone) for zone in ZONES],
    )
    write(
        "INSERT INTO ledger.units (tenant, unit_id, property_id) VALUES (%s, %s, %s)",
        [(tenant, unit, str(zone)) for life in lives for unit, zone in life.units.items()],
    )
    write(
        "INSERT INTO ledger.charges (tenant, charge_id, tenant_user_id, unit_id, type,"
        " amount_cents, currency, effective_on)"
        " VALUES (%s, gen_random_uuid(), %s, %s, 'one_time', %s, %s, %s)",
        [
            (tenant, life.renter, unit, cents, currency, day_of(OPENING + number * DAY, None))
            for life in lives
            for unit, currency, number, cents in life.charges
        ],
    )
    if settings := account.settings():
        database.execute(
            "CALL ledger.set_stripe_settings(p_tenant => %s, p_metadata_keys => %s,"
            " p_livemode => %s, p_account => %s)",
            (tenant, Jsonb(settings["metadata_keys"]), settings["livemode"], settings["account"]),
        )
    return tenant


def import_payments(database: Database, tenant: UUID, lives: Iterable[Life], cut: int) -> None:
    """Write payments as the landlord's own books have them in a moment, once they succeeded.

    Such books know one sum and one day of what was refunded; what they cannot tell is left out.
    """
    rows = []
    for life in lives:
        for payment in life.payments:
            entries = [entry for entry in life.statement if entry.payment is payment]
            zone = life.units[payment.told_unit]
            paid = [entry.moment for entry in entries if entry.kind == "received"]
            back = [e for e in entries if e.kind != "received" and e.moment < cut + 2 * DAY]
            if (
                not paid
                or paid[0] > cut
                or any(e.kind == "dispute" or e.cents > 0 or e.moment > cut for e in back)
            ):
                continue
            rows.append(
                (
                    tenant,
                    f"own-{payment.key}",
                    life.renter,
                    payment.told_unit,
                    payment.amount,
                    payment.currency,
                    payment.period,
                    payment.key,
                    day_of(paid[0], zone),
                    -sum(e.cents for e in back),
                    max((day_of(e.moment, zone) for e in back), default=None),
                )
            )
    database.cursor().executemany(
        "INSERT INTO ledger.payments (tenant, payment_id, tenant_user_id, unit_id, amount_cents,"
        " currency, status, billing_period, stripe_payment_intent_id, paid_on, refunded_cents,"
        " refunded_on) VALUES (%s, %s, %s, %s, %s, %s, 'succeeded', %s, %s, %s, %s, %s)",
        rows,
    )


def write_statement(database: Database, tenant: UUID, lives: Iterable[Life]) -> None:
    """Write what the bank says of a landlord's renters: what they are charged, less their money."""
    columns = "tenant, tenant_user_id, unit_id, currency, day, cents, pending_cents"
    with database.cursor().copy(f"COPY public.statement ({columns}) FROM STDIN".encode()) as copy:
        for life in lives:
            for unit, currency, number, cents in life.charges:
                day = day_of(OPENING + number * DAY, None)
                copy.write_row((tenant, life.renter, unit, currency, day, cents, 0))
            for entry in life.statement:
                unit, currency = entry.payment.told_unit, entry.payment.currency
                day = day_of(entry.moment, life.units[unit])
                copy.write_row((tenant, life.renter, unit, currency, day, -entry.cents, 0))
            for payment in life.payments:
                if payment.is_ours and payment.is_pending:
                    unit, day = payment.told_unit, day_of(OPENING, None)
                    pending = (payment.currency, day, 0, payment.amount)
                    copy.write_row((tenant, life.renter, unit, *pending))


def deliver(database: Database, tenant: UUID, events: Iterable[Event]) -> None:
    """Hand events over, for ``ingest``."""
    with database.cursor().copy("COPY public.deliveries (tenant, event) FROM STDIN") as copy:
        for event in events:
            copy.write_row((tenant, Jsonb(event)))


def in_time(random: Random, lives: Iterable[Life]) -> list[Event]:
    """Return what was sent about when it was sent: some late by minutes or days, some twice."""
    events = [event for life in lives for event in life.sent]
    events += random.sample(events, len(events) // 10)
    late = (0, 0, 0, 60, DAY, 3 * DAY)
    return sorted(events, key=lambda e: e["created"] + random.choice(late) * random.random())


def in_any_order(random: Random, lives: Iterable[Life]) -> list[Event]:
    """Return what was sent without any order, some of it twice or three times."""
    events = [event for life in lives for event in life.sent]
    events += random.choices(events, k=len(events) // 10)
    return random.sample(events, len(events))


def differences(database: Database, tenants: Iterable[UUID]) -> dict[str, list[Any]]:
    """Return the days on which the ledger says something else than the bank, by who says it."""
    found: dict[str, list[Any]] = {
        name: database.execute(query).fetchall()
        for name, query in (("balances", BALANCES), ("explained", EXPLAINED), ("pending", PENDING))
    }
    held = [database.execute(HELD, [tenant]).fetchall() for tenant in tenants]
    found["held"] = [rows for rows in zip(*held, strict=True) if len(set(rows)) > 1]
    return found
