"""Single changes and repairs of an adopted ledger come to the same as of a native one."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.books import NORTHLIGHT
from tests.profiles.application import INSERT_OVERLAPPING
from tests.profiles.comparison import answer, assert_same
from tests.profiles.conftest import Pair
from tests.profiles.test_alga_runs import LEDGER, run
from tests.profiles.test_judge_ledger import SOUND_LINE

#: Rows that are generated, with the days that follow: one for each of the changes.
CHOSEN = """
    SELECT r.record_id, r.invoice_window_end
    FROM billing.recurring_service_periods AS r
    WHERE r.tenant = %s AND r.lifecycle_state = 'generated' AND r.quarantine_reason IS NULL
        AND (r.whole_period_start IS NOT NULL) = %s
    ORDER BY r.record_id"""

#: What was recorded of a change, but for when.
EVENTS = """
    SELECT e.record_id, e.event_kind, e.acted_by, e.reason,
        e.row_before - '{created_at,updated_at,invoice_linked_at}'::text[] AS row_before,
        e.row_after - '{created_at,updated_at,invoice_linked_at}'::text[] AS row_after
    FROM billing.service_period_events AS e"""

#: Procedure → what it is given beside the row.
CHANGES = {
    "skip_service_period": "",
    "defer_service_period": ", p_invoice_window_start => '{end}',"
    " p_invoice_window_end => '{end}'::date + 30",
    "edit_service_period": ", p_invoice_window_start => '{end}'::date - 1,"
    " p_invoice_window_end => '{end}'::date + 3",
    "archive_service_period": "",
}


def change(pair: Pair, procedure: str, record: UUID, arguments: str) -> None:
    """Make a change of both."""
    given = f"p_tenant => %s, p_record_id => %s, p_reason => 'because'{arguments}"
    for database in pair:
        database.execute(f"CALL billing.{procedure}({given})".encode(), (NORTHLIGHT, record))


@pytest.fixture(scope="module", autouse=True)
def backfilled(pair: Pair) -> None:
    """Fill both, so that there are parts of periods."""
    run(pair, "backfill_service_periods", NORTHLIGHT, "first")
    hashed = "SELECT plan_hash FROM billing.plan_summary(%s, '2026-11-20', 'backfill')"
    accepted = "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => '2026-11-20',"
    accepted += " p_run_key => 'second', p_accept_escalations => %s)"
    for database in pair:
        [(plan_hash,)] = database.execute(hashed.encode(), (NORTHLIGHT,)).fetchall()
        database.execute(accepted.encode(), (NORTHLIGHT, plan_hash))


@pytest.mark.parametrize("is_part", [False, True])
@pytest.mark.parametrize("procedure", CHANGES)
def test_a_change(pair: Pair, procedure: str, is_part: bool) -> None:
    [(record, end), *_] = pair.native.execute(CHOSEN.encode(), (NORTHLIGHT, is_part)).fetchall()
    change(pair, procedure, record, CHANGES[procedure].format(end=end))
    assert_same(*pair, LEDGER)
    assert_same(*pair, EVENTS)


def test_retiring_a_schedule(pair: Pair) -> None:
    [(key,), *_] = pair.native.execute(
        "SELECT r.schedule_key FROM billing.recurring_service_periods AS r WHERE r.tenant = %s"
        " AND r.lifecycle_state = 'generated' GROUP BY 1 HAVING count(*) > 2 ORDER BY 1",
        (NORTHLIGHT,),
    ).fetchall()
    call = "CALL billing.retire_schedule(%s, %s, '2026-11-20', 'because')"
    counts = [database.execute(call.encode(), (NORTHLIGHT, key)).fetchall() for database in pair]
    assert counts[0] == counts[1]
    assert counts[0][0][0] > 0
    assert_same(*pair, LEDGER)
    assert_same(*pair, EVENTS)


def test_a_repair_of_linkage(pair: Pair) -> None:
    assert run(pair, "repair_invoice_linkage", NORTHLIGHT, "repair")[0] == 1
    assert_same(*pair, LEDGER)
    assert_same(*pair, EVENTS)


def test_what_is_linked_is_not_archived(pair: Pair) -> None:
    query = "SELECT r.record_id FROM public.recurring_service_periods AS r WHERE r.tenant = %s"
    query += " AND r.lifecycle_state = 'billed' AND r.invoice_id IS NOT NULL ORDER BY 1"
    [(record,), *_] = pair.adopted.execute(query.encode(), (NORTHLIGHT,)).fetchall()
    before = answer(pair.adopted, LEDGER)
    with pytest.raises(psycopg.Error) as raised:
        pair.adopted.execute(
            "CALL billing.archive_service_period(%s, %s, 'because')", (NORTHLIGHT, record)
        )
    told: Any = raised.value.diag
    assert (told.sqlstate, told.message_hint) == (
        "DC101",
        "Delete its invoice in the system whose tables were adopted, or repair the linkage;"
        " the row is locked then.",
    )
    assert answer(pair.adopted, LEDGER) == before


def test_what_nobody_judged_yet_is_judged_first(pair: Pair) -> None:
    [(line,)] = pair.adopted.execute(
        "SELECT obligation_id FROM billing.recurring_service_periods WHERE tenant = %s"
        " AND lifecycle_state NOT IN ('superseded', 'archived') GROUP BY 1"
        " HAVING bool_and(lifecycle_state = 'generated' AND quarantine_reason IS NULL"
        " AND activity_window_end IS NULL) ORDER BY 1 LIMIT 1",
        (NORTHLIGHT,),
    ).fetchall()
    whole = "SELECT record_id FROM public.recurring_service_periods WHERE obligation_id = %s"
    before = answer(pair.adopted, whole, (line,))
    with pair.adopted.transaction(force_rollback=True):
        pair.adopted.execute(INSERT_OVERLAPPING.format(line=line).encode())
        [new] = answer(pair.adopted, whole, (line,)) - before
        with pytest.raises(psycopg.Error) as raised, pair.adopted.transaction():
            pair.adopted.execute(
                "CALL billing.skip_service_period(%s, %s, 'because')", (NORTHLIGHT, new.strip("()"))
            )
        told = raised.value.diag
        assert (told.sqlstate, str(told.message_detail).partition(", ")[2]) == (
            "DC101",
            "which is in quarantine: overlap",
        )


def test_a_revision_is_free_in_the_whole_slot(pair: Pair) -> None:
    """Whosever the rows are that stand in it: the last one is made again, the first is skipped."""
    [(line,), *_] = pair.adopted.execute(SOUND_LINE.encode()).fetchall()
    made = (
        "SELECT r.schedule_key, r.record_id, r.period_key, r.revision"
        " FROM public.recurring_service_periods AS r WHERE r.obligation_id = %s"
        " AND r.lifecycle_state <> 'superseded' ORDER BY r.service_period_start"
    )
    [*_, first, last] = pair.adopted.execute(made.encode(), (line,)).fetchall()
    stranger = "obligation_id = gen_random_uuid()"
    for statement, record in (
        (f"UPDATE public.recurring_service_periods SET {stranger} WHERE record_id = %s", last[1]),
        (
            "INSERT INTO public.recurring_service_periods SELECT (jsonb_populate_record(r,"
            " jsonb_build_object('record_id', gen_random_uuid(), 'obligation_id',"
            " gen_random_uuid(), 'revision', r.revision + 4))).*"
            " FROM public.recurring_service_periods AS r WHERE r.record_id = %s",
            first[1],
        ),
        ("CALL billing.skip_service_period(%s, %s, 'because')", first[1]),
        (
            "CALL billing.backfill_service_periods(%s, '2026-11-20', p_schedule_key => %s)",
            last[0],
        ),
    ):
        values = (NORTHLIGHT, record) if statement.startswith("CALL") else (record,)
        pair.adopted.execute(statement.encode(), values)
    [*_, skipped, again] = pair.adopted.execute(made.encode(), (line,)).fetchall()
    assert skipped[2:] == (first[2], first[3] + 5)
    assert again[2:] == (last[2], last[3] + 1)
