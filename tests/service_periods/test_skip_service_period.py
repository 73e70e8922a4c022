"""A skip: the period stays taken and is not billed, until an edit or a deferral brings it back."""

import pytest

from tests.conftest import Database
from tests.invoices.books import Billing
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Books
from tests.service_periods.edits import (
    LOCKED_HINTS,
    NOT_PERMITTED,
    assert_refused,
    assert_revised,
    events,
    months,
    refusal,
    state,
)

REPAIR_FIRST = (
    "Repair the linkage first: CALL billing.repair_invoice_linkage(p_tenant => '{tenant}',"
    " p_as_of => '{as_of}', p_schedule_key => '{schedule_key}');"
)


@pytest.mark.parametrize("lifecycle_state", ["generated", "edited", "skipped"])
def test_the_new_revision_is_skipped(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    result = books.perform("skip_service_period", record_id=given.february, reason="not wanted")
    changed = {
        "lifecycle_state": "skipped",
        "reason_code": "skip",
        "source_run_key": "edit:skipped",
    }
    assert_revised(given, result["o_record_id"], changed)
    (event,) = events(books)
    assert (event["event_kind"], event["reason"]) == ("skipped", "not wanted")
    assert event["row_before"]["lifecycle_state"] == lifecycle_state
    assert event["row_after"]["lifecycle_state"] == "skipped"


@pytest.mark.parametrize("lifecycle_state", ["locked", "billed", "superseded", "archived"])
def test_a_state_that_cannot_be_skipped(books: Books, lifecycle_state: str) -> None:
    given = state(books, lifecycle_state)
    diagnosis = refusal(books, "skip_service_period", record_id=given.february, reason="r")
    assert diagnosis.sqlstate == "DC101"
    assert diagnosis.message_detail == (
        f"immutable_record (operation): skip of row {given.february}, which is {lifecycle_state}"
    )


@pytest.mark.parametrize(
    ("quarantine_reason", "hint"),
    [
        ("overlap", "Archive it, or the live row that it overlaps."),
        ("dangling_linkage", REPAIR_FIRST),
        ("missing_linkage", REPAIR_FIRST),
        ("unknown_obligation", "Restore the line, or archive its rows."),
    ],
)
@pytest.mark.parametrize(
    ("procedure", "mutation"),
    [
        ("edit_service_period", "edit_boundaries"),
        ("skip_service_period", "skip"),
        ("defer_service_period", "defer"),
    ],
)
def test_a_row_in_quarantine(
    books: Books, procedure: str, mutation: str, quarantine_reason: str, hint: str
) -> None:
    line = books.line()
    row = books.period(line, FEBRUARY, MARCH, quarantine_reason=quarantine_reason)
    diagnosis = refusal(books, procedure, record_id=row, reason="r")
    detail = f"{mutation} of row {row}, which is in quarantine: {quarantine_reason}"
    hint = hint.format(tenant=books.tenant, as_of=MARCH, schedule_key=line.schedule_key)
    assert_refused(diagnosis, "DC101", NOT_PERMITTED, detail, hint)


def test_a_gap_beside_it_does_not_matter(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    march = books.period(line, MARCH, APRIL)
    books.perform("skip_service_period", record_id=march, reason="r")
    assert books.live(line)[1] == (MARCH, APRIL, "skipped")


def test_no_backfill_and_no_regeneration_undoes_it(books: Books) -> None:
    line = books.line()
    books.call()
    february = books.ledger(line)[1]["record_id"]
    books.perform("skip_service_period", record_id=february, reason="r")
    before = books.ledger(line)
    for mode in ("backfill", "regenerate", "replenish"):
        assert books.call(mode)["o_status"] == "nothing_to_do"
    assert books.ledger(line) == before
    assert books.live(line)[1] == (FEBRUARY, MARCH, "skipped")


def test_a_skipped_row_that_is_deferred_is_billable_again(books: Books) -> None:
    given = months(books)
    skipped = books.perform("skip_service_period", record_id=given.february, reason="r")
    back = books.perform(
        "defer_service_period",
        record_id=skipped["o_record_id"],
        invoice_window_start=MARCH,
        invoice_window_end=APRIL,
        reason="r",
    )
    row = given.row(back["o_record_id"])
    assert (row["lifecycle_state"], row["revision"]) == ("edited", 3)
    assert [event["event_kind"] for event in events(books)] == ["skipped", "deferred"]


def test_a_row_of_which_nothing_is_billable_is_settled(shared_database: Database) -> None:
    """Locked, it is archived, made anew as an accepted history gap, and skipped then."""
    books = Billing(shared_database)
    line = books.priced(contract_line_type="usage")
    books.call(as_of=MARCH)
    for day in (FEBRUARY, MARCH):
        books.record(line, day, 100)
    rows = {row["service_period_start"]: row["record_id"] for row in books.ledger(line)}
    invoices = [
        books.generate(line.client, days)["o_invoice_id"]
        for days in ((FEBRUARY, MARCH), (MARCH, APRIL))
    ]
    books.perform("skip_service_period", record_id=rows[JANUARY], reason="nothing was used")

    books.perform("delete_invoice", invoice_id=invoices[0], reason="test")
    books.database.execute(
        "DELETE FROM billing.billable_records WHERE tenant = %s AND recorded_on = %s",
        (books.tenant, FEBRUARY),
    )
    reasons = {row["record_id"]: row["blocked_reason"] for row in books.due(as_of=MARCH)}
    assert rows[JANUARY] not in reasons
    assert reasons[rows[FEBRUARY]] == "nothing_billable"
    found = refusal(books, "skip_service_period", record_id=rows[FEBRUARY], reason="r")
    assert (found.sqlstate, found.message_hint) == ("DC101", LOCKED_HINTS[1])
    books.perform("archive_service_period", record_id=rows[FEBRUARY], reason="r")
    plan = books.summary(as_of=MARCH)["plan_hash"]
    books.call(as_of=MARCH, expected_plan_hash=plan, accept_escalations=plan)
    (anew,) = (
        row["record_id"]
        for row in books.ledger(line)
        if row["service_period_start"] == FEBRUARY and row["lifecycle_state"] == "generated"
    )
    books.perform("skip_service_period", record_id=anew, reason="nothing was used")
    assert all(row["invoice_window_start"] > MARCH for row in books.due(as_of=MARCH))
    assert books.call(as_of=MARCH)["o_status"] == "nothing_to_do"
