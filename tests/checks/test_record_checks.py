"""ops.record_checks: a row as long as a result stays the same."""

import pytest

from tests.charges.owner import refused
from tests.checks.waived import NEXT_DAY, Waived


def rows(waived: Waived) -> list[tuple[object, ...]]:
    """Return what was recorded, in order."""
    return waived.database.execute(
        "SELECT check_name, outcome, warnings, waived, as_of::text, last_seen_at > first_seen_at"
        " FROM ops.check_results WHERE tenant = %s ORDER BY check_name, first_seen_at",
        (waived.tenant,),
    ).fetchall()


def test_the_same_again_is_one_row(waived: Waived) -> None:
    assert waived.record(("coverage", "ok"), ("fallback", "warned")) == 2
    assert waived.record(("coverage", "ok"), as_of=NEXT_DAY) == 1
    assert waived.record(("coverage", "failed")) == 1
    assert waived.record(("coverage", "ok")) == 1
    assert rows(waived) == [
        ("coverage", "ok", 1, 2, str(NEXT_DAY), True),
        ("coverage", "failed", 1, 2, "2025-01-10", False),
        ("coverage", "ok", 1, 2, "2025-01-10", False),
        ("fallback", "warned", 1, 2, "2025-01-10", False),
    ]


def test_what_is_refused(waived: Waived) -> None:
    with refused("DC001", "p_results is no list"):
        waived.record(results="{}")
    with refused("DC001", "p_as_of is null"):
        waived.record(as_of=None)
    with refused("23514"):
        waived.record(("coverage", "fine"))
    assert rows(waived) == []


@pytest.mark.parametrize("outcome", ["ok", "waived", "warned", "failed", "errored"])
def test_every_outcome(waived: Waived, outcome: str) -> None:
    waived.record(("coverage", outcome))
    assert waived.history()["coverage"]["outcome"] == outcome
