"""Checks of what Stripe tells: planted, found, repaired."""

from tests.charges.stripe_events import intent, metadata, refund, session
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
    # One whose money has moved cannot go.
    inbox.ingest(intent("pi_1", "processing"))
    scene.database.execute("DELETE FROM ledger.payments WHERE tenant = %s", (scene.tenant,))
    finding = scene.find_one("stripe_payment", "pi_1")
    assert finding["actual"] == "no such payment"
    scene.repair(finding)
    assert scene.find("stripe_payment") == []


def test_stripe_payment_whose_movements_are_others(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(intent("pi_1"))
    scene.database.execute(
        "INSERT INTO ledger.payment_movements (tenant, payment_id, movement_number,"
        " tenant_user_id, unit_id, currency, kind, amount_cents, effective_on, source, source_id,"
        " moment) SELECT tenant, payment_id, 99, tenant_user_id, unit_id, currency, 'refund', -5,"
        " '2024-06-01', 'charge', NULL, '2024-06-01T12:00Z' FROM ledger.payments"
        " WHERE tenant = %s AND stripe_payment_intent_id = 'pi_1'",
        (scene.tenant,),
    )
    finding = scene.find_one("stripe_payment", "pi_1")
    assert finding["expected"].endswith("movements of 100000 in and 0 back")
    assert finding["actual"].endswith("movements of 100000 in and 5 back")
    scene.repair(finding)
    assert scene.find("stripe_payment") == []


def test_stripe_unmatched_until_the_payment_exists(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(refund("pi_3", 1))
    finding = scene.find_one("stripe_unmatched", "pi_3", "warning")
    scene.repair(finding)
    assert scene.find("stripe_unmatched") == [finding]
    inbox.ingest(intent("pi_3", meta=metadata("user_3")))
    assert scene.find("stripe_unmatched") == []


def test_stripe_unmatched_names_the_keys_that_metadata_have(scene: Scene) -> None:
    inbox = Inbox(scene.database, scene.tenant)
    inbox.ingest(intent("pi_3", meta={"tenantUserId": "user_3", "unitId": "u-3"}))
    finding = scene.find_one("stripe_unmatched", "pi_3", "warning")
    assert finding["detail"] == (
        "its events wait: none has tenant_id, unit_id, billing_period in its metadata,"
        " but tenantUserId, unitId"
    )


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
