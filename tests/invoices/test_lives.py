"""No day is lost and none is billed twice, whatever happens to the lives of many obligations.

DUECOURSE_FULL_SIZE=1 looks at other lives each time, and at ten times as many; DUECOURSE_LIVES says
how many, DUECOURSE_SEED from which seed on.
"""

import os
import time

import pytest

from tests.conftest import Database
from tests.invoices.lockstep import ROUNDS, Lockstep, smallest

FULL_SIZE = os.environ.get("DUECOURSE_FULL_SIZE") == "1"
PARTS = 4
TOGETHER = range(84)
LIVES = int(os.environ.get("DUECOURSE_LIVES", 504 * (10 if FULL_SIZE else 1)))
SEED = int(os.environ.get("DUECOURSE_SEED", time.time() * 1000 if FULL_SIZE else 0))


@pytest.mark.parametrize("part", range(PARTS))
def test_no_day_is_lost(shared_database: Database, part: int) -> None:
    for seed in range(SEED + part, SEED + -(-LIVES // len(TOGETHER)), PARTS):
        faults = Lockstep(shared_database, seed, TOGETHER).live(ROUNDS)
        if faults:
            pytest.fail(smallest(shared_database, seed, TOGETHER, faults[0]), pytrace=False)
