"""Which state of a ledger row may follow which."""

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


@pytest.mark.parametrize("state", STATES)
def test_declared_transitions(database: Database, state: str) -> None:
    rows = database.execute(
        "SELECT s FROM unnest(%s::text[]) AS s WHERE billing.lifecycle_transition_allowed(%s, s)",
        [STATES, state],
    )
    assert {to for (to,) in rows} == NEXT[state]


@pytest.mark.parametrize(
    "given", ["'generated', NULL", "NULL, 'billed'", "'generatd', 'billed'", "'billed', 'gone'"]
)
def test_what_is_not_declared_is_not_allowed(database: Database, given: str) -> None:
    statement = f"SELECT billing.lifecycle_transition_allowed({given})"
    assert database.execute(statement).fetchone() == (False,)
