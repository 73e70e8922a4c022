"""Many sessions at one inbox, and clients that are killed: as if one had received it all."""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from random import Random
from typing import Any

import psycopg

from tests.charges import stripe_model
from tests.charges.stripe_events import DAY, NOON, Event, dispute, intent, metadata, refund, session
from tests.charges.stripe_inbox import Inbox
from tests.conftest import ROOT, Database

EVENTS = 10_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 1_000
SESSIONS = 8


def many_events(size: int, random: Random) -> list[Event]:
    """Return events of a fifth as many payments, in no order."""
    events = []
    for number in range(size // 5):
        key, meta = f"pi_{number:05}", metadata(f"user_{number % 37}", f"u-{number % 31}")
        moment = NOON + number * 60
        events += [
            intent(key, "processing", meta=meta, created=moment),
            intent(
                key, random.choice(("succeeded", "payment_failed")), meta=meta, created=moment + 9
            ),
            session(key, payment_status="unpaid", meta=meta, created=moment + 1),
            refund(key, random.randrange(3) * 500, created=moment + DAY),
            dispute(key, "closed", random.choice(("won", "lost")), created=moment + 2 * DAY),
        ]
    random.shuffle(events)
    return events


def test_sessions_with_parts_of_one_set_end_as_one(dsn: str, database: Database) -> None:
    random = Random(4)
    events = many_events(EVENTS // 5, random)
    inbox = Inbox(database)
    halves = []
    for _ in range(SESSIONS // 2):
        shuffled = random.sample(events, len(events))
        halves += [shuffled[: len(events) // 2], shuffled[len(events) // 2 :]]

    def work(half: list[Event]) -> list[str]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            own = Inbox(connection, inbox.tenant)
            return [own.ingest(event) for event in half]

    with ThreadPoolExecutor(SESSIONS) as sessions:
        answers = Counter(answer for half in sessions.map(work, halves) for answer in half)
    assert inbox.payments() == inbox.told() == stripe_model.receive(events)["payments"]
    assert answers["duplicate"] == (SESSIONS // 2 - 1) * len(events)
    assert set(answers) <= {"applied", "stale", "unmatched", "duplicate"}


def test_killed_clients_lose_nothing(dsn: str, database: Database, tmp_path: Path) -> None:
    random = Random(9)
    events = many_events(EVENTS, random)
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    whole, killed = Inbox(database), Inbox(database)

    counts = json.loads(ingest(dsn, whole, file).communicate()[0])
    assert counts["lines"] == EVENTS
    kills = 0
    while (received := killed.size()) < EVENTS * 9 // 10:
        enough = received + random.randrange(1, EVENTS // 6)
        client = ingest(dsn, killed, file)
        while client.poll() is None and killed.size() < enough:
            time.sleep(0.01)
        client.kill()
        client.communicate()
        kills += 1
    assert kills > 4
    last = json.loads(ingest(dsn, killed, file).communicate()[0])
    assert last["duplicate"] > EVENTS * 8 // 10
    assert last["lines"] == EVENTS

    assert killed.outcomes() == whole.outcomes()
    assert killed.payments() == whole.payments() == stripe_model.receive(events)["payments"]
    assert killed.balances() == whole.balances()


def ingest(dsn: str, inbox: Inbox, file: Path) -> "subprocess.Popen[Any]":
    """Start a client that ingests a file."""
    command = ["stripe", "ingest", str(inbox.tenant), str(file), "--format", "json", "--dsn", dsn]
    return subprocess.Popen(
        [sys.executable, "-m", "duecourse", *command],
        cwd=file.parent,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
