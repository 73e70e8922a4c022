"""Renters' lives at a bank: every day's balance is the bank's, however the events come."""

import io
import json
from collections import Counter
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from duecourse.config import Config
from duecourse.offline import answers
from tests.charges import bank_days
from tests.charges.bank import DAY, OPENING, Account, Life
from tests.conftest import Database

LIVES = 50
ACCOUNTS = (
    Account(),
    Account(("tenantUserId", "unitId", "billingPeriod"), "acct_ours", has_strangers=True),
)


@pytest.mark.parametrize("account", ACCOUNTS, ids=["plain", "with settings"])
@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(seeds=st.sets(st.integers(0, 2**32), min_size=LIVES, max_size=LIVES), turn=st.integers())
def test_every_day_is_the_banks(
    shared_database: Database, account: Account, seeds: set[int], turn: int
) -> None:
    random = Random(turn)
    lives = [Life(number, Random(seed), account) for number, seed in enumerate(sorted(seeds))]
    shared_database.execute(bank_days.TABLES)
    in_time, shuffled, imported = (
        bank_days.open_ledger(shared_database, account, lives) for _ in range(3)
    )
    bank_days.import_payments(shared_database, imported, lives, OPENING + 40 * DAY)
    for tenant in (in_time, shuffled, imported):
        order = bank_days.in_time if tenant == in_time else bank_days.in_any_order
        bank_days.write_statement(shared_database, tenant, lives)
        bank_days.deliver(shared_database, tenant, order(random, lives))
    shared_database.execute(bank_days.INGEST)
    assert bank_days.differences(shared_database, (in_time, shuffled)) == {
        "balances": [],
        "explained": [],
        "pending": [],
        "held": [],
    }


def test_every_moment_is_the_banks_offline(shared_database: Database) -> None:
    lives = [Life(number, Random(number), account) for account in ACCOUNTS for number in range(250)]
    lines = [
        {"events": bank_days.in_any_order(life.random, [life]), "settings": life.account.settings()}
        for life in lives
    ]
    text = io.BytesIO("\n".join(map(json.dumps, lines)).encode())
    outputs = [
        json.loads(str(answer))["output"]
        for answer in answers(shared_database, Config(), "stripe_inbox", text)
    ]
    for life, output in zip(lives, outputs, strict=True):
        said: Counter[tuple[str, str, int]] = Counter()
        for payment in output["payments"]:
            for movement in payment["movements"]:
                moment = payment["payment_key"], payment["unit_id"], movement["created"]
                said[moment] += movement["amount_cents"]
        bank: Counter[tuple[str, str, int]] = Counter()
        for entry in life.statement:
            bank[entry.payment.key, entry.payment.told_unit, entry.moment] += entry.cents
        assert {k: c for k, c in said.items() if c} == {k: c for k, c in bank.items() if c}
