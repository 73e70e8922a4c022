"""Checks of what Stripe tells: planted, found, repaired."""

from tests.charges.stripe_events import NOON, intent, metadata, refund, session
from tests.charges.stripe_inbox import Inbox
from tests.verify.scene import Scene


def test_stripe_payment_that_is_not_as_its_events_say(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(intent("pi_1"))
    scene.update("ledger.payments", "status = 'pending'", stripe_payment_intent_id="pi_1")
    finding = scene.find_one("stripe_payment", "pi_1")
    assert finding["expected"].startswith("succeeded 100000 cents, 0 refunded, renter user_1")
    assert finding["actual"].startswith("pending 100000 cents")
    scene.repair(finding)
    assert scene.find("stripe_payment") == []


def test_stripe_payment_that_is_gone(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(intent("pi_1"))
    scene.database.execute("DELETE FROM ledger.payments WHERE tenant = %s", (scene.tenant,))
    finding = scene.find_one("stripe_payment", "pi_1")
    assert finding["actual"] == "no such payment"
    scene.repair(finding)
    assert scene.find("stripe_payment") == []


def test_stripe_hold_of_another_currency(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(intent("pi_1"))
    inbox.ingest(intent("pi_2", currency="eur"))
    finding = scene.find_one("stripe_hold", "pi_2", "warning")
    assert (finding["expected"], finding["actual"]) == ("a payment of the ledger", "other_currency")
    assert "EUR" in finding["detail"]
    assert scene.find("stripe_payment") == []
    inbox.ingest(intent("pi_2", created=NOON + 1))
    assert scene.find("stripe_hold") == []


def test_stripe_unmatched_until_the_payment_exists(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(refund("pi_3", 1))
    finding = scene.find_one("stripe_unmatched", "pi_3", "warning")
    scene.repair(finding)
    assert scene.find("stripe_unmatched") == [finding]
    inbox.ingest(intent("pi_3", meta=metadata("user_3")))
    assert scene.find("stripe_unmatched") == []


def test_stripe_unmatched_for_a_period_that_is_none(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(intent("pi_3", meta=metadata(period="2024-13")))
    finding = scene.find_one("stripe_unmatched", "pi_3", "warning")
    assert "billing_period '2024-13' in their metadata is not YYYY-MM" in finding["detail"]


def test_stripe_unmatched_without_a_payment_intent(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    for event in (refund(None, 1), session(None)):
        inbox.ingest(event)
        [finding] = [
            row for row in scene.find("stripe_unmatched") if event["type"] in row["detail"]
        ]
        assert (finding["object_key"], finding["severity"]) == (event["id"], "warning")
        assert scene.repair(finding) == [(event,)]
