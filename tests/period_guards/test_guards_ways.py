"""The ledger is guarded whichever way rows come in, and whoever brings them."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest
from psycopg import sql

from tests.conftest import Database
from tests.period_guards.scene import Scene
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, LEDGER, MARCH, Books, Row, insert

COPIED = sql.SQL("COPY {} ({}) FROM STDIN")
ON_CONFLICT = """
    INSERT INTO billing.recurring_service_periods
    SELECT (jsonb_populate_record(r, %(change)s)).* FROM billing.recurring_service_periods AS r
    WHERE r.record_id = %(record)s
    ON CONFLICT (tenant, record_id) DO UPDATE SET {column} = excluded.{column}
"""
MERGE = """
    MERGE INTO billing.recurring_service_periods AS r
    USING (SELECT %(record)s::uuid AS record_id) AS s ON r.record_id = s.record_id
    WHEN MATCHED THEN UPDATE SET {column} = %(value)s
"""
UPSERT_NEW = """
    INSERT INTO billing.recurring_service_periods AS r ({columns}) VALUES ({values})
    ON CONFLICT (tenant, record_id) DO UPDATE SET updated_at = r.updated_at
"""
MERGE_NEW = """
    MERGE INTO billing.recurring_service_periods AS r
    USING (SELECT %(record_id)s::uuid AS record_id) AS s ON r.record_id = s.record_id
    WHEN NOT MATCHED THEN INSERT ({columns}) VALUES ({values})
"""


def copy(database: Database, row: Row) -> None:
    statement = COPIED.format(
        sql.Identifier(*LEDGER.split(".")), sql.SQL(", ").join(map(sql.Identifier, row))
    )
    with database.cursor().copy(statement) as rows:
        rows.write_row(tuple(row.values()))


def written(statement: str) -> Callable[[Database, Row], object]:
    """Return a way that spells every column of a row."""

    def write(database: Database, row: Row) -> None:
        columns, values = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        database.execute(statement.format(columns=columns, values=values).encode(), row)

    return write


WAYS_IN: dict[str, Callable[[Database, Row], object]] = {
    "copy": copy,
    "on conflict": written(UPSERT_NEW),
    "merge": written(MERGE_NEW),
}


@pytest.mark.parametrize("way", WAYS_IN)
def test_no_overlap_comes_in(scene: Scene, way: str) -> None:
    with scene.refused("23P01"):
        WAYS_IN[way](scene.database, scene.books.row(scene.line, date(2025, 1, 15), FEBRUARY))
    WAYS_IN[way](scene.database, scene.books.row(scene.line, APRIL, date(2025, 5, 1)))


@pytest.mark.parametrize("way", WAYS_IN)
def test_no_unsound_replacement_comes_in(scene: Scene, way: str) -> None:
    row = scene.books.row(scene.line, APRIL, date(2025, 5, 1), supersedes_record_id=scene.locked)
    with scene.refused("DC304"):
        WAYS_IN[way](scene.database, row)


@pytest.mark.parametrize("statement", [ON_CONFLICT, MERGE], ids=["on conflict", "merge"])
@pytest.mark.parametrize(
    ("column", "value", "sqlstate"),
    [
        ("service_period_end", "2025-01-15", "DC301"),
        ("lifecycle_state", "locked", None),
        ("lifecycle_state", "billed", "23514"),
    ],
)
def test_no_change_comes_in(
    scene: Scene, statement: str, column: str, value: str, sqlstate: str | None
) -> None:
    values: dict[str, Any] = {
        "record": scene.generated,
        "value": value,
        "change": psycopg.types.json.Jsonb({column: value}),
    }
    text = statement.format(column=column).encode()
    if sqlstate:
        with scene.refused(sqlstate):
            scene.database.execute(text, values)
    else:
        scene.database.execute(text, values)
        assert scene.state_of(scene.generated) == value


def test_two_rows_of_one_statement_do_not_overlap(scene: Scene) -> None:
    rows = [
        scene.books.row(scene.line, APRIL, APRIL + timedelta(days=30)),
        scene.books.row(scene.line, APRIL + timedelta(days=29), APRIL + timedelta(days=60)),
    ]
    with scene.refused("23P01"):
        insert(scene.database, LEDGER, *rows)


def test_one_statement_for_two_tenants(scene: Scene) -> None:
    other = Books(scene.database)
    line = other.line()
    good = other.row(line, JANUARY, FEBRUARY)
    for bad in (
        scene.books.row(scene.line, date(2025, 1, 15), FEBRUARY),
        other.row(line, date(2025, 1, 15), MARCH),
    ):
        with scene.refused("23P01"):
            insert(scene.database, LEDGER, good, bad)
    insert(scene.database, LEDGER, good, scene.books.row(scene.line, APRIL, date(2025, 5, 1)))


def test_other_schedules_of_an_obligation_are_schedules_of_their_own(scene: Scene) -> None:
    scene.period(JANUARY, FEBRUARY, schedule_key="schedule:other")


def test_replaced_and_replacement_in_one_statement(scene: Scene) -> None:
    may = APRIL, date(2025, 5, 1)
    old = scene.books.row(
        scene.line, *may, lifecycle_state="superseded", supersedes_record_id=scene.superseded
    )
    new = scene.books.row(scene.line, *may, revision=2, supersedes_record_id=old["record_id"])
    insert(scene.database, LEDGER, new, old)


def test_the_ledger_of_an_unknown_tenant(scene: Scene) -> None:
    row = scene.books.row(scene.line, APRIL, date(2025, 5, 1), tenant=scene.line.client)
    with scene.refused("23503") as raised:
        insert(scene.database, LEDGER, row)
    assert raised.value.diag.message_hint == "Import or insert the tenant first."


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM {}", "TRUNCATE {}", "UPDATE {} SET tenant = gen_random_uuid()"],
    ids=["delete", "truncate", "update"],
)
def test_the_row_in_which_writers_meet_stays(scene: Scene, statement: str) -> None:
    with scene.refused("DC305") as raised:
        scene.database.execute(statement.format("ops.tenant_locks").encode())
    kind = statement.partition(" ")[0]
    assert raised.value.diag.message_detail == f"{kind} on ops.tenant_locks"
    hint = "Leave it; a lock is held by a transaction and ends with it."
    assert raised.value.diag.message_hint == hint


def test_a_role_that_has_rights_on_the_table_only(scene: Scene) -> None:
    database = scene.database
    database.execute("CREATE ROLE ledger_writer")
    database.execute("GRANT USAGE ON SCHEMA billing TO ledger_writer")
    database.execute(f"GRANT SELECT, INSERT, UPDATE, DELETE ON {LEDGER} TO ledger_writer")
    database.execute("SET LOCAL ROLE ledger_writer")
    with scene.refused("23P01"):
        scene.period(date(2025, 1, 15), FEBRUARY)
    with scene.refused("23P01"):
        scene.update(scene.quarantined, quarantine_reason=None)
    with scene.refused("DC301"):
        scene.update(scene.generated, service_period_end=date(2025, 1, 15))
    with scene.refused("DC302"):
        scene.update(scene.superseded, lifecycle_state="generated")
    with scene.refused("DC303"):
        scene.delete(scene.locked)
    with scene.refused("DC304"):
        scene.insert(supersedes_record_id=scene.locked)
    with scene.refused("42501"):
        database.execute(f"TRUNCATE {LEDGER} CASCADE")
    scene.period(APRIL, date(2025, 5, 1))
    scene.update(scene.generated, lifecycle_state="superseded")
    scene.update(scene.quarantined, quarantine_reason=None)
    scene.delete(scene.quarantined)
