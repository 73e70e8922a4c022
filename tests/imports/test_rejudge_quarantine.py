"""Judging quarantine again: what fits now is released, what does not stays, and twice is once."""

import pytest

from tests.books import HARBOR
from tests.conftest import Database

OBLIGATION = "0b000000-0000-4000-8000-000000000001"
SCHEDULE = f"schedule:{HARBOR}:contract_line:{OBLIGATION}:contract:advance"


@pytest.fixture
def rows(books_database: Database) -> Database:
    """Return a database whose Harbor tenant has rows of a line that does not exist."""
    for number, start, end, revision, state in [
        (1, "2026-01-01", "2026-02-01", 1, "generated"),
        (2, "2026-01-15", "2026-02-15", 2, "generated"),
        (3, "2026-02-01", "2026-03-01", 1, "edited"),
        (4, "2026-03-01", "2026-04-01", 1, "generated"),
        (5, "2026-03-15", "2026-04-15", 1, "generated"),
        (6, "2026-06-01", "2026-07-01", 1, "billed"),
        (7, "2026-07-01", "2026-08-01", 1, "superseded"),
    ]:
        add(books_database, number, start, end, revision=revision, state=state)
    return books_database


def add(database: Database, number: int, start: str, end: str, **columns: object) -> None:
    """Insert a row; columns are its revision and state, and first and end of its activity."""
    database.execute(
        "INSERT INTO billing.recurring_service_periods (tenant, record_id, obligation_id,"
        " obligation_type, schedule_key, period_key, revision, charge_family, cadence_owner,"
        " due_position, lifecycle_state, service_period_start, service_period_end,"
        " invoice_window_start, invoice_window_end, activity_window_start, activity_window_end,"
        " provenance_kind, source_rule_version, quarantine_reason) VALUES (%(tenant)s, %(id)s,"
        " %(line)s, 'contract_line', %(key)s, %(period)s, %(revision)s, 'fixed', 'contract',"
        " 'advance', %(state)s, %(start)s, %(end)s, %(start)s, %(end)s, %(first)s, %(last)s,"
        " 'generated', 'test', 'unknown_obligation')",
        {
            "tenant": HARBOR,
            "id": record(number),
            "line": OBLIGATION,
            "key": SCHEDULE,
            "period": f"period:{start}:{end}",
            "start": start,
            "end": end,
            "revision": 1,
            "state": "generated",
            "first": None,
            "last": None,
        }
        | columns,
    )


def record(number: int) -> str:
    return f"ec000000-0000-4000-8000-{number:012d}"


def rejudge(database: Database) -> int:
    row = database.execute(
        "SELECT billing.rejudge_quarantine(p_tenant => %s, p_obligation_ids => ARRAY[%s]::uuid[])",
        [HARBOR, OBLIGATION],
    ).fetchone()
    assert row is not None
    return int(row[0])


def reasons(database: Database) -> dict[int, str | None]:
    found = database.execute(
        "SELECT right(record_id::text, 2)::integer, quarantine_reason"
        " FROM billing.recurring_service_periods WHERE obligation_id = %s",
        [OBLIGATION],
    )
    return dict(found.fetchall())


def make_line(database: Database) -> None:
    database.execute(
        "INSERT INTO billing.contract_lines (tenant, contract_line_id, contract_line_name)"
        " VALUES (%s, %s, 'Found again')",
        [HARBOR, OBLIGATION],
    )


def test_rows_of_an_unknown_line_stay_unless_they_are_dead(rows: Database) -> None:
    assert rejudge(rows) == 1
    assert reasons(rows) == dict.fromkeys(range(1, 7), "unknown_obligation") | {7: None}
    assert rejudge(rows) == 0


def test_rows_of_a_line_that_has_come_are_judged_in_order(rows: Database) -> None:
    make_line(rows)
    assert rejudge(rows) == 7
    assert reasons(rows) == {
        1: None,  # its only rival, 2, gave way
        2: "overlap",  # touches 3, which is preserved
        3: None,
        4: None,  # starts before 5
        5: "overlap",
        6: "missing_linkage",
        7: None,
    }
    before = rows.execute("SELECT ctid FROM billing.recurring_service_periods").fetchall()
    assert rejudge(rows) == 0
    assert rows.execute("SELECT ctid FROM billing.recurring_service_periods").fetchall() == before


def test_a_row_is_released_when_what_it_collides_with_has_gone(rows: Database) -> None:
    make_line(rows)
    rejudge(rows)
    rows.execute(
        "UPDATE billing.recurring_service_periods SET lifecycle_state = 'superseded'"
        " WHERE record_id IN (%s, %s)",
        [record(3), record(4)],
    )
    assert rejudge(rows) == 1
    assert reasons(rows)[2] == "overlap"
    assert reasons(rows)[5] is None
    rows.execute(
        "UPDATE billing.recurring_service_periods SET lifecycle_state = 'superseded'"
        " WHERE record_id = %s",
        [record(1)],
    )
    assert rejudge(rows) == 1
    assert reasons(rows)[2] is None


def test_a_row_that_dies_in_quarantine_is_released(rows: Database) -> None:
    make_line(rows)
    rejudge(rows)
    rows.execute(
        "UPDATE billing.recurring_service_periods SET lifecycle_state = 'archived'"
        " WHERE record_id IN (%s, %s)",
        [record(5), record(6)],
    )
    assert rejudge(rows) == 2
    assert (reasons(rows)[5], reasons(rows)[6]) == (None, None)


def test_rows_of_one_period_collide_when_they_share_a_day(books_database: Database) -> None:
    month = "2026-01-01", "2026-02-01"
    add(books_database, 1, *month, first="2026-01-01", last="2026-01-20")
    add(books_database, 2, "2026-01-02", "2026-02-01", first="2026-01-20", last="2026-02-01")
    add(books_database, 3, "2026-01-03", "2026-02-01", first="2026-01-19", last="2026-01-31")
    add(books_database, 4, *month, revision=2, first="2026-01-31", last="2026-02-01")
    make_line(books_database)
    rejudge(books_database)
    assert reasons(books_database) == {
        1: "overlap",  # the slot of 4, whose revision is higher
        2: "overlap",  # the last day of 4
        3: None,
        4: None,
    }
