"""Which operation may change a ledger row in which state."""

import pytest

from tests.conftest import Database
from tests.types.test_lifecycle_transition_allowed import OPEN, STATES

PERMITTED = {
    "edit_boundaries": OPEN,
    "skip": OPEN,
    "defer": OPEN,
    "regenerate": OPEN,
    "invoice_linkage_repair": {"locked", "billed"},
    "archive": OPEN | {"locked", "billed"},
}


@pytest.mark.parametrize("operation", PERMITTED)
def test_permitted_operations(database: Database, operation: str) -> None:
    rows = database.execute(
        "SELECT s FROM unnest(%s::text[]) AS s WHERE billing.mutation_permitted(%s, s)",
        [STATES, operation],
    )
    assert {state for (state,) in rows} == PERMITTED[operation]


@pytest.mark.parametrize("given", ["'split', 'generated'", "'skip', NULL", "NULL, 'generated'"])
def test_what_is_not_declared_is_not_permitted(database: Database, given: str) -> None:
    assert database.execute(f"SELECT billing.mutation_permitted({given})").fetchone() == (False,)
