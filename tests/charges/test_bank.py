"""Renters' lives at a bank: its statement is the ledger's, however the events come."""

import io
import json
from collections import Counter
from random import Random

from duecourse.config import Config
from duecourse.offline import answers
from tests.charges import bank_days
from tests.charges.bank import Account, Life
from tests.conftest import Database

ACCOUNTS = (
    Account(),
    Account(("tenantUserId", "unitId", "billingPeriod"), "acct_ours", has_strangers=True),
)


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
