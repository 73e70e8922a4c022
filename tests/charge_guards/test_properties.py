"""The guard of properties: a time zone is one that the server knows."""

import pytest

from tests.charges.owner import Owner, refused


@pytest.mark.parametrize("zone", ["America/Chicag0", "FOO3", "", "+02"])
def test_an_unknown_time_zone_is_refused(owner: Owner, zone: str) -> None:
    for known in (None, "America/Chicago", "utc"):
        owner.insert("ledger.properties", property_id=f"of {known}", timezone=known)
    with refused("DC407", f"property new: '{zone}'", "pg_timezone_names"):
        owner.insert("ledger.properties", property_id="new", timezone=zone)
    with refused("DC407", f"property of None: '{zone}'", "pg_timezone_names"):
        owner.database.execute(
            "UPDATE ledger.properties SET timezone = %s"
            " WHERE tenant = %s AND property_id = 'of None'",
            [zone, owner.tenant],
        )
