"""A bank and Stripe for tests: what happens to renters' money, and the events that tell of it.

Written from Stripe's documentation: the life cycles of payment intents, checkout sessions, refunds
and disputes, and the list of event types. It knows no rule of the inbox; the statement that it
keeps is what the ledger ought to say of every day.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, timedelta
from heapq import heappop, heappush
from itertools import count
from random import Random
from typing import Any

Event = dict[str, Any]

HOUR, DAY = 3_600, 86_400
OPENING = 1_771_200_000  # 2026-02-16T00:00:00Z
SUMMER = 1_772_956_800  # 2026-03-08T08:00:00Z: clocks go forward in Chicago
MIDNIGHTS = (0, 5, 6, 15)
ZONES: dict[str | None, Callable[[int], int]] = {
    "America/Chicago": lambda moment: -5 if moment >= SUMMER else -6,
    "Asia/Tokyo": lambda _: 9,
    None: lambda _: 0,
}

INTENTS = {f"payment_intent.{s}" for s in ("processing", "payment_failed", "canceled", "succeeded")}
SESSIONS = {
    f"checkout.session.{s}"
    for s in ("completed", "async_payment_succeeded", "async_payment_failed")
}
OBJECTS = {"refund.created", "refund.updated", "refund.failed", "charge.refund.updated"}
TOTALS = {"charge.refunded"}
#: Each tells of refunds in full: objects of today, with or without totals, and the old pair.
REFUNDS = (
    {"refund.created", "refund.updated", "refund.failed"},
    {"refund.created", "charge.refund.updated"},
    OBJECTS | TOTALS,
    {"refund.created", "refund.updated"} | TOTALS,
    {"charge.refund.updated"} | TOTALS,
    TOTALS,
)
DISPUTES = (
    {f"charge.dispute.{s}" for s in ("created", "closed", "funds_reinstated")},
    {f"charge.dispute.{s}" for s in ("updated", "closed", "funds_withdrawn", "funds_reinstated")},
    {"charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"}
    | {"charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"},
)
NEWS = {"payment_intent.created", "charge.succeeded", "charge.updated", "payout.paid"}


def day_of(moment: int, zone: str | None) -> date:
    """Return the day that it is at a moment in a time zone."""
    return date(1970, 1, 1) + timedelta(seconds=moment + ZONES[zone](moment) * HOUR)


@dataclass(frozen=True)
class Account:
    """A landlord's account with Stripe: names of metadata, and what stands on its events."""

    names: tuple[str, str, str] = ("tenant_id", "unit_id", "billing_period")
    connected: str | None = None
    has_strangers: bool = False

    def settings(self) -> dict[str, Any]:
        """Return what the landlord has to set for it; nothing for an account of the usual kind."""
        if self == Account():
            return {}
        keys = dict(zip(Account().names, self.names, strict=True))
        return {"metadata_keys": keys, "livemode": True, "account": self.connected}


@dataclass(eq=False)
class Payment:
    """A payment, and what Stripe keeps of it."""

    key: str
    amount: int
    currency: str
    is_debit: bool
    has_session: bool
    unit: str
    told_unit: str
    period: str
    mode: dict[str, Any]
    is_ours: bool = True
    is_pending: bool = False
    refunded: int = 0
    told_refunded: int = 0
    lost: int = 0
    has_failed_refund: bool = False


@dataclass(frozen=True)
class Entry:
    """A line of the bank's statement: money of a renter, or back to him."""

    payment: Payment
    kind: str
    moment: int
    cents: int


