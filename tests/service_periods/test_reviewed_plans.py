"""Reviewed plans: what was reviewed is what is done, or nothing is."""

from datetime import date

import pytest
from psycopg.types.json import Jsonb

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books, Line, Row, fill

LATE_START = date(2025, 1, 5)


def conflicting(books: Books, **settings: object) -> Line:
    """Add a line with an edited row that starts later than its candidate."""
    line = books.line(books.client(**settings))
    books.period(line, LATE_START, FEBRUARY, lifecycle_state="edited")
    return line


def move_anchor(books: Books, line: Line, day: int) -> None:
    books.database.execute(
        "INSERT INTO billing.client_billing_settings"
        " (tenant, client_id, billing_cycle_anchor_day_of_month) VALUES (%s, %s, %s)",
        (books.tenant, line.client, day),
    )


def accept(books: Books, **arguments: object) -> Row:
    """Accept the plan as it stands."""
    return books.call(accept_escalations=books.summary()["plan_hash"], **arguments)


@pytest.mark.parametrize("mode", ["backfill", "regenerate", "replenish"])
def test_the_expected_plan_is_done(books: Books, mode: str) -> None:
    fill(books, 7)
    hash_ = books.summary(mode)["plan_hash"]
    assert books.call(mode, run_key="k", expected_plan_hash=hash_, batch_size=3) == {
        "o_rows": 49, "o_batches": 3, "o_status": "done"}  # fmt: skip
    assert books.run("k")["plan_hash"] == hash_


def test_the_hash_says_nothing_of_who_runs_it_and_how(books: Books) -> None:
    line = books.line()
    hash_ = books.summary()["plan_hash"]
    assert books.summary("regenerate")["plan_hash"] != hash_
    assert books.summary(target_horizon_days=300)["plan_hash"] != hash_
    assert books.summary(client_id=line.client)["plan_hash"] == hash_
    arguments = {"run_key": "k", "source_rule_version": "other", "batch_size": 1}
    assert books.call(expected_plan_hash=hash_, **arguments)["o_status"] == "done"


def test_another_plan_is_stale(books: Books) -> None:
    line = books.line()
    hash_ = books.summary()["plan_hash"]
    move_anchor(books, line, 15)
    stale = {"o_rows": 0, "o_batches": 0, "o_status": "stale_plan"}
    assert books.call(expected_plan_hash=hash_, run_key="k") == stale
    assert books.call(expected_plan_hash="") == stale
    assert books.ledger() == []
    run = books.run("k")
    assert (run["plan_hash"], run["finished_at"]) == (hash_, run["heartbeat_at"])


def test_what_happens_after_the_review_of_later_batches_stops_the_run(books: Books) -> None:
    lines = [books.line() for _ in range(6)]
    hash_ = books.summary()["plan_hash"]
    common = {"run_key": "k", "batch_size": 2, "expected_plan_hash": hash_}
    assert books.call(**common, max_batches=1)["o_status"] == "partial"
    move_anchor(books, lines[5], 15)
    stopped = {"o_rows": 28, "o_batches": 2, "o_status": "stale_plan"}
    assert books.call(**common) == stopped
    assert [len(books.live(line)) for line in lines] == [7, 7, 7, 7, 0, 0]
    assert books.call(**common) == stopped


def test_a_line_that_comes_after_the_review_is_not_done_unseen(books: Books) -> None:
    for _ in range(3):
        books.line()
    common = {"run_key": "k", "batch_size": 2, "expected_plan_hash": books.summary()["plan_hash"]}
    assert books.call(**common, max_batches=1)["o_status"] == "partial"
    late = books.line()
    assert books.call(**common)["o_status"] == "stale_plan"
    assert books.live(late) == []


def test_an_accepted_conflict_lets_its_schedule_through_and_stays_accepted(books: Books) -> None:
    line = conflicting(books)
    assert books.call()["o_status"] == "escalated"
    assert accept(books) == {"o_rows": 7, "o_batches": 1, "o_status": "done"}
    assert books.live(line)[:2] == [
        (JANUARY, LATE_START, "generated"),
        (LATE_START, FEBRUARY, "edited"),
    ]
    assert books.summary()["escalations"] == {}
    assert books.call()["o_status"] == "nothing_to_do"
    ((kind, by),) = books.database.execute(
        "SELECT kind, accepted_by FROM billing.accepted_escalations WHERE tenant = %s",
        (books.tenant,),
    )
    assert (kind, by) == ("service_period_mismatch", books.database.info.user)


def test_it_escalates_again_when_its_candidate_changes(books: Books) -> None:
    line = conflicting(books)
    accept(books)
    move_anchor(books, line, 3)
    assert books.summary()["escalations"] == {"override_conflict": 1}
    assert books.call()["o_status"] == "escalated"


