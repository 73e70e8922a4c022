"""What a backfill makes, realigns, keeps and leaves alone."""

from datetime import date

import pytest

from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, MARCH, Books, Row

DAYS = ("service_period_start", "service_period_end", "invoice_window_start", "invoice_window_end")


def days(row: Row) -> tuple[date, ...]:
    return tuple(row[name] for name in DAYS)


def test_missing_periods_are_made(books: Books) -> None:
    advance, arrears = books.line(), books.line(owner="contract", timing="arrears")
    assert books.call() == {"o_rows": 14, "o_batches": 1, "o_status": "done"}
    april = date(2025, 4, 1)
    assert days(books.ledger(advance)[1]) == (FEBRUARY, MARCH, FEBRUARY, MARCH)
    assert days(books.ledger(arrears)[1]) == (FEBRUARY, MARCH, MARCH, april)
    expected = {
        "lifecycle_state": "generated",
        "provenance_kind": "generated",
        "reason_code": "backfill_materialization",
        "source_rule_version": "service-driven-invoicing-cutover-v1",
        "revision": 1,
        "client_id": arrears.client,
        "schedule_key": arrears.schedule_key,
    }
    (first, *_) = books.ledger(arrears)
    assert {name: first[name] for name in expected} == expected
    assert first["timing_metadata"] == {
        "anchorDate": "2025-01-01T00:00:00Z",
        "boundarySource": "assignment_start_date",
    }


def test_a_second_run_writes_nothing(books: Books) -> None:
    books.line()
    books.call()
    before = books.ledger()
    assert books.call() == {"o_rows": 0, "o_batches": 1, "o_status": "nothing_to_do"}
    assert books.ledger() == before


def test_untouched_rows_are_realigned(books: Books) -> None:
    line = books.line(books.client(day_of_month=15))
    stale = books.period(line, JANUARY, FEBRUARY)
    assert books.call()["o_status"] == "done"
    rows = {row["record_id"]: row for row in books.ledger(line)}
    assert rows[stale]["lifecycle_state"] == "superseded"
    (heir,) = (row for row in rows.values() if row["supersedes_record_id"] == stale)
    assert (heir["provenance_kind"], heir["reason_code"]) == ("regenerated", "backfill_realignment")
    assert heir["revision"] == 2
    assert heir["created_at"] == rows[stale]["updated_at"]


def test_billed_history_is_kept_and_fences(books: Books) -> None:
    line = books.line(start=date(2024, 11, 1))
    billed = books.billed(line, date(2024, 12, 1), JANUARY)
    books.call()
    live = books.live(line)
    assert live[0] == (date(2024, 12, 1), JANUARY, "billed")
    assert live[1][0] == JANUARY
    assert billed in {row["record_id"] for row in books.ledger(line)}


def test_a_schedule_with_a_conflict_is_left_alone_and_the_others_go_on(books: Books) -> None:
    bad, good = books.line(), books.line()
    books.period(bad, date(2025, 1, 5), FEBRUARY, lifecycle_state="edited")
    before = books.ledger(bad)
    assert books.call(run_key="k") == {"o_rows": 7, "o_batches": 1, "o_status": "escalated"}
    assert books.ledger(bad) == before
    assert len(books.live(good)) == 7
    ((captured, reasons),) = books.database.execute(
        "SELECT captured_rows, reasons FROM ops.run_escalations WHERE tenant = %s", (books.tenant,)
    )
    assert reasons == ["override_conflict"]
    assert [row["record_id"] for row in captured] == [str(before[0]["record_id"])]


@pytest.mark.parametrize("retired", ["line", "contract", "assignment"])
def test_the_untouched_future_of_a_retired_line_is_superseded(books: Books, retired: str) -> None:
    line = books.line()
    books.call()
    table = {"line": "contract_lines", "contract": "contracts", "assignment": "client_contracts"}
    books.database.execute(
        f"UPDATE billing.{table[retired]} SET is_active = false WHERE tenant = %s".encode(),
        (books.tenant,),
    )
    assert books.call() == {"o_rows": 6, "o_batches": 1, "o_status": "done"}
    assert books.live(line) == [(JANUARY, FEBRUARY, "generated")]
    assert books.call()["o_status"] == "nothing_to_do"


def test_one_client_and_one_schedule(books: Books) -> None:
    first, second, third = books.line(), books.line(), books.line()
    books.call(client_id=first.client)
    assert (bool(books.live(first)), bool(books.live(second))) == (True, False)
    books.call(schedule_key=third.schedule_key)
    assert (bool(books.live(third)), bool(books.live(second))) == (True, False)


def test_names_and_keys_of_any_kind(books: Books) -> None:
    line = books.line(contract_line_name="'; DROP TABLE x; -- \\ 💸\n{}%s$1")
    key = """o'Brien "ключ" \\ 💸 %s {}"""
    assert books.call(run_key=key, source_rule_version=key)["o_rows"] == 7
    assert {row["source_run_key"] for row in books.ledger(line)} == {key}
    assert books.call(run_key=key, source_rule_version=key)["o_rows"] == 7
    assert books.run(key)["status"] == "done"


def test_no_periods_for_an_obligation_that_has_ended(books: Books) -> None:
    line = books.line(end=FEBRUARY)
    books.call()
    assert books.live(line) == [(JANUARY, FEBRUARY, "generated")]
    assert books.summary()["schedules_nothing_to_do"] == 1
    assert AS_OF < FEBRUARY


def test_a_slot_that_billed_days_hold_keeps_no_other_days_of_it_out(books: Books) -> None:
    twentieth, later = date(2025, 1, 20), date(2025, 1, 28)
    line = books.line(start=date(2024, 12, 1), end=date(2024, 12, 20))
    books.insert(
        "billing.client_contracts",
        client_contract_id=books.new_id(),
        client_id=line.client,
        contract_id=line.contract,
        start_date=later,
    )
    # No assignment covers it any more: it was shortened after these days were billed.
    window = {"activity_window_start": JANUARY, "activity_window_end": twentieth}
    books.billed(line, JANUARY, FEBRUARY, **window)
    assert books.call()["o_status"] == "done"
    rest, whole = books.ledger(line)[1:3]
    assert days(rest)[:2] == (later, FEBRUARY)
    assert (rest["whole_period_start"], rest["whole_period_end"]) == (JANUARY, FEBRUARY)
    assert days(whole)[:2] == (FEBRUARY, MARCH)
    assert books.call()["o_status"] == "nothing_to_do"


def test_a_gap_that_was_filled_before_a_clipped_row_breaks_no_continuity(books: Books) -> None:
    twentieth = date(2025, 1, 20)
    line = books.line(start=date(2025, 1, 15))
    books.period(
        line,
        JANUARY,
        FEBRUARY,
        lifecycle_state="billed",
        activity_window_start=twentieth,
        activity_window_end=FEBRUARY,
        **books.invoice(line, twentieth, FEBRUARY),
    )
    plan_hash = books.summary()["plan_hash"]
    assert [row["reason"] for row in books.select("escalations")] == ["history_gap"]
    assert books.call(accept_escalations=plan_hash)["o_status"] == "done"
    assert books.call()["o_status"] == "nothing_to_do"
