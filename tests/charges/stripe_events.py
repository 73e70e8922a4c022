"""Stripe events for tests: in the shape of Stripe's own, by hand and by Hypothesis."""

import json
from itertools import count
from typing import Any

from hypothesis import strategies as st

Event = dict[str, Any]

DAY = 86_400
NOON = 1_715_083_200  # 2024-05-07T12:00:00Z
STATUS_TYPES = ("processing", "payment_failed", "canceled", "succeeded")
SESSION_TYPES = ("completed", "async_payment_succeeded", "async_payment_failed")
REFUND_TYPES = ("refund.created", "refund.updated", "refund.failed", "charge.refund.updated")
DISPUTE_TYPES = ("created", "updated", "funds_withdrawn", "funds_reinstated", "closed")

_numbers = count(1)


def event(kind: str, thing: dict[str, Any], **fields: Any) -> Event:
    """Return an event of a type around an object; it gets an id of its own unless it has one."""
    return {
        "id": f"evt_{next(_numbers):06}",
        "object": "event",
        "api_version": "2024-06-20",
        "created": NOON,
        "livemode": False,
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "type": kind,
        "data": {"object": thing},
        **fields,
    }


def metadata(renter: str = "user_1", unit: str = "u-1", period: str = "2024-05") -> dict[str, str]:
    """Return what an application writes on the payments that it starts."""
    return {"tenant_id": renter, "unit_id": unit, "billing_period": period}


def intent(key: str, status: str = "succeeded", amount: Any = 100_000, **fields: Any) -> Event:
    """Return an event of a payment intent; ``meta`` replaces its metadata, ``currency`` usd."""
    thing = {
        "id": key,
        "object": "payment_intent",
        "amount": amount,
        "currency": fields.pop("currency", "usd"),
        "metadata": fields.pop("meta", metadata()),
    }
    return event(f"payment_intent.{status}", thing, **fields)


def session(
    key: str | None, kind: str = "completed", amount: Any = 100_000, **fields: Any
) -> Event:
    """Return an event of a checkout session; ``payment_status`` is paid unless it is given."""
    thing = {
        "id": f"cs_{key}",
        "object": "checkout.session",
        "payment_intent": key,
        "amount_total": amount,
        "currency": "usd",
        "mode": "payment",
        "payment_status": fields.pop("payment_status", "paid"),
        "metadata": fields.pop("meta", metadata()),
    }
    return event(f"checkout.session.{kind}", thing, **fields)


def refund(key: str | None, amount: Any, **fields: Any) -> Event:
    """Return the event of a charge of which so much has been refunded by now."""
    thing = {
        "id": f"ch_{key}",
        "object": "charge",
        "payment_intent": key,
        "amount": 100_000,
        "amount_refunded": amount,
        "currency": "usd",
        "metadata": {},
    }
    return event("charge.refunded", thing, **fields)


def refund_object(
    key: str | None, amount: Any, kind: str = "refund.created", status: Any = None, **fields: Any
) -> Event:
    """Return an event of a refund, ``number`` 1 of the payment unless given, made at ``made``."""
    thing = {
        "id": f"re_{key}_{fields.pop('number', 1)}",
        "object": "refund",
        "amount": amount,
        "charge": f"ch_{key}",
        "payment_intent": key,
        "created": fields.pop("made", fields.get("created", NOON)),
        "currency": "usd",
        "status": status or ("failed" if kind == "refund.failed" else "succeeded"),
    }
    return event(kind, thing, **fields)


def dispute(key: str | None, kind: str = "created", status: Any = None, **fields: Any) -> Event:
    """Return an event of a dispute, ``number`` 1 of the payment unless it is given."""
    thing = {
        "id": f"dp_{key}_{fields.pop('number', 1)}",
        "object": "dispute",
        "charge": f"ch_{key}",
        "payment_intent": key,
        "amount": fields.pop("amount", 100_000),
        "currency": "usd",
        "reason": "fraudulent",
        "status": status or ("needs_response" if kind == "created" else "won"),
    }
    return event(f"charge.dispute.{kind}", thing, **fields)


