"""The webhook receiver of docs/stripe.md, exactly as it stands there, over signed events."""

import hashlib
import hmac
import json
import re
import time
from typing import Any

import pytest

from tests.charges.stripe_inbox import Inbox
from tests.conftest import ROOT, Database
from tests.examples.stripe_objects import AMOUNT, KEY, deliveries

PAGE = ROOT / "docs" / "stripe.md"
SECRET = "whsec_of_the_test"


def sign(payload: str, secret: str = SECRET, at: float | None = None) -> str:
    """Return the header with which Stripe signs a delivery."""
    moment = int(at or time.time())
    signed = f"{moment}.{payload}".encode()
    return f"t={moment},v1={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


@pytest.fixture
def inbox(database: Database) -> Inbox:
    """Return the inbox that the receiver writes to."""
    return Inbox(database)


@pytest.fixture
def client(dsn: str, inbox: Inbox, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a client of the receiver."""
    settings = {
        "STRIPE_WEBHOOK_SECRET": SECRET,
        "DATABASE_URL": dsn,
        "TENANT": str(inbox.tenant),
    }
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    [text] = re.findall(
        r"^```python\n(.*?)^```$", PAGE.read_text("utf-8"), re.MULTILINE | re.DOTALL
    )
    receiver: dict[str, Any] = {"__name__": "receiver"}
    exec(compile(text, str(PAGE), "exec"), receiver)
    return receiver["app"].test_client()


def post(client: Any, payload: str, **headers: str) -> Any:
    """Deliver a payload."""
    return client.post("/stripe", data=payload.encode(), headers=headers)


def test_signed_events_are_received(client: Any, inbox: Inbox) -> None:
    for event, outcome in deliveries():
        payload = json.dumps(event, ensure_ascii=False)
        for expected in (outcome, "duplicate"):
            answer = post(client, payload, **{"Stripe-Signature": sign(payload)})
            assert (answer.status_code, answer.json["outcome"]) == (200, expected)
    [payment] = inbox.payments()
    assert payment == {
        "payment_key": KEY,
        "tenant_id": "user:'7'",
        "unit_id": "单元-4",
        "billing_period": "2026-09",
        "status": "succeeded",
        "amount_cents": AMOUNT,
        "refunded_cents": 5_000,
        "disputed": False,
    }
    assert len(inbox.outcomes()) == len(deliveries())


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Stripe-Signature": ""},
        {"Stripe-Signature": "t=1,v1=0"},
        {"Stripe-Signature": sign("{}")},
        {"Stripe-Signature": sign(json.dumps(deliveries()[2][0]), "whsec_of_another")},
    ],
)
def test_what_is_not_signed_is_refused(client: Any, inbox: Inbox, headers: dict[str, str]) -> None:
    assert post(client, json.dumps(deliveries()[2][0]), **headers).status_code == 400
    assert inbox.outcomes() == {}


def test_an_old_signature_is_refused(client: Any, inbox: Inbox) -> None:
    payload = json.dumps(deliveries()[2][0])
    stale = sign(payload, at=time.time() - 3_600)
    assert post(client, payload, **{"Stripe-Signature": stale}).status_code == 400
    assert inbox.outcomes() == {}


def test_a_signed_event_without_shape_is_rejected(client: Any, inbox: Inbox) -> None:
    payload = json.dumps({"object": "event", "type": "charge.refunded"})
    answer = post(client, payload, **{"Stripe-Signature": sign(payload)})
    assert (answer.status_code, answer.json["outcome"]) == (400, "rejected")
    assert answer.json["reason"] == "its id is not a non-empty text"
