"""What Stripe's events carry in ``data.object``: its fields, values of our own."""

from typing import Any

from tests.charges.stripe_events import Event, event

KEY = "pi_7WebhookExample01"
CHARGE = "ch_7WebhookExample01"
AMOUNT = 95_050

_COMMON = {"currency": "usd", "livemode": False, "created": 1_788_200_000}

PAYMENT_INTENT: dict[str, Any] = {
    "id": KEY,
    "object": "payment_intent",
    **_COMMON,
    "amount": AMOUNT,
    "amount_capturable": 0,
    "amount_details": {"tip": {}},
    "amount_received": AMOUNT,
    "application": None,
    "application_fee_amount": None,
    "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
    "canceled_at": None,
    "cancellation_reason": None,
    "capture_method": "automatic_async",
    "confirmation_method": "automatic",
    "customer": "cus_7WebhookExample",
    "description": "Rent – Zürich, Bäckerstraße",
    "last_payment_error": None,
    "latest_charge": CHARGE,
    "metadata": {"tenant_id": "user:'7'", "unit_id": "单元-4", "billing_period": "2026-09"},
    "next_action": None,
    "payment_method": "pm_7WebhookExample",
    "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
    "payment_method_types": ["card"],
    "receipt_email": None,
    "shipping": None,
    "statement_descriptor": None,
    "status": "succeeded",
    "transfer_data": None,
}

CHECKOUT_SESSION: dict[str, Any] = {
    "id": "cs_test_7WebhookExample",
    "object": "checkout.session",
    **_COMMON,
    "amount_subtotal": AMOUNT,
    "amount_total": AMOUNT,
    "automatic_tax": {"enabled": False, "liability": None, "status": None},
    "customer_details": {"email": "renter@example.com", "name": "R. Enter", "phone": None},
    "expires_at": 1_788_286_400,
    "metadata": PAYMENT_INTENT["metadata"],
    "mode": "payment",
    "payment_intent": KEY,
    "payment_link": None,
    "payment_method_types": ["card"],
    "payment_status": "unpaid",
    "status": "complete",
    "success_url": "https://example.com/paid",
    "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
    "url": None,
}

REFUNDED_CHARGE: dict[str, Any] = {
    "id": CHARGE,
    "object": "charge",
    **_COMMON,
    "amount": AMOUNT,
    "amount_captured": AMOUNT,
    "amount_refunded": 5_000,
    "balance_transaction": "txn_7WebhookExample",
    "billing_details": {"address": {"city": None, "country": None}, "name": "R. Enter"},
    "captured": True,
    "disputed": False,
    "fraud_details": {},
    "metadata": {},
    "outcome": {"network_status": "approved_by_network", "type": "authorized"},
    "paid": True,
    "payment_intent": KEY,
    "payment_method_details": {"card": {"brand": "visa", "last4": "4242"}, "type": "card"},
    "receipt_url": None,
    "refunded": False,
    "status": "succeeded",
}

DISPUTE: dict[str, Any] = {
    "id": "dp_7WebhookExample",
    "object": "dispute",
    **_COMMON,
    "amount": AMOUNT,
    "balance_transactions": [],
    "charge": CHARGE,
    "evidence": {"customer_name": None, "uncategorized_text": None},
    "evidence_details": {"due_by": 1_789_000_000, "has_evidence": False, "past_due": False},
    "is_charge_refundable": True,
    "metadata": {},
    "payment_intent": KEY,
    "reason": "general",
    "status": "needs_response",
}


REFUND: dict[str, Any] = {
    "id": "re_7WebhookExample",
    "object": "refund",
    **_COMMON,
    "created": 1_788_310_000,
    "amount": 2_000,
    "balance_transaction": "txn_7WebhookExample2",
    "charge": CHARGE,
    "destination_details": {"card": {"reference_status": "pending", "type": "refund"}},
    "metadata": {},
    "payment_intent": KEY,
    "reason": "requested_by_customer",
    "receipt_number": None,
    "source_transfer_reversal": None,
    "status": "succeeded",
    "transfer_reversal": None,
}

#: A thin event of version 2: it names an object and has no snapshot of it.
THIN_EVENT: dict[str, Any] = {
    "id": "evt_test_7WebhookExample",
    "object": "v2.core.event",
    "type": "v1.payment_intent.succeeded",
    "created": "2026-08-31T18:13:20.000Z",
    "livemode": True,
    "context": None,
    "reason": None,
    "related_object": {
        "id": KEY,
        "type": "payment_intent",
        "url": f"/v1/payment_intents/{KEY}",
    },
}


def deliveries() -> list[tuple[Event, str]]:
    """Return events of one payment, one of each known type, each with its outcome."""
    customer = {"id": "cus_7WebhookExample", "object": "customer", "metadata": {}}
    told = [
        ("charge.refunded", REFUNDED_CHARGE, {}, 1_788_300_000, "unmatched"),
        ("customer.created", customer, {}, 1_788_100_000, "ignored"),
        ("payment_intent.succeeded", PAYMENT_INTENT, {}, 1_788_200_009, "applied"),
        ("payment_intent.processing", PAYMENT_INTENT, {}, 1_788_200_000, "stale"),
        ("payment_intent.payment_failed", PAYMENT_INTENT, {}, 1_788_199_000, "stale"),
        ("payment_intent.canceled", PAYMENT_INTENT, {}, 1_788_199_500, "stale"),
        ("checkout.session.completed", CHECKOUT_SESSION, {}, 1_788_200_001, "stale"),
        ("checkout.session.async_payment_failed", CHECKOUT_SESSION, {}, 1_788_200_002, "stale"),
        (
            "checkout.session.async_payment_succeeded",
            CHECKOUT_SESSION,
            {},
            1_788_200_010,
            "applied",
        ),
        ("refund.created", REFUND, {"status": "pending"}, 1_788_310_000, "applied"),
        ("refund.updated", REFUND, {}, 1_788_320_000, "applied"),
        ("refund.failed", REFUND, {"status": "failed"}, 1_788_330_000, "applied"),
        ("charge.refund.updated", REFUND, {}, 1_788_320_001, "stale"),
        ("charge.dispute.created", DISPUTE, {}, 1_788_400_000, "applied"),
        ("charge.dispute.funds_withdrawn", DISPUTE, {}, 1_788_400_001, "applied"),
        ("charge.dispute.updated", DISPUTE, {"status": "under_review"}, 1_788_450_000, "applied"),
        ("charge.dispute.closed", DISPUTE, {"status": "won"}, 1_788_500_000, "applied"),
        ("charge.dispute.funds_reinstated", DISPUTE, {"status": "won"}, 1_788_500_001, "applied"),
    ]
    return [
        (event(kind, {**thing, **changed}, created=created), outcome)
        for kind, thing, changed, created, outcome in told
    ]
