"""The vectors of the inbox over the ledger: in the order given, and in others."""

from random import Random
from typing import Any

import pytest

from tests.charges import stripe_model
from tests.charges.stripe_inbox import Inbox
from tests.conftest import Database
from tests.offline import vectors

[FILE] = [file for file in vectors.FILES if vectors.operation(file) == "stripe_inbox"]
ORDERS = 2


def inbox_of(database: Database, case: dict[str, Any]) -> Inbox:
    """Return a new inbox with the settings of a case."""
    inbox = Inbox(database)
    inbox.set(**case["input"].get("settings", {}))
    return inbox


@pytest.mark.parametrize("case", vectors.cases(FILE), ids=lambda case: case["id"])
def test_the_ledger_ends_as_the_vector_says(
    shared_database: Database, case: dict[str, Any]
) -> None:
    events, expected = case["input"]["events"], case["expected"]
    inbox = inbox_of(shared_database, case)
    assert [inbox.ingest(event) for event in events] == [
        each["outcome"] for each in expected["outcomes"]
    ]
    assert inbox.told() == inbox.payments() == expected["payments"]
    assert inbox.outcomes() == {
        each["event_id"]: (each["outcome"], each["final_outcome"])
        for each in expected["outcomes"]
        if each["outcome"] not in ("duplicate", "rejected")
    }
    days = {key["payment_key"]: inbox.days(key["payment_key"]) for key in expected["payments"]}
    inbox.replay()
    assert {key: inbox.days(key) for key in days} == days

    kept = [event for event in events if isinstance(event, dict) and event.get("id")]
    for number in range(ORDERS):
        shuffled = Random(number).sample(kept, len(kept))
        again = inbox_of(shared_database, case)
        model = stripe_model.receive(shuffled, case["input"].get("settings"))
        assert [again.ingest(event) for event in shuffled] == [
            each["outcome"] for each in model["outcomes"]
        ]
        assert again.told() == again.payments() == model["payments"]
