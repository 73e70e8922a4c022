"""Where the time of a writer goes, by what the server counts of its functions and triggers."""

import time
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest

from duecourse import render
from tests.bench import books
from tests.bench.test_speed import backfill, empty, keep, move_anchors, one

ROWS = books.SCHEDULES // 4 * books.PERIODS

#: Parts of a batch, each one function with all that it calls.
PARTS = {"plan": "plan_batch", "supersede": "_supersede_rows", "guards": "guard_insert"}

_ID = """{% from "sql/macros/record_id.sql.j2" import record_id -%}
{{ record_id("k.schedule_key", "k.period_key", "k.revision") }}"""

Connection = psycopg.Connection[tuple[Any, ...]]


@pytest.fixture(scope="module")
def connection(bench_dsn: str) -> Iterator[Connection]:
    """Connect to a database with the books of one tenant."""
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        books.make(connection, [books.tenant(1)], books.SCHEDULES // 4)
        yield connection


def test_shares_of_a_backfill_and_a_realignment(
    connection: Connection, measured: list[str]
) -> None:
    first = shares(connection)
    move_anchors(connection, 15)
    realignment = shares(connection)
    move_anchors(connection, 1)
    measured.append("a backfill: " + told(first))
    measured.append("a realignment: " + told(realignment))
    assert first["supersede"] == 0
    assert realignment["supersede"] > 0
    for share in (first, realignment):
        assert min(share["plan"], share["guards"], share["rows, ids, keys"]) > 0
        assert abs(sum(share.values()) - 1) < 0.01
    # What is written takes longer than what is planned of it.
    assert first["rows, ids, keys"] > first["plan"]


def test_shares_of_a_plain_insert(connection: Connection, measured: list[str]) -> None:
    empty(connection)
    assert backfill(connection) == (ROWS, "done")
    keep(connection)
    ids = seconds_of_ids(connection)
    empty(connection)
    [plan] = one(
        connection,
        "EXPLAIN (ANALYZE, FORMAT json)"
        " INSERT INTO billing.recurring_service_periods SELECT * FROM public.kept",
    )
    whole = plan["Execution Time"]
    triggers = {trigger["Trigger Name"]: trigger["Time"] for trigger in plan["Triggers"]}
    guard = triggers.pop("recurring_service_periods_guard_insert")
    keys = sum(triggers.values())
    measured.append(
        f"a plain INSERT: guards {guard / whole:.0%}, foreign keys {keys / whole:.0%};"
        f" the ids alone {ids * 1000 / whole:.0%} of it"
    )
    assert 0 < keys < guard < whole


def shares(connection: Connection) -> dict[str, float]:
    """Backfill; return the parts of the time of its run."""
    connection.execute("SET track_functions = 'all'")
    connection.execute("SELECT pg_stat_reset()")
    assert backfill(connection)[1] == "done"
    connection.execute("SELECT pg_stat_force_next_flush()")
    took: dict[str, float] = dict(
        connection.execute(
            "SELECT f.funcname, sum(f.total_time) FROM pg_stat_user_functions AS f GROUP BY 1"
        ).fetchall()
    )
    whole = took["_run_tenant"]
    parts = {part: took.get(function, 0) / whole for part, function in PARTS.items()}
    written = took["_write_batch"] / whole
    parts["rows, ids, keys"] = written - sum(parts.values())
    parts["record"] = 1 - written
    return parts


def seconds_of_ids(connection: Connection) -> float:
    """Return how long the ids of all rows take, made as the writer makes them."""
    took = []
    for made in ("SELECT k.record_id", render._environment().from_string(_ID).render()):
        started = time.perf_counter()
        wrong = one(
            connection,
            "SELECT count(*) FROM (SELECT k.* FROM public.kept AS k OFFSET 0) AS k"
            f" CROSS JOIN LATERAL ({made}) AS i WHERE i.record_id <> k.record_id",
        )
        took.append(time.perf_counter() - started)
        assert wrong == 0
    return took[1] - took[0]


def told(parts: dict[str, float]) -> str:
    """Return the parts in words."""
    return ", ".join(f"{part} {share:.0%}" for part, share in parts.items())
