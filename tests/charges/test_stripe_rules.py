"""The rules of the Stripe inbox, offline: against the plain model, and in their corners."""

import io
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duecourse.config import Config
from duecourse.offline import answers
from tests.charges import stripe_model
from tests.charges.stripe_events import (
    DAY,
    NOON,
    Event,
    dispute,
    event,
    hostile_lists,
    intent,
    metadata,
    refund,
    refund_object,
    session,
)
from tests.charges.stripe_events import settings as tenant_settings
from tests.conftest import Database


def judge(database: Database, events: list[Any], **settings: Any) -> dict[str, Any]:
    """Return the offline answer to a list of events."""
    [answer] = judge_all(database, [(events, settings)])
    return answer


def judge_all(
    database: Database, lists: list[tuple[list[Any], dict[str, Any]]]
) -> list[dict[str, Any]]:
    """Return the offline answer to each of some lists of events, with the settings of each."""
    lines = "\n".join(
        json.dumps({"events": events, "settings": settings}) for events, settings in lists
    )
    given = answers(database, Config(), "stripe_inbox", io.BytesIO(lines.encode()))
    return [json.loads(str(answer))["output"] for answer in given]


def outcomes(answer: dict[str, Any]) -> list[str]:
    """Return each outcome, with the final one behind it where that is another."""
    pairs = [(each["outcome"], each["final_outcome"]) for each in answer["outcomes"]]
    return [first if first == last else f"{first}, then {last}" for first, last in pairs]


def movements(answer: dict[str, Any]) -> list[tuple[int, str, int, str]]:
    """Return the movements of the one payment of an answer."""
    [payment] = answer["payments"]
    names = ("created", "kind", "amount_cents", "source")
    return [tuple(each[name] for name in names) for each in payment["movements"]]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(lists=st.lists(st.tuples(hostile_lists(), tenant_settings), min_size=1, max_size=12))
def test_whatever_comes_is_judged_as_the_model_does(
    shared_database: Database, lists: list[tuple[list[Any], dict[str, Any]]]
) -> None:
    assert judge_all(shared_database, lists) == [
        stripe_model.receive(events, given) for events, given in lists
    ]


def test_an_input_without_events_is_empty(shared_database: Database) -> None:
    assert judge(shared_database, []) == {"outcomes": [], "payments": []}


def test_what_is_not_sound_is_rejected_and_not_remembered(shared_database: Database) -> None:
    sound = intent("pi_1", id="evt_1")
    wrong = [
        None,
        7,
        "evt",
        [sound],
        {},
        {**sound, "id": ""},
        {**sound, "id": 1},
        {**sound, "type": None},
        {**sound, "created": "1715083200"},
        {**sound, "created": 1.5},
        {**sound, "created": True},
        {**sound, "data": {"object": []}},
        {**sound, "data": "x"},
        intent("", id="evt_1"),
        intent("pi_1", amount=-1, id="evt_1"),
        intent("pi_1", amount="100", id="evt_1"),
        session("pi_1", amount=1.5, id="evt_1"),
        refund("pi_1", None, id="evt_1"),
    ]
    answer = judge(shared_database, [*wrong, sound])
    assert outcomes(answer) == ["rejected"] * len(wrong) + ["applied"]
    assert [each["event_id"] for each in answer["outcomes"][:8]] == [None] * 7 + ["evt_1"]


def test_events_before_their_payment_wait_and_are_replayed_by_age(
    shared_database: Database,
) -> None:
    answer = judge(
        shared_database,
        [
            refund("pi_1", 700, created=NOON + 2),
            refund("pi_1", 500, created=NOON + 1),
            intent("pi_1", "processing", created=NOON + 3, meta=None),
            intent("pi_1", created=NOON),
            refund("pi_1", 600, created=NOON + 1),
        ],
    )
    assert outcomes(answer) == [
        "unmatched, then applied",
        "unmatched, then applied",
        "unmatched, then stale",
        "applied",
        "stale",
    ]
    [payment] = answer["payments"]
    assert (payment["status"], payment["refunded_cents"]) == ("succeeded", 700)
    assert movements(answer) == [
        (NOON, "received", 100_000, "payment"),
        (NOON + 1, "refund", -600, "charge"),
        (NOON + 2, "refund", -100, "charge"),
    ]


