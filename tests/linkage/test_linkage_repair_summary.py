"""The plan of a linkage repair in counts, and the hash by which it is known again."""

from tests.invoices.books import Billing
from tests.invoices.linkage import dangling, repair, unlinked
from tests.service_periods.books import FEBRUARY, JANUARY


def test_counts_and_hash(books: Billing) -> None:
    dangling(books, books.line())
    unlinked(books, proved := books.line())
    books.invoice(proved, JANUARY, FEBRUARY)
    unlinked(books, books.line())
    books.line()
    [summary] = books.select("linkage_repair_summary")
    plan_hash = summary.pop("plan_hash")
    assert summary == {
        "schedules": 3,
        "schedules_written": 2,
        "schedules_escalated": 1,
        "reopened": 1,
        "relinked": 1,
        "reported": 1,
        "escalations": {"missing_linkage": 1},
        "new_escalations": 1,
    }
    assert repair(books, expected_plan_hash=plan_hash) == (2, "escalated")
    [after] = books.select("linkage_repair_summary")
    assert after.pop("plan_hash") != plan_hash
    assert after == summary | {
        "schedules": 1,
        "schedules_written": 0,
        "reopened": 0,
        "relinked": 0,
        "new_escalations": 0,
    }


def test_nothing_to_repair(books: Billing) -> None:
    [summary] = books.select("linkage_repair_summary")
    assert summary.pop("plan_hash")
    assert summary.pop("escalations") == {}
    assert set(summary.values()) == {0}
