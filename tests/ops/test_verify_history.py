"""ops.verify_history: what was recorded last, and since when a check fails."""

from tests.checks.waived import Waived
from tests.conftest import Database


def test_since_when_it_fails(shared_database: Database) -> None:
    waived = Waived(shared_database)
    assert waived.history() == {}
    waived.record(("coverage", "failed"))
    first = waived.history()["coverage"]["failed_since"]
    waived.record(("coverage", "errored"))
    latest = waived.history()["coverage"]
    assert latest["failed_since"] == first == latest["since"] - (latest["since"] - first)
    assert (latest["outcome"], latest["since"] > first) == ("errored", True)
    waived.record(("coverage", "ok"), ("fallback", "warned"))
    assert {name: row["failed_since"] for name, row in waived.history().items()} == {
        "coverage": None,
        "fallback": None,
    }
    waived.record(("coverage", "failed"))
    again = waived.history()["coverage"]
    assert again["failed_since"] == again["since"] > first