def test_a_charge_creates_no_payment_and_a_session_without_one_waits(
    shared_database: Database,
) -> None:
    charge = refund("pi_1", 1)
    charge["data"]["object"]["metadata"] = metadata()
    answer = judge(shared_database, [charge, session(None), dispute(None), dispute("pi_9")])
    assert outcomes(answer) == ["unmatched"] * 4
    assert answer["payments"] == []


def test_the_first_of_two_events_with_one_id_counts(shared_database: Database) -> None:
    answer = judge(
        shared_database,
        [
            event("customer.created", {}, id="evt_1"),
            intent("pi_1", id="evt_1"),
            intent("pi_1", "canceled", id="evt_2"),
            intent("pi_1", id="evt_2"),
        ],
    )
    assert outcomes(answer) == ["ignored", "duplicate", "applied", "duplicate"]
    assert [payment["status"] for payment in answer["payments"]] == ["canceled"]


def test_of_equals_in_time_the_rank_decides_and_then_the_id(shared_database: Database) -> None:
    answer = judge(
        shared_database,
        [
            intent("pi_1", "payment_failed", id="evt_1", amount=1),
            intent("pi_1", "processing", id="evt_3", amount=2),
            intent("pi_1", "payment_failed", id="evt_2", amount=3),
            intent("pi_1", "payment_failed", id="evt_0", amount=4),
        ],
    )
    assert outcomes(answer) == ["applied", "stale", "applied", "applied"]
    assert [(p["status"], p["amount_cents"]) for p in answer["payments"]] == [("failed", 3)]


def test_refunds_on_their_days_leave_the_days_before_as_they_were(
    shared_database: Database,
) -> None:
    events = [
        intent("pi_1"),
        refund("pi_1", 10_000, created=NOON + DAY),
        refund("pi_1", 15_000, created=NOON + 9 * DAY),
    ]
    assert movements(judge(shared_database, events))[1:] == [
        (NOON + DAY, "refund", -10_000, "charge"),
        (NOON + 9 * DAY, "refund", -5_000, "charge"),
    ]


@pytest.mark.parametrize(
    "failure",
    [
        refund_object("pi_1", 10_000, "refund.failed", "pending", made=NOON, created=NOON + DAY),
        refund_object("pi_1", 10_000, "refund.updated", "canceled", made=NOON, created=NOON + DAY),
        refund_object("pi_1", 10_000, "charge.refund.updated", "failed", created=NOON + DAY),
    ],
)
def test_a_refund_that_fails_is_undone_and_counted_once(
    shared_database: Database, failure: Event
) -> None:
    events = [
        intent("pi_1"),
        refund_object("pi_1", 10_000),
        refund("pi_1", 10_000),
        failure,
        refund("pi_1", 0, created=NOON + 2 * DAY),
    ]
    answer = judge(shared_database, events)
    assert movements(answer)[1:] == [
        (NOON, "refund", -10_000, "re_pi_1_1"),
        (NOON + DAY, "refund_undone", 10_000, "re_pi_1_1"),
    ]
    assert answer["payments"][0]["refunded_cents"] == 0


def test_a_refund_that_waits_is_none_yet(shared_database: Database) -> None:
    waiting = refund_object("pi_1", 500, status="requires_action")
    answer = judge(shared_database, [intent("pi_1"), waiting, refund("pi_1", 500, created=NOON)])
    assert movements(answer)[1:] == [(NOON, "refund", -500, "charge")]
    counted = refund_object("pi_1", 400, "refund.updated", made=NOON + 9, created=NOON + DAY)
    assert movements(judge(shared_database, [intent("pi_1"), counted, waiting]))[1:] == [
        (NOON, "refund", -400, "re_pi_1_1")
    ]


