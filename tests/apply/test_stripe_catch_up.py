"""What an older version has received of Stripe is read, settled and replayed by the next apply."""

from datetime import date

import pytest

from duecourse import migrate
from tests.charges.stripe_events import DAY, NOON, event, intent, refund, refund_object
from tests.charges.stripe_inbox import Inbox
from tests.conftest import Database

#: As an older version left it: nothing read of the events, no movements, two types unknown.
OLD = """
    DELETE FROM ledger.stripe_refunds;
    UPDATE ledger.stripe_payments SET objects_cents = 0, received_at = NULL;
    UPDATE ledger.stripe_events SET
        kind = NULL, subject = NULL, subject_id = NULL, weight = NULL, rank = NULL, says = NULL,
        amount = NULL, moment = NULL, creates = NULL, tenant_user_id = NULL, unit_id = NULL,
        billing_period = NULL, currency = NULL, session_id = NULL, livemode = NULL;
    UPDATE ledger.stripe_events SET
        payment_key = NULL, received_number = NULL, outcome = 'ignored', final_outcome = 'ignored'
    WHERE event_type LIKE 'refund.%';
    ALTER TABLE ledger.payment_movements DISABLE TRIGGER USER;
    DELETE FROM ledger.payment_movements;
    ALTER TABLE ledger.payment_movements ENABLE TRIGGER USER;
"""


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Return an inbox as an older version left it."""
    inbox = Inbox(database)
    for each in (
        intent("pi_1"),
        refund("pi_1", 500, created=NOON + DAY),
        refund_object("pi_1", 500, created=NOON + DAY),
        refund_object("pi_1", 500, "refund.failed", made=NOON + DAY, created=NOON + 3 * DAY),
        refund("pi_2", 100),
        event("customer.created", {}),
    ):
        inbox.ingest(each)
    sound = inbox.payments()
    database.execute(OLD.encode())
    assert inbox.payments() != sound
    return inbox


def test_payments_get_their_movements_and_ignored_events_are_replayed(
    inbox: Inbox, dsn: str
) -> None:
    migrate.apply(dsn)
    assert inbox.told() == inbox.payments()
    assert [row[:3] for row in inbox.days("pi_1")] == [
        (date(2024, 5, 7), "received", 100_000),
        (date(2024, 5, 8), "refund", -500),
        (date(2024, 5, 10), "refund_undone", 500),
    ]
    assert sorted(inbox.outcomes().values()) == [
        ("applied", "applied"),
        ("applied", "applied"),
        ("ignored", "applied"),
        ("ignored", "applied"),
        ("ignored", "ignored"),
        ("unmatched", "unmatched"),
    ]


def test_where_nothing_waits_nothing_is_written(inbox: Inbox, dsn: str) -> None:
    migrate.apply(dsn)
    written = "SELECT s.xmin, s.* FROM ledger.stripe_payments AS s ORDER BY s.payment_key"
    before = inbox.database.execute(written).fetchall()
    migrate.apply(dsn)
    assert inbox.database.execute(written).fetchall() == before
