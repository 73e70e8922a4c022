"""ops.waivers: the day of reckoning decides what is over."""

from datetime import date

from tests.checks.waived import NEXT_DAY, Waived
from tests.conftest import Database
from tests.service_periods.books import AS_OF


def test_the_day_of_reckoning_decides(shared_database: Database) -> None:
    waived = Waived(shared_database)
    waived.waive()
    states = {
        day: [row["state"] for row in waived.waivers(as_of=day)]
        for day in (date(2000, 1, 1), AS_OF, NEXT_DAY)
    }
    assert states == {date(2000, 1, 1): ["open"], AS_OF: ["open"], NEXT_DAY: ["over"]}
    waived.end()
    assert [row["state"] for row in waived.waivers(as_of=NEXT_DAY)] == ["ended"]
