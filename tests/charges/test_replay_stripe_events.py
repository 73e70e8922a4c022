"""Replaying the inbox: events whose payment or type was not known when they came."""

from datetime import date
from uuid import UUID

from tests.charges.owner import refused
from tests.charges.stripe_events import DAY, NOON, event, intent, refund
from tests.charges.stripe_inbox import Inbox


def test_events_that_came_first_wait_for_the_import_and_a_replay(inbox: Inbox) -> None:
    early = refund("pi_1", 700, created=NOON - 30 * DAY)
    assert inbox.ingest(early) == "unmatched"
    assert inbox.replay() == (0, 1)
    inbox.add_payment("pi_1", refunded_cents=900, refunded_on=date(2024, 4, 9))
    assert inbox.replay() == (1, 0)
    assert inbox.outcomes() == {early["id"]: ("unmatched", "stale")}
    row = inbox.payment("pi_1")
    assert (row["refunded_cents"], row["refunded_on"]) == (900, date(2024, 4, 9))
    assert inbox.replay() == (0, 0)


def test_unknown_types_stay_and_are_read_again(inbox: Inbox) -> None:
    unknown = event("payment_intent.created", intent("pi_1")["data"]["object"])
    assert inbox.ingest(unknown) == "ignored"
    assert inbox.replay() == (0, 1)
    # As if the version that received it had not known its type.
    inbox.database.execute(
        "UPDATE ledger.stripe_events SET event_type = 'payment_intent.succeeded',"
        " event = jsonb_set(event, '{type}', '\"payment_intent.succeeded\"') WHERE tenant = %s",
        (inbox.tenant,),
    )
    assert inbox.replay() == (1, 0)
    assert inbox.outcomes() == {unknown["id"]: ("ignored", "applied")}
    assert inbox.payments() == inbox.told() != []


def test_names_that_are_known_by_now_are_read_again(inbox: Inbox) -> None:
    own = {"tenantUserId": "user_7", "unitId": "u-7", "billingPeriod": "2024-06"}
    events = [
        refund("pi_1", 500),
        intent("pi_1", meta=own),
        intent("pi_1", "processing", meta=own, created=NOON - 1),
        intent("pi_2", livemode=True, meta=own),
    ]
    assert [inbox.ingest(event) for event in events] == ["unmatched"] * 4
    assert inbox.replay() == (0, 4)
    names = {"tenant_id": "tenantUserId", "unit_id": "unitId", "billing_period": "billingPeriod"}
    inbox.set(metadata_keys=names, livemode=False)
    assert inbox.told() == []
    assert inbox.replay() == (1, 0)
    assert inbox.replay() == (0, 0)
    assert [final for _, final in inbox.outcomes().values()] == [
        "applied",
        "applied",
        "applied",
        "foreign",
    ]
    [payment] = inbox.payments()
    assert (payment["tenant_id"], payment["refunded_cents"]) == ("user_7", 500)


def test_a_payment_is_settled_again_on_demand(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1"))
    sound = inbox.payment("pi_1")
    inbox.database.execute(
        "UPDATE ledger.payments SET amount_cents = 1 WHERE tenant = %s", (inbox.tenant,)
    )
    assert inbox.replay("pi_1") == (1, 0)
    assert inbox.payment("pi_1") == sound


def test_of_one_payment_only(inbox: Inbox) -> None:
    for key in ("pi_1", "pi_2"):
        inbox.ingest(refund(key, 700))
        inbox.add_payment(key, payment_id=key)
    assert inbox.replay("pi_1") == (1, 1)
    assert [inbox.payment(key)["refunded_cents"] for key in ("pi_1", "pi_2")] == [700, 0]
    assert inbox.replay("pi_9") == (0, 1)
    assert inbox.replay() == (1, 0)


def test_an_unknown_tenant_is_refused(inbox: Inbox) -> None:
    nobody = UUID(int=99)
    with refused("DC002", f"tenant {nobody}", "SELECT * FROM ops.tenants()"):
        inbox.database.execute("CALL ledger.replay_stripe_events(%s)", (nobody,))
