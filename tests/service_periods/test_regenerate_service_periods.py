"""Regenerate: what the schedule says now, whatever was generated before."""

from datetime import date

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books, insert


def test_the_rows_follow_the_rule_and_preserved_ones_stay(books: Books) -> None:
    client = books.client()
    line = books.line(client)
    books.call()
    skipped, *_ = books.ledger(line)
    books.database.execute(
        "UPDATE billing.recurring_service_periods SET lifecycle_state = 'skipped'"
        " WHERE record_id = %s",
        (skipped["record_id"],),
    )
    books.database.execute(
        "UPDATE billing.contract_lines SET billing_timing = 'arrears' WHERE contract_line_id = %s",
        (line.obligation,),
    )
    assert books.call("regenerate")["o_status"] == "escalated"
    hash_ = books.summary("regenerate")["plan_hash"]
    done = books.call("regenerate", accept_escalations=hash_)
    assert done == {"o_rows": 12, "o_batches": 1, "o_status": "done"}
    live = [row for row in books.ledger(line) if row["lifecycle_state"] != "superseded"]
    assert live[0]["record_id"] == skipped["record_id"]
    assert {row["due_position"] for row in live[1:]} == {"arrears"}
    assert {row["reason_code"] for row in live[1:]} == {"source_rule_changed"}
    assert books.call("regenerate")["o_status"] == "nothing_to_do"


def test_an_archived_slot_gets_the_next_revision(books: Books) -> None:
    line = books.line(end=FEBRUARY)
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="archived", revision=4)
    books.call("regenerate")
    assert [row["revision"] for row in books.ledger(line)] == [4, 5]


def test_a_moved_anchor_makes_a_short_period_from_the_billed_boundary(books: Books) -> None:
    client = books.client()
    line = books.line(client)
    books.billed(line, JANUARY, FEBRUARY)
    settings = {"client_id": client, "billing_cycle_anchor_day_of_month": 15}
    insert(books.database, "billing.client_billing_settings", {"tenant": books.tenant, **settings})
    books.call("regenerate")
    middle = date(2025, 2, 15)
    assert [start for start, _, _ in books.live(line)[:3]] == [JANUARY, FEBRUARY, middle]
    assert books.live(line)[1][1] == middle < MARCH
