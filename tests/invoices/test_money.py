"""Money is conserved: whatever is done to random books, in whatever order, no day is billed twice.

DUECOURSE_FULL_SIZE=1 looks at other sequences each time, and at ten times as many.
"""

import os

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.conftest import Database
from tests.invoices.machine import Operations

FULL_SIZE = os.environ.get("DUECOURSE_FULL_SIZE") == "1"
PARTS = 4
SEQUENCES = 80 * (10 if FULL_SIZE else 1)


@pytest.mark.parametrize("part", range(PARTS))
def test_money_is_conserved(shared_database: Database, part: int) -> None:
    class Sequence(Operations):
        database = shared_database

    if not FULL_SIZE:
        seed(part)(Sequence)
    run_state_machine_as_test(
        Sequence,
        settings=settings(
            max_examples=SEQUENCES // PARTS,
            stateful_step_count=12,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
