"""Linkage repair: what is proved is repaired in place, the rest is reported, nothing guessed."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest

from tests.invoices.books import Billing
from tests.invoices.linkage import (
    DETAILS,
    GONE,
    MIDDLE,
    PROVED,
    changed,
    dangling,
    detail,
    plan,
    repair,
    row_of,
    unlinked,
)
from tests.service_periods.books import FEBRUARY, JANUARY, LEDGER, MARCH, Line, insert


def test_a_row_whose_invoice_is_gone_is_reopened_and_due_again(books: Billing) -> None:
    line = books.priced()
    record = dangling(books, line)
    before = row_of(books, record)
    assert [row["record_id"] for row in books.due()] == []
    assert plan(books) == [(record, "dangling_linkage", "reopen", GONE)]
    assert repair(books) == (1, "done")
    after = row_of(books, record)
    assert (after["lifecycle_state"], after["invoice_id"]) == ("locked", None)
    assert changed(before, after) == {
        "lifecycle_state", "quarantine_reason", "unresolved_linkage", "updated_at"}  # fmt: skip
    assert after["quarantine_reason"] is after["unresolved_linkage"] is None
    assert [row["record_id"] for row in books.due()] == [record]


def test_a_billed_row_is_linked_to_the_charge_that_proves_it(books: Billing) -> None:
    line = books.line()
    record = unlinked(books, line)
    linkage = books.invoice(line, JANUARY, FEBRUARY)
    before = row_of(books, record)
    [row] = books.select("plan_linkage_repair")
    assert {name: row[name] for name in linkage if name != "invoice_linked_at"} == {
        name: linkage[name] for name in linkage if name != "invoice_linked_at"
    }
    assert plan(books) == [(record, "missing_linkage", "relink", PROVED)]
    assert repair(books) == (1, "done")
    after = row_of(books, record)
    assert changed(before, after) == {*linkage, "quarantine_reason", "updated_at"}
    assert after["invoice_charge_detail_id"] == linkage["invoice_charge_detail_id"]
    assert after["invoice_linked_at"] == after["updated_at"]
    assert after["supersedes_record_id"] is None
    assert plan(books) == []
    assert repair(books) == (0, "nothing_to_do")


def test_the_audit_says_who_when_why_before_and_after(books: Billing) -> None:
    record = dangling(books, books.line())
    before = row_of(books, record)
    repair(books, run_key="night")
    [event] = books._query(
        "SELECT * FROM billing.service_period_events WHERE tenant = %s AND record_id = %s", record
    )
    assert event["event_kind"] == "invoice_linkage_repaired"
    assert event["acted_by"] == books.database.info.user
    assert event["reason"] == f"repair / invoice_linkage_repair, run night: {GONE}"
    assert event["row_before"]["unresolved_linkage"] == before["unresolved_linkage"]
    assert event["row_before"]["lifecycle_state"] == "billed"
    assert event["row_after"]["lifecycle_state"] == "locked"
    assert event["row_after"]["quarantine_reason"] is None
    assert event["acted_at"] == row_of(books, record)["updated_at"]


def test_several_details_of_one_charge_prove_together(books: Billing) -> None:
    line = books.line()
    record = unlinked(books, line)
    linkage = books.invoice(line, MIDDLE, FEBRUARY)
    detail(books, linkage, line, JANUARY, MIDDLE)
    detail(books, linkage, line, JANUARY, FEBRUARY)
    detail(books, linkage, line, None, None)
    assert plan(books) == [(record, "missing_linkage", "relink", PROVED)]
    repair(books)
    claim = row_of(books, record)["invoice_charge_detail_id"]
    assert claim == linkage["invoice_charge_detail_id"]


def test_the_activity_window_counts_not_the_period(books: Billing) -> None:
    line = books.line(start=MIDDLE)
    window = {"activity_window_start": MIDDLE, "activity_window_end": FEBRUARY}
    record = unlinked(books, line, **window)
    books.invoice(line, MIDDLE, FEBRUARY)
    assert plan(books) == [(record, "missing_linkage", "relink", PROVED)]


def two_charges(books: Billing, line: Line) -> str:
    for _ in range(2):
        books.invoice(line, JANUARY, FEBRUARY)
    return "The details of several charges cover exactly its days."


def other_days(books: Billing, line: Line) -> str:
    books.invoice(line, JANUARY, MIDDLE)
    return "Details that nobody claims bill days of it, but not exactly its days."


def days_with_a_gap(books: Billing, line: Line) -> str:
    linkage = books.invoice(line, JANUARY, MIDDLE)
    detail(books, linkage, line, MIDDLE + timedelta(days=1), FEBRUARY)
    return "Details that nobody claims bill days of it, but not exactly its days."


def two_months(books: Billing, line: Line) -> str:
    linkage = books.invoice(line, JANUARY, FEBRUARY)
    detail(books, linkage, line, FEBRUARY, MARCH)
    return "Details that nobody claims bill days of it, but not exactly its days."


def other_client(books: Billing, line: Line) -> str:
    books.invoice(
        Line(books.client(), line.contract, line.obligation, "", "", ""), JANUARY, FEBRUARY
    )
    return "Details that nobody claims bill days of it, but not exactly its days."


def reversed_invoice(books: Billing, line: Line) -> str:
    linkage = books.invoice(line, JANUARY, FEBRUARY)
    books.database.execute(
        f"UPDATE {DETAILS} SET is_reversed = true WHERE invoice_charge_detail_id = %s",
        (linkage["invoice_charge_detail_id"],),
    )
    return "No detail that nobody claims covers its days."


def nothing(books: Billing, line: Line) -> str:
    books.invoice(line, None, None)
    return "No detail that nobody claims covers its days."


def claimed_by_a_dead_row(books: Billing, line: Line) -> str:
    linkage = books.invoice(line, JANUARY, FEBRUARY)
    books.period(line, JANUARY, FEBRUARY, revision=9, lifecycle_state="archived", **linkage)
    return "Details that nobody claims bill days of it, but not exactly its days."


def claimed_by_a_live_row(books: Billing, line: Line) -> str:
    linkage = books.invoice(line, JANUARY, FEBRUARY)
    other = books.row(line, MARCH, date(2025, 4, 1), lifecycle_state="billed", **linkage)
    insert(books.database, LEDGER, other)
    return "No detail that nobody claims covers its days."


UNPROVED = [
    two_charges, other_days, days_with_a_gap, two_months, other_client, reversed_invoice, nothing,
    claimed_by_a_dead_row, claimed_by_a_live_row,
]  # fmt: skip


@pytest.mark.parametrize("scene", UNPROVED)
def test_what_is_not_proved_is_reported(
    books: Billing, scene: Callable[[Billing, Line], str]
) -> None:
    line = books.line()
    record = unlinked(books, line)
    reason = scene(books, line)
    before = row_of(books, record)
    assert (record, "missing_linkage", "report", reason) in plan(books)
    assert repair(books) == (0, "escalated")
    assert row_of(books, record) == before


@pytest.mark.parametrize("scene", [two_charges, other_days, days_with_a_gap, other_client])
def test_a_gone_invoice_is_not_reopened_over_days_that_are_billed(
    books: Billing, scene: Callable[[Billing, Line], str]
) -> None:
    line = books.line()
    record = dangling(books, line)
    assert plan(books)[0][2] == "reopen"
    reason = scene(books, line)
    assert plan(books) == [(record, "dangling_linkage", "report", reason)]


def test_a_gone_invoice_is_replaced_by_the_one_charge_that_proves_the_row(books: Billing) -> None:
    line = books.line()
    record = dangling(books, line)
    linkage = books.invoice(line, JANUARY, FEBRUARY)
    assert plan(books) == [(record, "dangling_linkage", "relink", PROVED)]
    assert repair(books) == (1, "done")
    row = row_of(books, record)
    assert (row["lifecycle_state"], row["invoice_id"]) == ("billed", linkage["invoice_id"])
    assert row["unresolved_linkage"] is None


def test_details_beside_the_row_do_not_keep_it_from_being_reopened(books: Billing) -> None:
    line = books.line()
    record = dangling(books, line)
    books.invoice(line, FEBRUARY, MARCH)
    books.invoice(books.line(line.client), JANUARY, FEBRUARY)
    assert plan(books) == [(record, "dangling_linkage", "reopen", GONE)]


def test_an_invoice_that_is_there_is_never_taken_for_gone(books: Billing) -> None:
    line = books.line()
    record = dangling(books, line, books.invoice(line)["invoice_id"])
    reason = "Its invoice is there, but no detail of it bills its days."
    assert plan(books) == [(record, "dangling_linkage", "report", reason)]


@pytest.mark.parametrize("state", ["generated", "edited", "skipped"])
def test_the_mutation_matrix_is_held(books: Billing, state: str) -> None:
    line = books.line()
    record = dangling(books, line, lifecycle_state=state)
    reason = f"Only locked and billed rows are repaired; it is {state}."
    assert plan(books) == [(record, "dangling_linkage", "report", reason)]
    assert repair(books) == (0, "escalated")


def test_one_charge_does_not_prove_two_rows(books: Billing) -> None:
    line = books.line()
    records = [unlinked(books, line, revision=number) for number in (1, 2)]
    books.invoice(line, JANUARY, FEBRUARY)
    reason = "The details of the charge cover the days of several rows."
    assert plan(books) == [(record, "missing_linkage", "report", reason) for record in records]


def test_a_locked_row_whose_days_are_billed_is_linked(books: Billing) -> None:
    line = books.line()
    record = books.period(line, JANUARY, FEBRUARY, lifecycle_state="locked")
    assert plan(books) == []
    books.invoice(line, JANUARY, FEBRUARY)
    assert plan(books) == [(record, "unlinked_detail", "relink", PROVED)]
    before = row_of(books, record)
    assert repair(books) == (1, "done")
    after = row_of(books, record)
    assert after["lifecycle_state"] == "billed"
    assert "quarantine_reason" not in changed(before, after)


@pytest.mark.parametrize("state", ["generated", "edited"])
def test_an_untouched_row_whose_days_are_billed_is_reported(books: Billing, state: str) -> None:
    line = books.line()
    record = books.period(line, JANUARY, FEBRUARY, lifecycle_state=state)
    books.invoice(line, JANUARY, FEBRUARY)
    reason = f"Only locked and billed rows are repaired; it is {state}."
    assert plan(books) == [(record, "unlinked_detail", "report", reason)]


def test_rows_that_are_nobodys_business_are_left_out(books: Billing) -> None:
    line = books.line()
    for revision, state in enumerate(["superseded", "archived"], 2):
        books.period(line, JANUARY, FEBRUARY, lifecycle_state=state, revision=revision)
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="skipped")
    books.invoice(line, JANUARY, FEBRUARY)
    books.billed(line, FEBRUARY, MARCH)
    assert plan(books) == []


def test_a_reopened_row_that_collides_stays_in_quarantine(books: Billing) -> None:
    line = books.line()
    record = dangling(books, line)
    kept = books.billed(line, JANUARY, MIDDLE, revision=2)
    other = dangling(books, books.line())
    assert repair(books) == (2, "done")
    row = row_of(books, record)
    assert (row["lifecycle_state"], row["quarantine_reason"]) == ("locked", "overlap")
    assert row_of(books, kept)["quarantine_reason"] is None
    assert row_of(books, other)["quarantine_reason"] is None
    assert repair(books) == (0, "nothing_to_do")
