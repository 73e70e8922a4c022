"""Any set of Stripe events, in any order, repeated, over crashes, ends in the same payments."""

from random import Random
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.charges import stripe_model
from tests.charges.stripe_events import Event, event_sets, intent, refund
from tests.charges.stripe_inbox import Inbox
from tests.conftest import Database

#: Before each statement that writes, a countdown; at nought the session's work is lost.
CRASHES = """
CREATE FUNCTION public.crash() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    v_left integer := coalesce(nullif(current_setting('test.crash', true), ''), '0')::integer;
BEGIN
    IF v_left = 1 THEN
        RAISE EXCEPTION 'crash';
    ELSIF v_left > 1 THEN
        PERFORM set_config('test.crash', (v_left - 1)::text, false);
    END IF;
    RETURN NULL;
END
$$;
"""
WRITTEN = (
    "stripe_payments",
    "stripe_events",
    "stripe_refunds",
    "stripe_disputes",
    "accounts",
    "payments",
    "payment_movements",
)


@pytest.fixture(scope="module")
def crashing(shared_database: Database) -> Database:
    """Return a database in which every statement that writes may crash."""
    shared_database.execute(CRASHES)
    for table in WRITTEN:
        shared_database.execute(
            f"CREATE TRIGGER crash BEFORE INSERT OR UPDATE OR DELETE ON ledger.{table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION public.crash()".encode()
        )
    return shared_database


def receive(database: Database, deliveries: list[tuple[Event, int]]) -> Inbox:
    """Receive events; one with a number crashes before that statement, and is delivered again."""
    inbox = Inbox(database)
    for event, statement in deliveries:
        if statement:
            crashes(inbox, event, statement)
        inbox.ingest(event)
    return inbox


def owed(inbox: Inbox) -> list[tuple[Any, ...]]:
    """Return the balances; an account that a payment has left owes nothing and stays."""
    return [row for row in inbox.balances() if any(row[3:])]


def crashes(inbox: Inbox, event: Event, statement: int) -> bool:
    """Receive an event with a crash before that statement; whether there were so many."""
    inbox.database.execute("SELECT set_config('test.crash', %s, false)", (str(statement),))
    try:
        inbox.ingest(event)
    except psycopg.errors.RaiseException as error:
        return error.diag.message_primary == "crash"
    finally:
        inbox.database.execute("SELECT set_config('test.crash', '', false)")
    return False


def test_a_crash_before_any_statement_leaves_nothing(crashing: Database) -> None:
    waiting, creating = refund("pi_1", 500), intent("pi_1")
    inbox = Inbox(crashing)
    inbox.ingest(waiting)
    statements = 1
    while crashes(inbox, creating, statements):
        assert inbox.payments() == inbox.told() == []
        assert inbox.outcomes() == {waiting["id"]: ("unmatched", "unmatched")}
        statements += 1
    assert statements > 6
    assert inbox.outcomes()[waiting["id"]] == ("unmatched", "applied")
    assert inbox.payments() == inbox.told() != []


@settings(max_examples=500, deadline=None, suppress_health_check=list(HealthCheck))
@given(events=event_sets(7), random=st.randoms(use_true_random=False))
def test_any_order_ends_the_same(crashing: Database, events: list[Event], random: Random) -> None:
    payments = stripe_model.receive(events)["payments"]
    twice = random.choices(events, k=random.randrange(4))
    shuffled = random.sample(events + twice, len(events) + len(twice))
    crashed = [(event, random.choice((0, 0, 1, 2, 3, 4, 5, 6, 7, 8))) for event in shuffled]

    first = receive(crashing, [(event, 0) for event in events])
    second = receive(crashing, crashed)

    for inbox in (first, second):
        assert inbox.told() == payments
        assert inbox.payments() == payments
    assert second.rows() == first.rows()
    assert {
        row["stripe_payment_intent_id"]: row["created_on"] for row in first.rows()
    } == stripe_model.created_days(events)
    assert owed(second) == owed(first)
    expected = {
        each["event_id"]: (each["outcome"], each["final_outcome"])
        for each in stripe_model.receive(shuffled)["outcomes"]
        if each["outcome"] != "duplicate"
    }
    assert second.outcomes() == expected
