"""Findings of what Stripe tells: names of metadata, modes, refunds that failed, moved payments."""

import pytest

from tests.charges.stripe_events import DAY, NOON, intent, metadata, refund, refund_object
from tests.charges.stripe_inbox import Inbox
from tests.verify.test_charges import Checked, owner

__all__ = ["owner"]

CAMEL = {"tenantUserId": "r-1", "unitId": "u-1", "billingPeriod": "2026-05", "note": "x"}


@pytest.fixture
def inbox(owner: Checked) -> Inbox:
    """Return the inbox of the owner, with a live payment that is partly refunded."""
    inbox = Inbox(owner.database, owner.tenant)
    inbox.ingest(intent("pi_0", meta=metadata("r-1", "u-1", "2026-05"), livemode=True))
    inbox.ingest(refund_object("pi_0", 500, created=NOON + DAY, livemode=True))
    inbox.ingest(refund("pi_0", 700, created=NOON + 2 * DAY, livemode=True))
    return inbox


@pytest.mark.parametrize(
    "check", ["stripe_metadata_unknown", "stripe_mode", "refund_unseen", "payment_moved"]
)
def test_an_inbox_in_good_order_has_no_findings(owner: Checked, inbox: Inbox, check: str) -> None:
    inbox.ingest(intent("pi_2", meta=metadata("r-1", "u-1", "May")))
    inbox.ingest(intent("pi_3", meta={}))
    assert owner.find(check) == []


def test_stripe_metadata_unknown(owner: Checked, inbox: Inbox) -> None:
    for key in ("pi_1", "pi_2"):
        inbox.ingest(intent(key, meta=CAMEL))
    inbox.ingest(intent("pi_3", meta={**CAMEL, "unit_id": "u-1"}))
    key = '["billingPeriod", "note", "tenantUserId", "unitId"]'
    finding = owner.find_one("stripe_metadata_unknown", key, "warning")
    assert finding["detail"].startswith("payments pi_1, pi_2 wait")
    assert set(finding["expected"].split(", ")) == {"tenant_id", "unit_id", "billing_period"}
    owner.repair(finding)
    inbox.replay()
    made = [payment["stripe_payment_intent_id"] for payment in owner.rows("payments").values()]
    assert {"pi_1", "pi_2"} < set(made)


def test_stripe_mode(owner: Checked, inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1", meta=metadata("r-1", "u-1", "2026-05"), livemode=False, id="t'1"))
    finding = owner.find_one("stripe_mode", "pi_1", "warning")
    assert finding["detail"] == "events of test mode count: t'1"
    owner.repair(finding)
    assert inbox.ingest(intent("pi_1", livemode=False)) == "foreign"


def test_refund_unseen(owner: Checked, inbox: Inbox) -> None:
    inbox.ingest(refund("pi_0", 300, created=NOON + 3 * DAY, livemode=True))
    finding = owner.find_one("refund_unseen", "pi_0", "warning")
    assert finding["expected"] == "300 cents, as the charge says"
    assert finding["actual"] == "500 cents, as the refunds say"
    owner.database.execute(finding["repair_call"])
    assert owner.find("refund_unseen") == [finding]
    failed = refund_object("pi_0", 500, "refund.failed", created=NOON + 2 * DAY, livemode=True)
    inbox.ingest(failed)
    assert owner.find("refund_unseen") == []


def test_payment_moved(owner: Checked, inbox: Inbox) -> None:
    [payment] = [p for p, row in owner.rows("payments").items() if row["stripe_payment_intent_id"]]
    owner.move(payment, unit_id="u-2")
    owner.move(owner.paid, unit_id="u-2")
    finding = owner.find_one("payment_moved", payment, "warning")
    assert finding["expected"] == "renter r-1, unit u-1, period 2026-05"
    assert finding["actual"] == "renter r-1, unit u-2, period 2026-05"
    assert owner.find("stripe_payment") == []
    owner.repair(finding)
    assert owner.rows("payments")[payment]["unit_id"] == "u-1"
