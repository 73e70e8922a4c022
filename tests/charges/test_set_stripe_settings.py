"""Settings of the inbox: what is refused, and what stays."""

from typing import Any
from uuid import UUID

import pytest

from tests.charges.owner import refused
from tests.charges.stripe_inbox import Inbox
from tests.stripe.test_read_stripe_settings import settings


def test_what_is_set_is_read_and_what_is_not_given_is_cleared(inbox: Inbox) -> None:
    defaults = {name: name for name in ("tenant_id", "unit_id", "billing_period")}
    assert settings(inbox) == (defaults, None, None, None, None)
    inbox.set(metadata_keys={"unit_id": "unitId"}, livemode=False, account="acct_1")
    first = settings(inbox)
    assert first[:4] == ({**defaults, "unit_id": "unitId"}, False, "acct_1", "postgres")
    inbox.set(metadata_keys={"unit_id": "unitId"}, livemode=False, account="acct_1")
    assert settings(inbox) == first
    inbox.set()
    assert settings(inbox)[:3] == (defaults, None, None)


@pytest.mark.parametrize(
    ("keys", "detail"),
    [
        ([], "p_metadata_keys is not a JSON object"),
        ("tenantUserId", "p_metadata_keys is not a JSON object"),
        ({"renter": "user"}, "p_metadata_keys has other keys than tenant_id, unit_id,"),
        ({"unit_id": ""}, "p_metadata_keys has a name that is not a non-empty text"),
        ({"unit_id": None}, "p_metadata_keys has a name that is not a non-empty text"),
        ({"unit_id": 7}, "p_metadata_keys has a name that is not a non-empty text"),
    ],
)
def test_names_that_cannot_be_are_refused(inbox: Inbox, keys: Any, detail: str) -> None:
    with refused("DC001", detail, ""):
        inbox.set(metadata_keys=keys)
    assert settings(inbox)[3] is None


def test_an_unknown_tenant_is_refused(inbox: Inbox) -> None:
    nobody = UUID(int=99)
    with refused("DC002", f"tenant {nobody}", "SELECT * FROM ops.tenants()"):
        inbox.database.execute("CALL ledger.set_stripe_settings(%s)", (nobody,))
