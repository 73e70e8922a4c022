"""The Stripe inbox in plain Python, one event after the other: what the SQL is compared with."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

Event = Any
Order = tuple[Any, ...]
Movement = dict[str, Any]

IDENTITY = ("tenant_id", "unit_id", "billing_period")
_STATUSES = {
    "payment_intent.processing": "pending",
    "payment_intent.payment_failed": "failed",
    "payment_intent.canceled": "canceled",
    "payment_intent.succeeded": "succeeded",
    "checkout.session.completed": "succeeded",
    "checkout.session.async_payment_succeeded": "succeeded",
    "checkout.session.async_payment_failed": "failed",
}
_REFUNDS = {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
_DISPUTES = {
    f"charge.dispute.{kind}"
    for kind in ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")
}
KNOWN = {*_STATUSES, "charge.refunded", *_REFUNDS, *_DISPUTES}
_RANKS = ("", "pending", "failed", "canceled", "succeeded")
_FINALITY = {"pending": 0, "failed": 0, "canceled": 1, "succeeded": 2}
_REFUND_WEIGHT = {"waiting": 0, "counted": 1, "undone": 2}
_WALK = ("open", "lost", "back")


@dataclass
class Payment:
    """A payment that exists: its known events, and how to read them."""

    settings: dict[str, Any]
    events: list[dict[str, Any]] = field(default_factory=list)

    def apply(self, event: dict[str, Any]) -> str:
        """Take an event in and say whether a greater one of its subject says otherwise."""
        peers = [e for e in self.events if subject(e) == subject(event)]
        greatest = max(peers, key=order, default=event)
        self.events.append(event)
        late = order(greatest) > order(event) and says(greatest) != says(event)
        return "stale" if late else "applied"

    def result(self, key: str) -> dict[str, Any]:
        """Return what all of its events say together."""
        named = max((e for e in self.events if identity(e, self.settings)), key=_age)
        movements = sorted(
            (m for m in self.movements() if m["amount_cents"] != 0),
            key=lambda m: (m["created"], m["kind"], m["source"]),
        )
        back = sum(m["amount_cents"] for m in movements if m["kind"] != "received")
        disputes = self._each("dispute").values()
        return {
            "payment_key": key,
            **dict(zip(IDENTITY, identity(named, self.settings) or (), strict=True)),
            "status": self.status,
            "amount_cents": self.amount,
            "refunded_cents": -back,
            "disputed": any(says(max(walk, key=_step)) != "back" for walk in disputes),
            "movements": movements,
        }

    @property
    def status(self) -> str:
        """What the greatest status event says."""
        return str(says(max(self._of("status"), key=order)))

    @property
    def amount(self) -> int | None:
        """The amount of the greatest status event that has one."""
        told = [e for e in self._of("status") if _amount(e) is not None]
        return int(_amount(max(told, key=order))) if told else None

    def movements(self) -> Iterable[Movement]:
        """Yield the movements of all events, those of nothing too."""
        paid = [e["created"] for e in self._of("status") if says(e) == "succeeded"]
        if self.status == "succeeded":
            yield _movement(min(paid), "received", self.amount or 0, "payment")
        refunds: list[tuple[int, int]] = []
        for refund_id, events in self._each("refund").items():
            state, amount = says(max(events, key=order))
            if state == "waiting":
                continue
            refunded = min(_refunded_at(e) for e in events)
            refunds.append((refunded, amount))
            yield _movement(refunded, "refund", -amount, refund_id)
            undone = [e["created"] for e in events if says(e)[0] == "undone"]
            if undone:
                yield _movement(max(refunded, min(undone)), "refund_undone", amount, refund_id)
        yield from self._readings(refunds)
        for dispute_id, events in self._each("dispute").items():
            yield from self._dispute(dispute_id, events)

    def _readings(self, refunds: list[tuple[int, int]]) -> Iterable[Movement]:
        seconds: dict[int, int] = {}
        for event in sorted(self._of("reading"), key=order):
            seconds[event["created"]] = says(event)
        before = 0
        for second, total in sorted(seconds.items()):
            rest = max(0, total - sum(amount for moment, amount in refunds if moment <= second))
            kind = "refund" if rest > before else "refund_undone"
            yield _movement(second, kind, before - rest, "charge")
            before = rest

    def _dispute(self, dispute_id: str, events: list[dict[str, Any]]) -> Iterable[Movement]:
        told = max(events, key=lambda e: (_amount(e) is not None, *_age(e)))
        amount = self.amount or 0 if _amount(told) is None else _amount(told)
        is_lost = False
        for event in sorted(events, key=_step):
            if says(event) == "lost" and not is_lost:
                is_lost = True
                yield _movement(event["created"], "dispute_lost", -amount, dispute_id)
            elif says(event) == "back" and is_lost:
                is_lost = False
                yield _movement(event["created"], "dispute_reinstated", amount, dispute_id)

    def _of(self, kind: str) -> list[dict[str, Any]]:
        return [e for e in self.events if subject(e)[0] == kind]

    def _each(self, kind: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for event in self._of(kind):
            found.setdefault(subject(event)[1], []).append(event)
        return found


def receive(events: list[Event], settings: dict[str, Any] | None = None) -> dict[str, Any]:
    """Return the outcomes of events in the order received, and the payments in the end."""
    settings = settings or {}
    outcomes: list[dict[str, Any]] = []
    seen: set[str] = set()
    payments: dict[str, Payment] = {}
    waiting: dict[str, list[tuple[dict[str, Any], dict[str, Any]]]] = {}
    for event in events:
        given = event.get("id") if isinstance(event, dict) else None
        event_id = given if _is_text(given) else None
        outcome = _outcome_by_itself(event, settings, seen)
        report = {"event_id": event_id, "outcome": outcome, "final_outcome": outcome}
        outcomes.append(report)
        if outcome in ("rejected", "duplicate"):
            continue
        seen.add(str(event_id))
        key = _payment_key(event) if outcome == "unmatched" else None
        if key is None:
            continue
        creates = identity(event, settings) is not None
        if key not in payments and not creates:
            waiting.setdefault(key, []).append((event, report))
            continue
        is_new = key not in payments
        payment = payments.setdefault(key, Payment(settings))
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
        if event["type"] in KNOWN and (key := _payment_key(event)) is not None:
            oldest[key] = min(event["created"], oldest.get(key, event["created"]))
    existing = {_payment_key(event) for event in events if identity(event, {})}
    return {key: day(oldest[key]) for key in oldest if key in existing}


def day(second: int) -> date:
    """Return the day, UTC, of a second."""
    return (datetime.fromtimestamp(0, UTC) + timedelta(seconds=second)).date()


def subject(event: dict[str, Any]) -> tuple[str, str]:
    """Return what an event is about, within its payment."""
    if event["type"] in _REFUNDS:
        return "refund", event["data"]["object"]["id"]
    if event["type"] in _DISPUTES:
        return "dispute", event["data"]["object"]["id"]
    return ("reading", "") if event["type"] == "charge.refunded" else ("status", "")


def says(event: dict[str, Any]) -> Any:
    """Return what an event says of its subject."""
    thing, kind = event["data"]["object"], event["type"]
    told = thing.get("status")
    if kind in _REFUNDS:
        if kind == "refund.failed" or told in ("failed", "canceled"):
            return "undone", thing["amount"]
        return "waiting" if told == "requires_action" else "counted", thing["amount"]
    if kind in _DISPUTES:
        if kind == "charge.dispute.funds_reinstated" or told in (
            "won",
            "warning_closed",
            "prevented",
        ):
            return "back"
        return "lost" if told == "lost" else "open"
    if kind == "charge.refunded":
        return thing["amount_refunded"]
    if kind == "checkout.session.completed" and thing.get("payment_status") == "unpaid":
        return "pending"
    return _STATUSES[kind]


def order(event: dict[str, Any]) -> Order:
    """Return by what the events of a subject are compared."""
    said, created, event_id = says(event), event["created"], event["id"]
    orders: dict[str, Callable[[], Order]] = {
        "status": lambda: (_FINALITY[said], created, _RANKS.index(said), event_id),
        "refund": lambda: (_REFUND_WEIGHT[said[0]], created, event_id),
        "reading": lambda: (created, said, event_id),
        "dispute": lambda: (said != "open", created, said == "back", event_id),
    }
    return orders[subject(event)[0]]()


def identity(event: dict[str, Any], settings: dict[str, Any]) -> tuple[str, ...] | None:
    """Return the renter, unit and period of an event that can create its payment."""
    metadata = event["data"]["object"].get("metadata")
    if event["type"] not in _STATUSES or not isinstance(metadata, dict):
        return None
    names = settings.get("metadata_keys") or {}
    told = [metadata.get(names.get(name, name)) for name in IDENTITY]
    texts = tuple(each for each in told if isinstance(each, str) and each)
    if len(texts) == 3 and re.fullmatch(r"[0-9]{4}-(0[1-9]|1[0-2])", texts[2]):
        return texts
    return None


def _outcome_by_itself(event: Event, settings: dict[str, Any], seen: set[str]) -> str:
    if not _is_event(event):
        return "rejected"
    if event["id"] in seen:
        return "duplicate"
    if _is_foreign(event, settings):
        return "foreign"
    if event["type"] not in KNOWN:
        return "ignored"
    return "unmatched" if _is_whole(event) else "rejected"


def _is_event(event: Event) -> bool:
    if not isinstance(event, dict):
        return False
    data = event.get("data")
    return (
        _is_text(event.get("id"))
        and _is_text(event.get("type"))
        and _is_integer(event.get("created"))
        and isinstance(data, dict)
        and isinstance(data.get("object"), dict)
    )


def _is_foreign(event: dict[str, Any], settings: dict[str, Any]) -> bool:
    mode, account = settings.get("livemode"), settings.get("account")
    given = event.get("account")
    return (
        mode is not None
        and isinstance(event.get("livemode"), bool)
        and event["livemode"] is not mode
    ) or (account is not None and ("" if given is None else given) != account)


def _is_whole(event: dict[str, Any]) -> bool:
    thing = event["data"]["object"]
    if not _is_text(thing.get("id")):
        return False
    if event["type"] == "charge.refunded":
        return _is_amount(thing.get("amount_refunded"))
    if event["type"] in _REFUNDS:
        return _is_amount(thing.get("amount"))
    return _amount(event) is None or _is_amount(_amount(event))


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and value != ""


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_amount(value: Any) -> bool:
    return _is_integer(value) and value >= 0


def _amount(event: dict[str, Any]) -> Any:
    name = "amount_total" if event["type"].startswith("checkout.") else "amount"
    return event["data"]["object"].get(name)


def _payment_key(event: dict[str, Any]) -> str | None:
    thing = event["data"]["object"]
    key = thing.get("id" if event["type"].startswith("payment_intent.") else "payment_intent")
    return key if _is_text(key) else None


def _refunded_at(event: dict[str, Any]) -> int:
    told = event["data"]["object"].get("created")
    return int(told if _is_integer(told) else event["created"])


def _age(event: dict[str, Any]) -> Order:
    return event["created"], event["id"]


def _step(event: dict[str, Any]) -> Order:
    return event["created"], _WALK.index(says(event)), event["id"]


def _turn(event: dict[str, Any]) -> Order:
    rank = _RANKS.index(says(event)) if event["type"] in _STATUSES else 5
    return event["created"], rank, event["id"]


def _movement(created: int, kind: str, amount: int, source: str) -> Movement:
    return {"created": created, "kind": kind, "amount_cents": amount, "source": source}
