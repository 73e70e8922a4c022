"""The Stripe inbox in plain Python, one event after the other: what the SQL is compared with."""

import re
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

Event = Any
Order = tuple[Any, ...]

_STATUSES = {
    "payment_intent.processing": "pending",
    "payment_intent.payment_failed": "failed",
    "payment_intent.canceled": "canceled",
    "payment_intent.succeeded": "succeeded",
    "checkout.session.completed": "succeeded",
    "checkout.session.async_payment_succeeded": "succeeded",
    "checkout.session.async_payment_failed": "failed",
}
_KNOWN = {*_STATUSES, "charge.refunded", "charge.dispute.created", "charge.dispute.closed"}
_RANKS = ("", "pending", "failed", "canceled", "succeeded")
_IDENTITY = ("tenant_id", "unit_id", "billing_period")


@dataclass
class Payment:
    """A payment that exists: the events applied to it, and the greatest of each kind."""

    events: list[dict[str, Any]] = field(default_factory=list)
    status: Order = (-1,)
    amount_refunded: int = -1
    disputes: dict[str, Order] = field(default_factory=dict)

    def apply(self, event: dict[str, Any]) -> str:
        """Apply an event and say whether it came too late to matter."""
        self.events.append(event)
        if event["type"] in _STATUSES:
            order = _status_order(event)
            late = order < self.status and _status(event) != _RANKS[self.status[2]]
            self.status = max(self.status, order)
        elif event["type"] == "charge.refunded":
            amount = event["data"]["object"]["amount_refunded"]
            late = amount < self.amount_refunded
            self.amount_refunded = max(self.amount_refunded, amount)
        else:
            dispute, order = event["data"]["object"]["id"], _dispute_order(event)
            before = self.disputes.get(dispute, (False,))
            late = order < before and order[-1] != before[-1]
            self.disputes[dispute] = max(before, order)
        return "stale" if late else "applied"

    def result(self, key: str) -> dict[str, Any]:
        """Return what all of its events say together."""
        first = min(filter(_creates, self.events), key=_age)
        told = [e for e in self.events if e["type"] in _STATUSES and _amount(e) is not None]
        amount = _amount(max(told, key=_status_order)) if told else None
        said = {order[-1] for order in self.disputes.values()}
        refunded = max(self.amount_refunded, 0)
        return {
            "payment_key": key,
            **{name: first["data"]["object"]["metadata"][name] for name in _IDENTITY},
            "status": "failed" if "lost" in said else _RANKS[self.status[2]],
            "amount_cents": amount,
            "refunded_cents": max(refunded, amount or 0) if "lost" in said else refunded,
            "disputed": bool(said & {"open", "lost"}),
        }


def receive(events: list[Event]) -> dict[str, Any]:
    """Return the outcomes of events in the order received, and the payments in the end."""
    outcomes: list[dict[str, Any]] = []
    seen: set[str] = set()
    payments: dict[str, Payment] = {}
    waiting: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for event in events:
        given = event.get("id") if isinstance(event, dict) else None
        event_id = given if _is_text(given) else None
        if _is_rejected(event):
            outcome = "rejected"
        elif event_id in seen:
            outcome = "duplicate"
        elif event["type"] not in _KNOWN:
            outcome = "ignored"
        else:
            outcome = "unmatched"
        report = {"event_id": event_id, "outcome": outcome, "final_outcome": outcome}
        outcomes.append(report)
        if outcome in ("rejected", "duplicate"):
            continue
        seen.add(str(event_id))
        key = _payment_key(event) if outcome == "unmatched" else None
        if key is None:
            continue
        if key not in payments and not _creates(event):
            waiting.setdefault(key, []).append((event, report))
            continue
        is_new = key not in payments
        payment = payments.setdefault(key, Payment())
        report["outcome"] = report["final_outcome"] = payment.apply(event)
        if is_new:
            for older, told in sorted(waiting.get(key, []), key=lambda pair: _turn(pair[0])):
                told["final_outcome"] = payment.apply(older)
    return {
        "outcomes": outcomes,
        "payments": [payment.result(key) for key, payment in sorted(payments.items())],
    }


def created_days(events: list[Event]) -> dict[str, date]:
    """Return the day, UTC, of the oldest of the sound events of each payment that exists."""
    oldest: dict[str, int] = {}
    for event in events:
        if event["type"] in _KNOWN and (key := _payment_key(event)) is not None:
            oldest[key] = min(event["created"], oldest.get(key, event["created"]))
    existing = {_payment_key(event) for event in events if _creates(event)}
    epoch = datetime.fromtimestamp(0, UTC)
    return {
        key: (epoch + timedelta(seconds=oldest[key])).date() for key in oldest if key in existing
    }


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_integer(value) and value >= 0


def _is_rejected(event: Event) -> bool:
    if not isinstance(event, dict) or not (
        _is_text(event.get("id")) and _is_text(event.get("type"))
    ):
        return True
    data = event.get("data")
    thing = data.get("object") if isinstance(data, dict) else None
    if not _is_integer(event.get("created")) or not isinstance(thing, dict):
        return True
    if event["type"] not in _KNOWN:
        return False
    if not _is_text(thing.get("id")):
        return True
    if event["type"] == "charge.refunded":
        return not _is_amount(thing.get("amount_refunded"))
    amount = _amount(event)
    return amount is not None and not _is_amount(amount)


def _amount(event: dict[str, Any]) -> Any:
    thing = event["data"]["object"]
    if event["type"].startswith("payment_intent."):
        return thing.get("amount")
    return thing.get("amount_total") if event["type"].startswith("checkout.") else None


def _payment_key(event: dict[str, Any]) -> str | None:
    thing = event["data"]["object"]
    key = thing.get("id" if event["type"].startswith("payment_intent.") else "payment_intent")
    return key if _is_text(key) else None


def _creates(event: dict[str, Any]) -> bool:
    metadata = event["data"]["object"].get("metadata")
    return (
        event["type"] in _STATUSES
        and isinstance(metadata, dict)
        and all(_is_text(metadata.get(name)) for name in _IDENTITY)
        and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", metadata["billing_period"]) is not None
    )


def _status(event: dict[str, Any]) -> str:
    is_unpaid = event["data"]["object"].get("payment_status") == "unpaid"
    if event["type"] == "checkout.session.completed" and is_unpaid:
        return "pending"
    return _STATUSES[event["type"]]


def _age(event: dict[str, Any]) -> Order:
    return event["created"], event["id"]


def _turn(event: dict[str, Any]) -> Order:
    rank = _RANKS.index(_status(event)) if event["type"] in _STATUSES else 5
    return event["created"], rank, event["id"]


def _status_order(event: dict[str, Any]) -> Order:
    status = _status(event)
    finality = {"canceled": 1, "succeeded": 2}.get(status, 0)
    return finality, event["created"], _RANKS.index(status), event["id"]


def _dispute_order(event: dict[str, Any]) -> Order:
    if event["type"] == "charge.dispute.created":
        return False, *_age(event), "open"
    is_lost = event["data"]["object"].get("status") == "lost"
    return True, *_age(event), "lost" if is_lost else "won"
