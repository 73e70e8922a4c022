"""The books on their way through the cutover, until only what is escalated is left."""

import pytest

from tests.books import EXPECTED, HARBOR, NORTHLIGHT
from tests.conftest import Command, Database
from tests.guidance.checklist import ACTION_NEEDED, PASSED, STEPS, ImportedBooks

COVERAGE = {
    NORTHLIGHT: "{0} of 154 schedules do not reach 2027-05-19, {0} of them escalated",
    HARBOR: (
        "all 118 schedules reach 2027-05-19 or their end; "
        "not assessed, assignments that share a day: 1"
    ),
}


@pytest.mark.parametrize("tenant", EXPECTED)
def test_until_only_escalations_are_left(
    books_database: Database, books_dsn: str, duecourse: Command, tenant: str
) -> None:
    books = ImportedBooks(books_database, duecourse, books_dsn, tenant)
    books.grant()
    before = books.checklist()
    assert [item for item in STEPS if before[item]["status"] == PASSED] == [("step", 2)]
    done = books.follow_all()
    assert done[1] == "duecourse run backfill"
    plan = books.summary(as_of=books.as_of)
    assert plan["schedules_written"] == 0

    books.call(as_of=books.as_of, accept_escalations=plan["plan_hash"])
    books.follow_all()
    after = books.checklist()
    left = {row["schedule_key"]: row for row in books.select("escalations", as_of=books.as_of)}
    assert left
    assert f"{len(left)} schedules escalated" in after["step", 5]["evidence"]
    short = [
        row
        for row in books.select("assess_coverage", as_of=books.as_of)
        if not row["meets_target_horizon"]
    ]
    assert {row["schedule_key"] for row in short} <= left.keys()
    assert after["step", 3]["evidence"] == COVERAGE[tenant].format(len(short))
    assert after["step", 4]["status"] == (ACTION_NEEDED if short else PASSED)
    for item in [("step", 7), ("step", 8), ("checklist", 5), ("checklist", 6)]:
        assert after[item]["status"] == PASSED
    fallbacks = [
        row
        for row in books.select("due_work", as_of=books.as_of)
        if row["reason"] == "missing_service_period_materialization"
    ]
    assert after["step", 6]["evidence"].endswith(f" {len(fallbacks)} fallbacks")