@dataclass
class Life:
    """The months of a renter: what happens to his payments, in the order of time."""

    number: int
    random: Random
    account: Account = field(default_factory=Account)
    sent: list[Event] = field(default_factory=list)
    statement: list[Entry] = field(default_factory=list)
    payments: list[Payment] = field(default_factory=list)

    def __post_init__(self) -> None:
        choose = self.random.choice
        self.renter = f"renter-{self.number}"
        self.units = {f"u-{self.number}-{n}": choose(list(ZONES)) for n in range(2)}
        status = choose([INTENTS, SESSIONS, INTENTS | SESSIONS, INTENTS | SESSIONS])
        self.refunds = choose(REFUNDS)
        self.told = status | self.refunds | choose(DISPUTES) | NEWS
        self.has_intents, self.has_sessions = status >= INTENTS, status >= SESSIONS
        self.are_intents_named = not self.has_sessions or choose([True, False])
        self.charges = [
            (unit, choose(["USD", "USD", "EUR"]), self.random.randrange(90), choose([1, 100_000]))
            for unit in self.units
            for _ in range(choose([0, 1, 2]))
        ]
        self.clock, self._numbers, self._agenda = OPENING, count(), list[Any]()
        for _ in range(choose([1, 2, 2, 3])):
            self._later(self.random.randrange(60 * DAY), self._begin)
        while self._agenda:
            self.clock, _, act, arguments = heappop(self._agenda)
            act(*arguments)

    def _chance(self, share: float) -> bool:
        return self.random.random() < share

    def _later(self, seconds: int, act: Callable[..., None], *arguments: Any) -> None:
        """Let something happen, often within a second of a midnight somewhere."""
        moment = self.clock + seconds
        if self._chance(0.4):
            moment += self.random.choice(MIDNIGHTS) * HOUR - moment % DAY
            moment += self.random.choice([-1, 0, 1])
            moment += DAY if moment <= self.clock else 0
        heappush(self._agenda, (moment, next(self._numbers), act, arguments))

    def _send(self, payment: Payment, kind: str, thing: dict[str, Any], delay: int = 0) -> None:
        if kind in self.told:
            if thing.get("metadata"):
                payment.told_unit = payment.unit
            self.sent.append(
                {
                    "id": f"evt_{self.random.getrandbits(64):016x}",
                    "object": "event",
                    "api_version": "2024-06-20",
                    "created": self.clock + delay,
                    "type": kind,
                    "data": {"object": {"currency": payment.currency.lower(), **thing}},
                    **payment.mode,
                }
            )

    def _enter(self, payment: Payment, kind: str, cents: int) -> None:
        if payment.is_ours:
            self.statement.append(Entry(payment, kind, self.clock, cents))

    # Payments.

    def _begin(self) -> None:
        choose, number = self.random.choice, f"{self.number}_{next(self._numbers)}"
        ours = {"livemode": True, "account": self.account.connected}
        if self.account.connected is None:
            del ours["account"]
        payment = Payment(
            key=f"pi_{number}",
            amount=choose([1, 5_000, 40_000, 95_050, 100_000, 100_000, 250_000]),
            currency=choose(["USD", "USD", "USD", "EUR"]),
            is_debit=choose([True, False]),
            has_session=not self.has_intents or (self.has_sessions and choose([True, False])),
            unit=(unit := choose(list(self.units))),
            told_unit=unit,
            period=f"2026-{self.random.randrange(1, 13):02}",
            mode=ours,
        )
        if not self.are_intents_named:
            payment.has_session = True
        if self.account.has_strangers and self._chance(0.3):
            payment.is_ours = False
            payment.mode = choose([{**ours, "livemode": False}, {**ours, "account": "acct_other"}])
        self.payments.append(payment)
        self._send_intent(payment, "created", "requires_payment_method")
        self._try(payment)

    def _try(self, payment: Payment) -> None:
        if payment.is_debit:
            payment.is_pending = True
            self._send_intent(payment, "processing", "processing")
            self._send_session(payment, "completed", "unpaid")
            if self._chance(0.3):
                self._later(HOUR, self._correct, payment)
            if self._chance(0.95):
                self._later(4 * DAY, self._clear, payment)
        elif self._chance(0.2):
            self._send_intent(payment, "payment_failed", "requires_payment_method")
            self._later(HOUR, *self.random.choice([(self._try, payment), (self._cancel, payment)]))
        else:
            self._succeed(payment, "completed")

    def _correct(self, payment: Payment) -> None:
        """Name another unit from now on, on the intent and on the session."""
        payment.unit = self.random.choice(list(self.units))

    def _clear(self, payment: Payment) -> None:
        if self._chance(0.8):
            self._succeed(payment, "async_payment_succeeded")
        else:
            payment.is_pending = False
            self._send_intent(payment, "payment_failed", "requires_payment_method")
            self._send_session(payment, "async_payment_failed", "unpaid")
            if not payment.has_session and self._chance(0.4):
                self._later(DAY, self._try, payment)

    def _cancel(self, payment: Payment) -> None:
        self._send_intent(payment, "canceled", "canceled")

    def _succeed(self, payment: Payment, session: str) -> None:
        payment.is_pending = False
        delay = self.random.randrange(3) if self.has_intents else 0
        self._send_intent(payment, "succeeded", "succeeded")
        self._send_session(payment, session, "paid", delay)
        self._send(payment, "charge.succeeded", self._charge(payment))
        self._enter(payment, "received", payment.amount)
        for act, share in ((self._refund, 0.5), (self._refund, 0.4), (self._dispute, 0.5)):
            if self._chance(share):
                self._later(self.random.randrange(HOUR, 20 * DAY), act, payment)

    def _send_intent(self, payment: Payment, kind: str, status: str) -> None:
        thing = {
            "id": payment.key,
            "object": "payment_intent",
            "amount": payment.amount,
            "status": status,
            "metadata": self._metadata(payment) if self.are_intents_named else {},
        }
        self._send(payment, f"payment_intent.{kind}", thing)

    def _send_session(self, payment: Payment, kind: str, paid: str, delay: int = 0) -> None:
        thing = {
            "id": f"cs_{payment.key}",
            "object": "checkout.session",
            "payment_intent": payment.key,
            "amount_total": payment.amount,
            "mode": "payment",
            "payment_status": paid,
            "metadata": self._metadata(payment),
        }
        if payment.has_session:
            self._send(payment, f"checkout.session.{kind}", thing, delay)

    def _metadata(self, payment: Payment) -> dict[str, str]:
        said = (self.renter, payment.unit, payment.period)
        return dict(zip(self.account.names, said, strict=True))

    def _charge(self, payment: Payment) -> dict[str, Any]:
        return {
            "id": f"ch_{payment.key}",
            "object": "charge",
            "payment_intent": payment.key,
            "amount": payment.amount,
            "amount_refunded": payment.refunded,
            "refunded": payment.refunded == payment.amount,
            "metadata": {},
        }

    # Refunds: they leave when they are made, and come back when they fail or are canceled.

    def _refund(self, payment: Payment) -> None:
        left = payment.amount - payment.refunded - payment.lost
        if left <= 0 or (self.refunds == REFUNDS[4] and payment.has_failed_refund):
            # Of the old pair of types: no event says that this one is not in the total's fall.
            return
        refund: dict[str, Any] = {
            "id": f"re_{self.number}_{next(self._numbers)}",
            "object": "refund",
            "amount": self.random.choice([left, self.random.randint(1, left)]),
            "charge": f"ch_{payment.key}",
            "payment_intent": payment.key,
            "created": self.clock,
            "status": self.random.choice(["succeeded", "succeeded", "pending", "requires_action"]),
        }
        payment.refunded += refund["amount"]
        if refund["status"] == "requires_action" and self.refunds < OBJECTS and self._chance(0.3):
            # The renter never says where the money is to go: it has not left.
            self._send(payment, "refund.created", refund)
            return
        if self.refunds != TOTALS:
            self._enter(payment, "refund", -refund["amount"])
        self._send(payment, "refund.created", refund)
        self._tell_total(payment)
        self._later(self.random.randrange(HOUR, 12 * DAY), self._end_refund, payment, refund)

    def _tell_total(self, payment: Payment) -> None:
        """Tell the total by now; who is told of nothing else knows it as of the last time."""
        delay = 0
        if self.refunds == TOTALS:
            self._enter(payment, "refund", payment.told_refunded - payment.refunded)
            payment.told_refunded = payment.refunded
        elif "refund.created" in self.told:
            delay = self.random.randrange(3)
        self._send(payment, "charge.refunded", self._charge(payment), delay)

    def _end_refund(self, payment: Payment, refund: dict[str, Any]) -> None:
        before = refund["status"]
        after = {
            "requires_action": ["pending", "succeeded", "canceled", "failed"],
            "pending": ["succeeded", "failed"],
            "succeeded": ["succeeded", "succeeded", "succeeded", "failed"],
        }
        refund = {**refund, "status": self.random.choice(after[before])}
        if refund["status"] == before:
            return
        if refund["status"] in ("failed", "canceled"):
            payment.refunded -= refund["amount"]
            payment.has_failed_refund = True
            if self.refunds != TOTALS:
                self._enter(payment, "refund", refund["amount"])
        if refund["status"] == "failed":
            self._send(payment, "refund.failed", refund)
        self._update_refund(payment, refund)
        if refund["status"] in ("failed", "canceled"):
            # Whatever is noted on it later, it came back when it did.
            self._later(DAY, self._update_refund, payment, refund)
        else:
            self._later(self.random.randrange(HOUR, 5 * DAY), self._end_refund, payment, refund)

    def _update_refund(self, payment: Payment, refund: dict[str, Any]) -> None:
        self._send(payment, "refund.updated", refund)
        self._send(payment, "charge.refund.updated", refund)

    # Disputes: a renter owes again what was lost, and no more once it was reinstated.

    def _dispute(self, payment: Payment) -> None:
        left = payment.amount - payment.lost
        if left == 0:
            return
        amount = self.random.choice([left, self.random.randint(1, left)])
        dispute = {
            "id": f"dp_{self.number}_{next(self._numbers)}",
            "object": "dispute",
            "amount": amount,
            "charge": f"ch_{payment.key}",
            "payment_intent": payment.key,
        }
        if payment.is_debit:
            # What a bank takes back of a debit is final at once.
            self._tell(payment, dispute, "created", self.random.choice(["needs_response", "lost"]))
            self._lose(payment, dispute)
        elif self._chance(0.3):
            self._tell(payment, dispute, "created", "warning_needs_response")
            self._later(9 * DAY, self._end_inquiry, payment, dispute)
        else:
            self._tell(payment, dispute, "created", "needs_response")
            self._tell(payment, dispute, "funds_withdrawn", "needs_response")
            self._later(9 * DAY, self._decide, payment, dispute)
        if self._chance(0.2):
            self._later(30 * DAY, self._dispute, payment)

    def _tell(self, payment: Payment, dispute: dict[str, Any], kind: str, status: str) -> None:
        self._send(payment, f"charge.dispute.{kind}", {**dispute, "status": status})

    def _end_inquiry(self, payment: Payment, dispute: dict[str, Any]) -> None:
        if self._chance(0.5):
            self._tell(payment, dispute, "closed", "warning_closed")
        else:
            self._tell(payment, dispute, "updated", "needs_response")
            self._tell(payment, dispute, "funds_withdrawn", "needs_response")
            self._later(9 * DAY, self._decide, payment, dispute)

    def _decide(self, payment: Payment, dispute: dict[str, Any]) -> None:
        self._tell(payment, dispute, "updated", "under_review")
        if self._chance(0.5):
            self._reinstate(payment, dispute)
        elif dispute["amount"] <= payment.amount - payment.lost:
            self._lose(payment, dispute)

    def _lose(self, payment: Payment, dispute: dict[str, Any]) -> None:
        payment.lost += dispute["amount"]
        self._enter(payment, "dispute", -dispute["amount"])
        if payment.is_debit:
            self._tell(payment, dispute, "funds_withdrawn", "lost")
        self._tell(payment, dispute, "closed", "lost")
        self._later(DAY, self._tell, payment, dispute, "updated", "lost")
        if self._chance(0.25):
            self._later(5 * DAY, self._win_late, payment, dispute)

    def _win_late(self, payment: Payment, dispute: dict[str, Any]) -> None:
        """After it was lost the network, or the renter, turns it round."""
        payment.lost -= dispute["amount"]
        self._enter(payment, "dispute", dispute["amount"])
        self._reinstate(payment, dispute)

    def _reinstate(self, payment: Payment, dispute: dict[str, Any]) -> None:
        self._tell(payment, dispute, "closed", "won")
        self._tell(payment, dispute, "funds_reinstated", "won")
