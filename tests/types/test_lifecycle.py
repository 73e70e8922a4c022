"""The lifecycle of a ledger row: declared transitions, terminal states, permitted operations."""

import pytest

from tests.conftest import Database

DEAD = {"superseded", "archived"}
STATES = ["generated", "edited", "skipped", "locked", "billed", *sorted(DEAD)]
OPEN = {"generated", "edited", "skipped"}
NEXT = {
    "generated": {"edited", "skipped", "locked", "billed"} | DEAD,
    "edited": {"skipped", "locked", "billed"} | DEAD,
    "skipped": {"edited", "locked"} | DEAD,
    "locked": {"billed"} | DEAD,
    "billed": {"archived"},
    "superseded": {"archived"},
    "archived": set[str](),
}
PERMITTED = {
    "edit_boundaries": OPEN,
    "skip": OPEN,
    "defer": OPEN,
    "regenerate": OPEN,
    "invoice_linkage_repair": {"locked", "billed"},
    "archive": OPEN | {"locked", "billed"},
}


@pytest.mark.parametrize("state", STATES)
def test_declared_transitions(database: Database, state: str) -> None:
    rows = database.execute(
        "SELECT s FROM unnest(%s::text[]) AS s WHERE billing.lifecycle_transition_allowed(%s, s)",
        [STATES, state],
    )
    assert {to for (to,) in rows} == NEXT[state]


def test_terminal_states(database: Database) -> None:
    rows = database.execute(
        "SELECT s FROM unnest(%s::text[]) AS s WHERE billing.lifecycle_state_is_terminal(s)",
        [STATES],
    )
    assert {state for (state,) in rows} == {"billed", "superseded", "archived"}


@pytest.mark.parametrize("operation", PERMITTED)
def test_permitted_operations(database: Database, operation: str) -> None:
    rows = database.execute(
        "SELECT s FROM unnest(%s::text[]) AS s WHERE billing.mutation_permitted(%s, s)",
        [STATES, operation],
    )
    assert {state for (state,) in rows} == PERMITTED[operation]


@pytest.mark.parametrize(
    "call",
    [
        "lifecycle_transition_allowed('generated', NULL)",
        "lifecycle_transition_allowed(NULL, 'billed')",
        "lifecycle_transition_allowed('generatd', 'billed')",
        "lifecycle_state_is_terminal(NULL)",
        "mutation_permitted('split', 'generated')",
        "mutation_permitted('skip', NULL)",
    ],
)
def test_what_is_not_declared_is_not_allowed(database: Database, call: str) -> None:
    assert database.execute(f"SELECT billing.{call}").fetchone() == (False,)
