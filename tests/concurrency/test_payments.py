"""Two sessions at one payment: by hand beside each other, and beside an event of Stripe."""

import pytest
from psycopg.types.json import Jsonb

from tests.charges.owner import Owner
from tests.charges.stripe_events import intent, metadata
from tests.concurrency.sessions import Session, outcome
from tests.conftest import Database

REFUND = (
    "CALL ledger.refund_payment(%(tenant)s, %(payment)s, 60000, '2026-05-09', 'back',"
    " o_refund_id => %(id)s)"
)
RECORD = (
    "CALL ledger.record_payment(%(tenant)s, 'r-1', 'u-1', '2026-05', 5, '2026-05-03',"
    " o_payment_id => %(id)s)"
)
MOVE = "CALL ledger.move_payment(%(tenant)s, %(payment)s, 'r-1', 'u-1', p_reason => 'moved')"
INGEST = "CALL ledger.ingest_stripe_event(p_tenant => %(tenant)s, p_event => %(event)s)"


@pytest.fixture
def owner(shared_database: Database) -> Owner:
    """Return an owner of its own."""
    return Owner(shared_database)


@pytest.mark.parametrize(("given_id", "second"), [(None, "DC108"), ("mine", "00000")])
def test_no_more_is_refunded_than_is_left(
    owner: Owner, pair: list[Session], given_id: str | None, second: str
) -> None:
    payment = owner.record()
    one, two = pair
    given = {"tenant": owner.tenant, "payment": payment, "id": given_id}
    one.execute("BEGIN")
    one.execute(REFUND, given)
    running = two.start(REFUND, given)
    two.wait_until_blocked_by(one, owner.database)
    one.execute("COMMIT")
    assert outcome(running) == second
    assert owner.rows("payments")[payment]["refunded_cents"] == 60_000
    assert len(owner.movements(payment)) == 2


@pytest.mark.parametrize(("end", "second"), [("COMMIT", "DC001"), ("ROLLBACK", "00000")])
def test_a_given_id_refunds_one_of_two_payments(
    owner: Owner, pair: list[Session], end: str, second: str
) -> None:
    payments = [owner.record(), owner.record()]
    one, two = pair
    given = [{"tenant": owner.tenant, "payment": payment, "id": "same"} for payment in payments]
    one.execute("BEGIN")
    one.execute(REFUND, given[0])
    running = two.start(REFUND, given[1])
    two.wait_until_blocked_by(one, owner.database)
    one.execute(end)
    assert outcome(running) == second
    refunded = [owner.rows("payments")[payment]["refunded_cents"] for payment in payments]
    assert refunded == ([60_000, 0] if end == "COMMIT" else [0, 60_000])


def test_a_given_id_is_recorded_once(owner: Owner, pair: list[Session]) -> None:
    one, two = pair
    given = {"tenant": owner.tenant, "id": "mine"}
    one.execute("BEGIN")
    one.execute(RECORD, given)
    running = two.start(RECORD, given)
    two.wait_until_blocked_by(one, owner.database)
    one.execute("COMMIT")
    assert running.result() == [("mine",)]
    assert len(owner.movements("mine")) == 1


@pytest.mark.parametrize("first", ["move", "event"])
def test_a_payment_that_is_moved_beside_an_event_stays_where_it_was_put(
    owner: Owner, pair: list[Session], first: str
) -> None:
    told = metadata("r-2", "u-2", "2026-05")
    ingest = {"tenant": owner.tenant, "event": Jsonb(intent("pi_1", "processing", meta=told))}
    owner.database.execute(INGEST, ingest)
    [payment] = owner.rows("payments")
    acts = {
        "move": (MOVE, {"tenant": owner.tenant, "payment": payment}),
        "event": (INGEST, {"tenant": owner.tenant, "event": Jsonb(intent("pi_1", meta=told))}),
    }
    one, two = pair
    one.execute("BEGIN")
    one.execute(*acts.pop(first))
    running = two.start(*acts.popitem()[1])
    two.wait_until_blocked_by(one, owner.database)
    one.execute("COMMIT")
    assert outcome(running) == "00000"
    row = owner.rows("payments")[payment]
    assert (row["status"], row["tenant_user_id"], row["unit_id"]) == ("succeeded", "r-1", "u-1")
    assert {balance["unit_id"]: balance["paid_cents"] for balance in owner.select("balances")} == {
        "u-1": 100_000,
        "u-2": 0,
    }
