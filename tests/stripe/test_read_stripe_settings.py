"""Reading the settings of the inbox."""

from typing import Any

from tests.charges.stripe_inbox import Inbox
from tests.conftest import Database


def settings(inbox: Inbox) -> tuple[Any, ...]:
    """Return what is set, as it is read."""
    [row] = inbox.database.execute(
        "SELECT * FROM ledger.read_stripe_settings(p_tenant => %s)", (inbox.tenant,)
    ).fetchall()
    return tuple(row)


def test_defaults_are_told_until_something_is_set(shared_database: Database) -> None:
    inbox, other = Inbox(shared_database), Inbox(shared_database)
    defaults = {name: name for name in ("tenant_id", "unit_id", "billing_period")}
    assert settings(inbox) == (defaults, None, None, None, None)
    other.set(metadata_keys={"unit_id": "unitId"}, livemode=False, account="")
    assert settings(inbox) == (defaults, None, None, None, None)
    assert settings(other)[:4] == ({**defaults, "unit_id": "unitId"}, False, "", "postgres")
