"""Replenish only adds, after what is there."""

from datetime import date

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books

LATER = date(2025, 5, 20)


def test_only_what_is_missing_at_the_end_is_added(books: Books) -> None:
    line = books.line()
    books.call()
    before = books.ledger(line)
    assert books.call("replenish", as_of=LATER) == {"o_rows": 4, "o_batches": 1, "o_status": "done"}
    after = books.ledger(line)
    assert after[:7] == before
    assert {row["lifecycle_state"] for row in after} == {"generated"}
    assert after[7]["service_period_start"] == before[-1]["service_period_end"]


def test_a_second_replenish_writes_nothing(books: Books) -> None:
    books.line()
    books.call("replenish")
    assert books.call("replenish")["o_status"] == "nothing_to_do"


def test_stale_rows_stay_and_conflicts_do_not_stop_it(books: Books) -> None:
    line = books.line(books.client(day_of_month=15), timing="arrears")
    edited = books.period(line, JANUARY, FEBRUARY, lifecycle_state="edited")
    stale = books.period(line, FEBRUARY, MARCH)
    before = books.ledger(line)
    assert books.summary()["conflicts"] == 1
    assert books.call("replenish")["o_status"] == "done"
    rows = {row["record_id"]: row for row in books.ledger(line)}
    assert [rows[edited], rows[stale]] == before
    assert books.live(line)[2][0] == MARCH
    assert books.call("replenish")["o_status"] == "nothing_to_do"


def test_a_gap_stops_it(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    books.period(line, MARCH, date(2025, 4, 1))
    assert books.call("replenish") == {"o_rows": 0, "o_batches": 1, "o_status": "escalated"}
    assert books.summary("replenish")["escalations"] == {"continuity_gap": 1}


def test_a_retired_line_gets_nothing_and_loses_nothing(books: Books) -> None:
    line = books.line()
    books.call()
    books.database.execute(
        "UPDATE billing.contract_lines SET is_active = false WHERE tenant = %s", (books.tenant,)
    )
    before = books.ledger(line)
    assert books.call("replenish", as_of=LATER)["o_status"] == "nothing_to_do"
    assert books.ledger(line) == before