def test_it_escalates_again_when_its_row_changes(books: Books) -> None:
    line = conflicting(books)
    accept(books)
    edited = books.ledger(line)[-7]
    books.database.execute(
        "UPDATE billing.recurring_service_periods SET lifecycle_state = 'superseded'"
        " WHERE record_id = %s",
        (edited["record_id"],),
    )
    books.period(
        line,
        LATE_START,
        FEBRUARY,
        lifecycle_state="edited",
        revision=2,
        supersedes_record_id=edited["record_id"],
    )
    assert books.summary()["escalations"] == {"override_conflict": 1}


def test_another_hash_accepts_nothing(books: Books) -> None:
    line = conflicting(books)
    reviewed = books.summary()["plan_hash"]
    conflicting(books)
    for wrong in (reviewed, "", "ffff"):
        assert books.call(accept_escalations=wrong)["o_status"] == "stale_plan"
    assert books.live(line) == [(LATE_START, FEBRUARY, "edited")]
    assert books.summary()["schedules_escalated"] == 2


def test_an_accepted_gap_is_filled(books: Books) -> None:
    line = books.line()
    books.period(line, JANUARY, FEBRUARY)
    books.period(line, MARCH, date(2025, 4, 1))
    assert books.summary()["escalations"] == {"continuity_gap": 1}
    assert accept(books)["o_status"] == "done"
    assert [start for start, _, _ in books.live(line)[:3]] == [JANUARY, FEBRUARY, MARCH]
    assert books.summary()["escalations"] == {}


def test_what_cannot_be_accepted_stays_escalated(books: Books) -> None:
    line = conflicting(books)
    books.period(line, MARCH, date(2025, 4, 1), lifecycle_state="billed",
                 quarantine_reason="missing_linkage")  # fmt: skip
    before = books.ledger(line)
    assert accept(books)["o_status"] == "escalated"
    assert books.ledger(line) == before


def test_acceptance_goes_on_over_the_batches_of_a_resumed_run(books: Books) -> None:
    lines = [conflicting(books) for _ in range(4)]
    common = {"run_key": "k", "batch_size": 2, "accept_escalations": books.summary()["plan_hash"]}
    assert books.call(**common, max_batches=1)["o_status"] == "partial"
    assert books.call(**common) == {"o_rows": 28, "o_batches": 2, "o_status": "done"}
    assert [len(books.live(line)) for line in lines] == [8] * 4


def test_a_schedule_is_a_new_escalation_once(books: Books) -> None:
    conflicting(books)
    assert books.summary()["new_escalations"] == 1
    books.call(run_key="first")
    assert books.summary()["new_escalations"] == 0
    books.call(run_key="second")
    assert [books.run(key)["new_escalations"] for key in ("first", "second")] == [1, 0]


def test_an_escalation_is_known_by_its_evidence_in_every_mode(books: Books) -> None:
    line = conflicting(books)
    books.period(line, FEBRUARY, MARCH, lifecycle_state="billed",
                 quarantine_reason="missing_linkage")  # fmt: skip
    assert books.summary("replenish")["new_escalations"] == 1
    books.call(run_key="first")
    for mode in ("backfill", "regenerate", "replenish"):
        assert books.summary(mode)["schedules_escalated"] == 1
        assert books.summary(mode)["new_escalations"] == 0
    books.period(line, MARCH, date(2025, 4, 1), lifecycle_state="billed",
                 quarantine_reason="missing_linkage")  # fmt: skip
    for mode in ("backfill", "regenerate", "replenish"):
        assert books.summary(mode)["new_escalations"] == 1


@pytest.mark.parametrize("hash_", ["accept_escalations", "expected_plan_hash"])
def test_a_worker_called_by_hand_writes_nothing_unreviewed(books: Books, hash_: str) -> None:
    conflicting(books)
    before = books.ledger()
    arguments = {
        "as_of": "2025-01-10",
        "source_rule_version": "test",
        "batch_size": 10,
        hash_: "of a plan that nobody has made",
        "target_horizon_days": 180,
        "replenishment_threshold_days": 45,
        "max_periods_per_schedule": 1000,
    }
    books.database.execute(
        "SELECT ops._open_run(%s, 'backfill_service_periods', %s, 'k',"
        ' \'{"lock_timeout": "1 s"}\', false, ops._backend_start())',
        (books.tenant, Jsonb(arguments)),
    )
    [(status,)] = books.database.execute(
        "SELECT (w.o_run).status FROM ops._write_run_batch("
        "%s, 'backfill_service_periods', 'k', '1 s', false) AS w",
        (books.tenant,),
    )
    assert status == "stale_plan"
    assert books.ledger() == before
