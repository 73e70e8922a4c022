"""Many sessions at one inbox, and clients that are killed: as if one had received it all.

DUECOURSE_FULL_SIZE=1 kills clients over 10,000 events instead of a tenth of that.
"""

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

from tests.charges import bank_days
from tests.charges.bank import Account, Event, Life
from tests.charges.stripe_inbox import Inbox
from tests.conftest import ROOT, Database

EVENTS = 10_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 1_000
SESSIONS = 20
AGREED: dict[str, list[Any]] = {"balances": [], "explained": [], "pending": [], "held": []}


def lives_of(events: int, random: Random) -> list[Life]:
    """Return so many lives that at least that many events are sent of them."""
    lives: list[Life] = []
    while sum(len(life.sent) for life in lives) < events:
        lives.append(Life(len(lives), random))
    return lives


def opened(database: Database, lives: list[Life]) -> Inbox:
    """Return the inbox of a landlord with the books of some lives; the bank's statement is here."""
    tenant = bank_days.open_ledger(database, Account(), lives)
    bank_days.write_statement(database, tenant, lives)
    return Inbox(database, tenant)


def assert_as_one(database: Database, lives: list[Life], inbox: Inbox) -> None:
    """Assert that an inbox ended as that of one session, and both as the bank says."""
    alone = opened(database, lives)
    bank_days.deliver(database, alone.tenant, bank_days.in_time(Random(1), lives))
    database.execute(bank_days.INGEST)
    assert bank_days.differences(database, [alone.tenant, inbox.tenant]) == AGREED


def test_twenty_sessions_end_as_one(dsn: str, database: Database) -> None:
    """Each has half of what all have, in an order of its own, and payments that are its alone."""
    random = Random(4)
    lives = lives_of(EVENTS, random)
    database.execute(bank_days.TABLES)
    inbox = opened(database, lives)
    shared = [event for life in lives[: len(lives) // 5] for event in life.sent]
    parts: list[list[Event]] = []
    for number in range(SESSIONS):
        if number % 2 == 0:
            mixed = random.sample(shared, len(shared))
        own = [e for life in lives[len(lives) // 5 + number :: SESSIONS] for e in life.sent]
        parts.append(own + mixed[number % 2 :: 2])
        random.shuffle(parts[-1])

    def work(part: list[Event]) -> list[str]:
        with psycopg.connect(dsn, autocommit=True) as connection:
            session = Inbox(connection, inbox.tenant)
            return [session.ingest(event) for event in part]

    with ThreadPoolExecutor(SESSIONS) as sessions:
        answers = Counter(answer for part in sessions.map(work, parts) for answer in part)
    assert answers["duplicate"] == (SESSIONS // 2 - 1) * len(shared)
    assert set(answers) <= {"applied", "stale", "unmatched", "ignored", "duplicate"}
    assert_as_one(database, lives, inbox)


def test_killed_clients_lose_nothing(dsn: str, database: Database, tmp_path: Path) -> None:
    random = Random(9)
    lives = lives_of(EVENTS, random)
    events = bank_days.in_any_order(random, lives)
    known = len({event["id"] for event in events})
    file = tmp_path / "events.jsonl"
    file.write_text("".join(f"{json.dumps(event)}\n" for event in events))
    database.execute(bank_days.TABLES)
    inbox = opened(database, lives)
    kills = 0
    while (received := inbox.size()) < known * 9 // 10:
        enough = received + random.randrange(1, EVENTS // 6)
        client = ingest(dsn, inbox, file)
        while client.poll() is None and inbox.size() < enough:
            time.sleep(0.01)
        client.kill()
        client.communicate()
        kills += 1
    assert kills > 4
    last = json.loads(ingest(dsn, inbox, file).communicate()[0])
    assert last["duplicate"] > known * 8 // 10
    assert last["lines"] == len(events)
    assert inbox.size() == known
    assert_as_one(database, lives, inbox)


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