_keys = st.sampled_from(["pi_1", "pi_2", "pi:3'😀"])
_amounts = st.sampled_from([0, 1, 95_050, 100_000, 2**31 + 99, 9_999_999_999_999])
_created = st.sampled_from([NOON + day * DAY for day in (-1, 0, 0, 1, 30)])
_metadata = st.one_of(
    st.builds(
        metadata,
        st.sampled_from(["o'neil", "Zürich", "a:b", "租客-7"]),
        st.sampled_from(["b:c", "单元-4", "u-1"]),
        st.sampled_from(["2024-05", "2024-12"]),
    ),
    st.sampled_from([None, {}, metadata(period="2024-13"), metadata(renter=""), {"unit_id": "u"}]),
)


def _of_any_kind(number: int) -> st.SearchStrategy[Event]:
    common = {"id": st.just(f"evt_{number:03}"), "created": _created}
    told = {**common, "amount": st.one_of(_amounts, st.none()), "meta": _metadata}
    return st.one_of(
        st.builds(intent, _keys, st.sampled_from(STATUS_TYPES), **told),
        st.builds(
            session,
            st.one_of(_keys, st.none()),
            st.sampled_from(SESSION_TYPES),
            payment_status=st.sampled_from(["paid", "unpaid", "no_payment_required"]),
            **told,
        ),
        st.builds(refund, st.one_of(_keys, st.none()), _amounts, **common),
        st.builds(
            refund_object,
            st.one_of(_keys, st.none()),
            _amounts,
            st.sampled_from(REFUND_TYPES),
            st.sampled_from([None, "pending", "requires_action", "failed", "canceled"]),
            made=st.one_of(_created, st.sampled_from([None, 1.5])),
            number=st.integers(1, 2),
            **common,
        ),
        st.builds(
            dispute,
            st.one_of(_keys, st.none()),
            st.sampled_from(DISPUTE_TYPES),
            st.sampled_from([None, "won", "lost", "lost", "warning_closed", "prevented"]),
            amount=st.one_of(_amounts, st.none()),
            number=st.integers(1, 2),
            **common,
        ),
        st.builds(event, st.just("payment_intent.created"), st.just({"id": "pi_1"}), **common),
    )


def event_sets(most: int) -> st.SearchStrategy[list[Event]]:
    """Return sets of sound events about few payments, on few days, so that they meet."""
    return st.integers(1, most).flatmap(
        lambda size: st.tuples(*map(_of_any_kind, range(size))).map(list)
    )


_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.sampled_from(
        [1.5, -1, 0, "", "x", "500", "2024-05", "２０２４-05", "2024-05\n", [], {}, [1]]
    ),
)


@st.composite
def hostile_lists(draw: st.DrawFn, most: int = 12) -> list[Any]:
    """Return events as received: some twice, some with a value that is another or missing."""
    events: list[Any] = draw(event_sets(most))
    received = draw(st.lists(st.sampled_from(events), min_size=1, max_size=2 * most))
    for given in draw(st.lists(st.sampled_from(events), max_size=2)):
        given.update(draw(st.sampled_from([{"livemode": True}, {"account": "acct_1"}])))
    return [_spoilt(draw, given) if draw(st.integers(0, 3)) == 0 else given for given in received]


#: Settings of a tenant, most of them none.
settings = st.sampled_from(
    [
        {},
        {},
        {"livemode": False},
        {"livemode": True, "account": ""},
        {"account": "acct_1"},
        {"metadata_keys": {"unit_id": "tenant_id", "tenant_id": "unit_id"}},
        {"metadata_keys": {"billing_period": "billingPeriod"}, "livemode": None},
    ]
)


def _spoilt(draw: st.DrawFn, given: Any) -> Any:
    """Return a copy of an event in which one value, at any depth, is another or missing."""
    copy = json.loads(json.dumps(given))
    thing = copy["data"]["object"]
    places = [(copy, name) for name in copy] + [(thing, name) for name in thing]
    places += [(thing["metadata"], name) for name in thing.get("metadata") or ()]
    places += [(copy["data"], "object")]
    if draw(st.integers(0, 9)) == 0:
        return draw(_values)
    holder, name = draw(st.sampled_from(places))
    if draw(st.booleans()):
        del holder[name]
    else:
        holder[name] = draw(_values)
    return copy
