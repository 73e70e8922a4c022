"""What escalations say of the cases that the runbook wants looked at instead of forced."""

from datetime import date
from typing import Any

import psycopg
import pytest

from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, MARCH, Books
from tests.service_periods.test_reviewed_plans import conflicting

MID_JANUARY = date(2025, 1, 15)
DECEMBER = date(2024, 12, 1)


@pytest.mark.parametrize(
    ("kind", "end", "columns", "is_active"),
    [
        ("missing_candidate", FEBRUARY, {}, False),
        ("service_period_mismatch", MID_JANUARY, {}, True),
        ("invoice_window_mismatch", FEBRUARY, {"invoice_window_start": AS_OF}, True),
        (
            "activity_window_mismatch",
            FEBRUARY,
            {"activity_window_start": JANUARY, "activity_window_end": MID_JANUARY},
            True,
        ),
    ],
)
def test_the_kinds_of_conflicts(
    books: Books, kind: str, end: date, columns: dict[str, Any], is_active: bool
) -> None:
    line = books.line(is_active=is_active)
    books.period(line, JANUARY, end, lifecycle_state="edited", **columns)
    [row] = books.select("escalations", as_of=date(2024, 12, 31))
    assert (row["reason"], row["conflict_kinds"]) == ("override_conflict", [kind])
    assert row["schedule_key"] == line.schedule_key
    assert len(row["captured_rows"]) == 1


def test_several_kinds_once_each(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="edited", invoice_window_start=AS_OF)
    for start, end in [(FEBRUARY, date(2025, 2, 20)), (MARCH, date(2025, 3, 20))]:
        books.period(line, start, end, lifecycle_state="edited")
    rows = {row["reason"]: row for row in books.select("escalations")}
    assert rows["override_conflict"]["conflict_kinds"] == [
        "invoice_window_mismatch",
        "service_period_mismatch",
    ]
    assert rows["continuity_gap"]["conflict_kinds"] == []
    [found] = books.select("check_escalation")
    assert found["actual"] == "continuity_gap, override_conflict"


def test_an_accepted_conflict_is_not_named_again(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="edited", invoice_window_start=AS_OF)
    books.call(accept_escalations=books.summary()["plan_hash"])
    assert books.select("escalations") == []
    [later] = [
        row["record_id"] for row in books.ledger(line) if row["service_period_start"] == MARCH
    ]
    books.perform(
        "edit_service_period",
        record_id=later,
        activity_window_start=MARCH,
        activity_window_end=date(2025, 3, 20),
        reason="half a month",
    )
    [row] = books.select("escalations")
    assert row["conflict_kinds"] == ["activity_window_mismatch"]


def test_disputed_history_names_the_details(books: Books) -> None:
    line = books.line()
    details = [
        books.invoice(line, start, end)["invoice_charge_detail_id"]
        for start, end in [(JANUARY, FEBRUARY), (DECEMBER, JANUARY)]
    ]
    [row] = books.select("escalations")
    assert (row["reason"], row["conflict_kinds"]) == ("disputed_history", [])
    assert row["detail"].endswith(
        f" Details: {details[1]} (2024-12-01 to 2025-01-01),"
        f" {details[0]} (2025-01-01 to 2025-02-01)."
    )


def test_the_hint_of_broken_linkage_runs(books: Books) -> None:
    line = books.line()
    books.period(
        line, JANUARY, FEBRUARY, lifecycle_state="billed", quarantine_reason="missing_linkage"
    )
    books.invoice(line, JANUARY, FEBRUARY)
    [row] = [row for row in books.select("escalations") if row["reason"] == "missing_linkage"]
    call, _, _ = row["hint"].partition("; ")
    assert books.database.execute(call).fetchall() == [(1, 1, "done")]
    assert "missing_linkage" not in {row["reason"] for row in books.select("escalations")}


def test_an_escalation_says_why_what_and_what_to_do(books: Books) -> None:
    line = conflicting(books)
    books.line(owner="contract", frequency="daily")
    books.line(books.client(day_of_month=31))
    rows = books.select("escalations")
    assert {row["reason"]: row["acceptable"] for row in rows} == {
        "override_conflict": True,
        "unsupported_frequency": False,
        "invalid_anchor": False,
    }
    assert all(row["detail"] and row["hint"] for row in rows)
    (conflict,) = (row for row in rows if row["acceptable"])
    (kept,) = books.ledger(line)
    assert [row["record_id"] for row in conflict["captured_rows"]] == [str(kept["record_id"])]
    assert conflict["schedule_key"] == line.schedule_key


@pytest.mark.parametrize("days", [-(2**31), -1, 0, None, 2**31 - 1])
@pytest.mark.parametrize("function", ["escalations", "candidate_service_periods"])
def test_a_horizon_of_no_use(books: Books, function: str, days: int | None) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.select(function, target_horizon_days=days)
    assert raised.value.sqlstate == "DC001"
    assert (raised.value.diag.message_detail or "").startswith("p_target_horizon_days is ")


@pytest.mark.parametrize("days", [2, 45, 46, 47])
def test_a_short_horizon_is_one(books: Books, days: int) -> None:
    assert books.select("escalations", target_horizon_days=days) == []