@pytest.mark.parametrize(("told", "lost"), [(40_000, 40_000), (1, 1), (None, 100_000)])
def test_a_lost_dispute_takes_its_own_amount(
    shared_database: Database, told: int | None, lost: int
) -> None:
    events = [
        intent("pi_1"),
        dispute("pi_1", amount=told),
        dispute("pi_1", "closed", "lost", amount=told, created=NOON + DAY),
    ]
    answer = judge(shared_database, events)
    [payment] = answer["payments"]
    assert (payment["status"], payment["refunded_cents"], payment["disputed"]) == (
        "succeeded",
        lost,
        True,
    )
    assert movements(answer)[1:] == [(NOON + DAY, "dispute_lost", -lost, "dp_pi_1_1")]


def test_a_dispute_goes_back_and_forth_by_the_day(shared_database: Database) -> None:
    events = [
        intent("pi_1"),
        dispute("pi_1", "closed", "won", created=NOON),
        dispute("pi_1", "closed", "lost", created=NOON + DAY),
        dispute("pi_1", "updated", "lost", amount=30_000, created=NOON + 2 * DAY),
        dispute("pi_1", "funds_reinstated", "lost", amount=None, created=NOON + 3 * DAY),
        dispute("pi_1", "updated", "under_review", amount=30_000, created=NOON + 3 * DAY),
    ]
    answer = judge(shared_database, events)
    assert movements(answer)[1:] == [
        (NOON + DAY, "dispute_lost", -30_000, "dp_pi_1_1"),
        (NOON + 3 * DAY, "dispute_reinstated", 30_000, "dp_pi_1_1"),
    ]
    assert not answer["payments"][0]["disputed"]


def test_the_newest_word_says_whose_payment_it_is(shared_database: Database) -> None:
    answer = judge(
        shared_database,
        [
            intent("pi_1"),
            intent("pi_1", "processing", meta=metadata("user_1", "u-2"), created=NOON + 1),
            intent("pi_1", meta={"unit_id": "u-3"}, created=NOON + 2),
        ],
    )
    assert outcomes(answer) == ["applied", "stale", "applied"]
    assert answer["payments"][0]["unit_id"] == "u-2"


def test_a_tenant_has_names_of_its_own_for_what_metadata_hold(shared_database: Database) -> None:
    own = {"tenantUserId": "user_7", "unitId": "u-7", "billing_period": "2024-06"}
    names = {"tenant_id": "tenantUserId", "unit_id": "unitId"}
    assert outcomes(judge(shared_database, [intent("pi_1", meta=own)])) == ["unmatched"]
    answer = judge(shared_database, [intent("pi_1", meta=own), intent("pi_2")], metadata_keys=names)
    assert outcomes(answer) == ["applied", "unmatched"]
    assert answer["payments"][0]["tenant_id"] == "user_7"


def test_events_of_another_mode_or_account_are_foreign(shared_database: Database) -> None:
    events = [
        intent("pi_1"),
        intent("pi_2", livemode=True),
        intent("pi_3", livemode="yes"),
        {**intent("pi_4", livemode=True, id="evt_4"), "account": "acct_1"},
        intent("", livemode=True, id="evt_4"),
        event("customer.created", {}, livemode=False),
        intent("", amount=-1, livemode=False),
    ]
    live = judge(shared_database, events, livemode=True)
    assert outcomes(live) == [
        "foreign",
        "applied",
        "applied",
        "applied",
        "duplicate",
        "foreign",
        "foreign",
    ]
    connected = judge(shared_database, events[:4], livemode=True, account="acct_1")
    assert outcomes(connected) == ["foreign", "foreign", "foreign", "applied"]


def test_a_thin_event_is_rejected(shared_database: Database) -> None:
    thin = {
        "id": "evt_1",
        "object": "v2.core.event",
        "type": "v1.charge.refunded",
        "created": NOON,
        "related_object": {"id": "ch_1", "type": "charge"},
    }
    assert outcomes(judge(shared_database, [thin])) == ["rejected"]


def test_numbers_beyond_64_bits_stay_exact(shared_database: Database) -> None:
    amount = 2**64 + 1
    answer = judge(shared_database, [intent("pi_1", amount=amount, created=10**30)])
    assert [payment["amount_cents"] for payment in answer["payments"]] == [amount]
