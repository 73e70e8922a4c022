"""The webhook receiver of docs/stripe.md, exactly as it stands there, over signed events."""

import hashlib
import hmac
import json
import re
import time
from typing import Any

import pytest
from psycopg.conninfo import make_conninfo

from tests.charges.stripe_events import event
from tests.charges.stripe_inbox import Inbox
from tests.conftest import ROOT, Database
from tests.examples.stripe_objects import (
    AMOUNT,
    KEY,
    PAYMENT_INTENT,
    REFUND,
    THIN_EVENT,
    deliveries,
)

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


def deliver(client: Any, thing: Any) -> tuple[int, Any]:
    """Deliver an event as Stripe does, signed; return the status and the answer."""
    payload = json.dumps(thing, ensure_ascii=False)
    answer = post(client, payload, **{"Stripe-Signature": sign(payload)})
    return answer.status_code, answer.json


def moved(created: int, kind: str, cents: int, source: str) -> dict[str, Any]:
    """Return a movement in the shape of the offline answers."""
    return {"created": created, "kind": kind, "amount_cents": cents, "source": source}


def test_signed_events_of_every_type_are_received(client: Any, inbox: Inbox) -> None:
    for given, outcome in deliveries():
        for expected in (outcome, "duplicate"):
            assert deliver(client, given) == (200, {"outcome": expected, "reason": None})
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
        "movements": [
            moved(1_788_200_009, "received", AMOUNT, "payment"),
            moved(1_788_300_000, "refund", -5_000, "charge"),
            moved(1_788_310_000, "refund", -2_000, REFUND["id"]),
            moved(1_788_330_000, "refund_undone", 2_000, REFUND["id"]),
        ],
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
    status, answer = deliver(client, {"object": "event", "type": "charge.refunded"})
    assert (status, answer["outcome"]) == (200, "rejected")
    assert answer["reason"] == "its id is not a non-empty text"


def test_a_thin_event_is_rejected_with_what_to_do(client: Any, inbox: Inbox) -> None:
    status, answer = deliver(client, THIN_EVENT)
    assert (status, answer["outcome"]) == (200, "rejected")
    assert "snapshot" in answer["reason"]
    assert inbox.outcomes() == {}


@pytest.mark.parametrize(
    ("settings", "stranger", "own"),
    [
        ("p_livemode => true", {"livemode": False}, {"livemode": True}),
        ("p_account => 'acct_1'", {"account": "acct_2"}, {"account": "acct_1"}),
        ("p_account => 'acct_1'", {}, {"account": "acct_1"}),
    ],
    ids=["test mode", "another account", "the platform's own account"],
)
def test_what_is_not_of_this_landlord_is_kept_and_moves_nothing(
    client: Any, inbox: Inbox, settings: str, stranger: dict[str, Any], own: dict[str, Any]
) -> None:
    call = f"CALL ledger.set_stripe_settings(p_tenant => %s, {settings})"
    inbox.database.execute(call.encode(), (inbox.tenant,))
    foreign = event("payment_intent.succeeded", PAYMENT_INTENT, **stranger)
    assert deliver(client, foreign) == (200, {"outcome": "foreign", "reason": None})
    assert inbox.outcomes() == {foreign["id"]: ("foreign", "foreign")}
    assert inbox.payments() == []
    ours = event("payment_intent.succeeded", PAYMENT_INTENT, **own)
    assert deliver(client, ours) == (200, {"outcome": "applied", "reason": None})
    assert [payment["payment_key"] for payment in inbox.payments()] == [KEY]


def test_without_a_database_stripe_delivers_again(
    client: Any, inbox: Inbox, dsn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DATABASE_URL", make_conninfo(dsn, port=1, connect_timeout=5))
    [given] = [each for each, outcome in deliveries() if each["type"] == "payment_intent.succeeded"]
    payload = json.dumps(given)
    headers = {"Stripe-Signature": sign(payload)}
    assert post(client, payload, **headers).status_code == 500
    monkeypatch.setenv("DATABASE_URL", dsn)
    assert post(client, payload, **headers).status_code == 200
    assert list(inbox.outcomes()) == [given["id"]]
