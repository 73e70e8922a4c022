"""The states in which no plan touches a ledger row."""

from tests.conftest import Database
from tests.types.test_lifecycle_transition_allowed import STATES


def test_terminal_states(database: Database) -> None:
    rows = database.execute(
        "SELECT s FROM unnest(%s::text[]) AS s WHERE billing.lifecycle_state_is_terminal(s)",
        [STATES],
    )
    assert {state for (state,) in rows} == {"billed", "superseded", "archived"}


def test_what_is_no_state_is_not_terminal(database: Database) -> None:
    for state in ("NULL", "'gone'"):
        statement = f"SELECT billing.lifecycle_state_is_terminal({state})"
        assert database.execute(statement.encode()).fetchone() == (False,)
