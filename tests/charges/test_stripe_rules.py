"""The rules of the Stripe inbox, offline: against the plain model, and in their corners."""

import io
import json
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duecourse.config import Config
from duecourse.offline import answers
from tests.charges import stripe_model
from tests.charges.stripe_events import (
    DAY,
    NOON,
    dispute,
    event,
    hostile_lists,
    intent,
    metadata,
    refund,
    session,
)
from tests.conftest import Database


def judge(database: Database, events: list[Any]) -> dict[str, Any]:
    """Return the offline answer to a list of events."""
    [answer] = judge_all(database, [events])
    return answer


def judge_all(database: Database, lists: list[list[Any]]) -> list[dict[str, Any]]:
    """Return the offline answer to each of some lists of events."""
    lines = "\n".join(json.dumps({"events": events}) for events in lists)
    given = answers(database, Config(), "stripe_inbox", io.BytesIO(lines.encode()))
    return [json.loads(str(answer))["output"] for answer in given]


def outcomes(answer: dict[str, Any]) -> list[str]:
    """Return each outcome, with the final one behind it where that is another."""
    pairs = [(each["outcome"], each["final_outcome"]) for each in answer["outcomes"]]
    return [first if first == last else f"{first}, then {last}" for first, last in pairs]


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(lists=st.lists(hostile_lists(), min_size=1, max_size=12))
def test_whatever_comes_is_judged_as_the_model_does(
    shared_database: Database, lists: list[list[Any]]
) -> None:
    assert judge_all(shared_database, lists) == [stripe_model.receive(events) for events in lists]


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
            refund("pi_1", 500, created=NOON + 2),
            refund("pi_1", 700, created=NOON + 1),
            intent("pi_1", "processing", created=NOON + 3, meta=None),
            intent("pi_1", created=NOON),
            refund("pi_1", 600, created=NOON + 4),
        ],
    )
    assert outcomes(answer) == [
        "unmatched, then stale",
        "unmatched, then applied",
        "unmatched, then stale",
        "applied",
        "stale",
    ]
    [payment] = answer["payments"]
    assert (payment["status"], payment["refunded_cents"]) == ("succeeded", 700)


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


def test_a_lost_dispute_takes_the_money_back_and_a_won_one_gives_it(
    shared_database: Database,
) -> None:
    lost = [intent("pi_1"), dispute("pi_1"), dispute("pi_1", "closed", "lost", created=NOON + DAY)]
    [payment] = judge(shared_database, lost)["payments"]
    assert (payment["status"], payment["refunded_cents"], payment["disputed"]) == (
        "failed",
        100_000,
        True,
    )
    reopened = [*lost, dispute("pi_1", "closed", "won", created=NOON + 2 * DAY)]
    [payment] = judge(shared_database, reopened)["payments"]
    assert (payment["status"], payment["refunded_cents"], payment["disputed"]) == (
        "succeeded",
        0,
        False,
    )


def test_numbers_beyond_64_bits_stay_exact(shared_database: Database) -> None:
    amount = 2**64 + 1
    answer = judge(shared_database, [intent("pi_1", amount=amount, created=10**30)])
    assert [payment["amount_cents"] for payment in answer["payments"]] == [amount]
