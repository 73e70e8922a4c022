"""How fast the main job is, as ratios of runs on one server, each with a check of its result."""

import os
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from tests.bench import books, existing_way

TENANTS = [books.tenant(number) for number in range(1, 5)]
ROWS = books.SCHEDULES * books.PERIODS
TURNS = len(TENANTS)

Connection = psycopg.Connection[tuple[Any, ...]]


@dataclass(frozen=True)
class Timings:
    """Seconds of each step, all on one server, the best of a few turns."""

    plan_empty: float
    first: float
    plan_full: float
    second: float
    plain: float
    existing_way: float
    realigned: float
    realigned_rows: int


def seconds(work: Callable[[], object], result: object = None) -> float:
    """Return how long ``work`` took, whose result is known."""
    started = time.perf_counter()
    found = work()
    took = time.perf_counter() - started
    assert found == result
    return took


def backfill(connection: Connection) -> tuple[int, str]:
    """Run over every tenant; give rows and status."""
    row = connection.execute(
        "CALL billing.backfill_service_periods(NULL, %s)", (books.AS_OF,)
    ).fetchone()
    assert row is not None
    return row[0], row[2]


def plan(connection: Connection) -> tuple[int, int]:
    """Plan every tenant; give the rows to make and the rows that stay."""
    row = connection.execute(
        "SELECT sum(s.backfilled + s.regenerated)::bigint, sum(s.unchanged)::bigint"
        " FROM billing.tenants AS t, billing.plan_summary(t.tenant, %s, 'backfill') AS s",
        (books.AS_OF,),
    ).fetchone()
    assert row is not None
    return row[0], row[1]


def one(connection: Connection, statement: str) -> Any:
    """Return the single value of a query."""
    row = connection.execute(statement).fetchone()
    assert row is not None
    return row[0]


def empty(connection: Connection) -> None:
    """Empty the ledger, which no operator can, and what hangs on it."""
    guard = "TRIGGER recurring_service_periods_guard_truncate"
    connection.execute(f"ALTER TABLE billing.recurring_service_periods DISABLE {guard}")
    connection.execute(
        "TRUNCATE billing.recurring_service_periods, billing.accepted_escalations,"
        " billing.service_period_events"
    )
    connection.execute(f"ALTER TABLE billing.recurring_service_periods ENABLE {guard}")
    connection.execute("CHECKPOINT")


@pytest.fixture(scope="module")
def timings(bench_dsn: str) -> Timings:
    """Measure everything in one run, in turns, so that noise meets all steps; the best counts."""
    took: dict[str, list[float]] = defaultdict(list)
    rows = 0
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        books.make(connection, TENANTS, books.SCHEDULES // len(TENANTS))
        for turn in range(TURNS):
            empty(connection)
            took["plan_empty"].append(seconds(lambda: plan(connection), (ROWS, 0)))
            took["first"].append(seconds(lambda: backfill(connection), (ROWS, "done")))
            check_whole(connection)
            before = fingerprint(connection)
            took["plan_full"].append(seconds(lambda: plan(connection), (0, ROWS)))
            took["second"].append(seconds(lambda: backfill(connection), (0, "nothing_to_do")))
            assert fingerprint(connection) == before

            if turn == 0:
                keep(connection)
            empty(connection)
            took["plain"].append(seconds(lambda: insert_kept(connection), ROWS))
            assert one(connection, "SELECT count(*) FROM billing.recurring_service_periods") == ROWS
            took["existing_way"].append(existing_way.write(bench_dsn, TENANTS[turn]))
            move_anchors(connection, 15)
            started = time.perf_counter()
            rows, status = backfill(connection)
            took["realigned"].append(time.perf_counter() - started)
            assert status == "done"
            assert rows > 1.5 * ROWS
            assert plan(connection)[0] == 0
            assert_sound(connection)
            move_anchors(connection, 1)
    # The existing way has written all rows, a tenant a turn.
    existing = sum(took.pop("existing_way"))
    best = {step: min(times) for step, times in took.items()}
    return Timings(**best, existing_way=existing, realigned_rows=rows)


def keep(connection: Connection) -> None:
    """Keep the rows of the ledger, in its order."""
    connection.execute(
        "CREATE TABLE public.kept AS SELECT * FROM billing.recurring_service_periods"
        " ORDER BY tenant, obligation_id, service_period_start"
    )


def insert_kept(connection: Connection) -> int:
    """Write the kept rows by one plain statement; give their number."""
    return connection.execute(
        "INSERT INTO billing.recurring_service_periods SELECT * FROM public.kept"
    ).rowcount


def move_anchors(connection: Connection, day: int) -> None:
    """Move the anchor of every client to a day of the month."""
    connection.execute(
        "UPDATE billing.client_billing_settings SET billing_cycle_anchor_day_of_month = %s", (day,)
    )


def fingerprint(connection: Connection) -> Any:
    """Return what the ledger says, whoever wrote it."""
    return one(
        connection,
        "SELECT md5(string_agg(r.record_id || r.lifecycle_state || r.service_period_start"
        " || r.service_period_end || r.invoice_window_start || r.updated_at, ','"
        " ORDER BY r.tenant, r.record_id)) FROM billing.recurring_service_periods AS r",
    )


def check_whole(connection: Connection) -> None:
    """Every schedule has its ten periods, end to end, from its start to its horizon."""
    wrong = one(
        connection,
        "SELECT count(*) FROM (SELECT schedule_key FROM billing.recurring_service_periods"
        " GROUP BY tenant, schedule_key HAVING count(*) <> 10"
        " OR min(service_period_start) <> '2026-08-01' OR max(service_period_end) <> '2027-06-01'"
        " OR sum(service_period_end - service_period_start) <> date '2027-06-01' - '2026-08-01'"
        ") AS s",
    )
    assert wrong == 0
    assert one(connection, "SELECT count(*) FROM billing.recurring_service_periods") == ROWS


def assert_sound(connection: Connection) -> None:
    """No two live rows of a schedule overlap."""
    assert (
        one(
            connection,
            "SELECT count(*) FROM (SELECT service_period_start < lag(service_period_end) OVER"
            " (PARTITION BY tenant, schedule_key ORDER BY service_period_start) AS overlaps"
            " FROM billing.recurring_service_periods WHERE lifecycle_state <> 'superseded') AS s"
            " WHERE s.overlaps",
        )
        == 0
    )


def test_backfill_against_a_plain_insert(timings: Timings, measured: list[str]) -> None:
    ratio = timings.first / timings.plain
    measured.append(
        f"backfill of {ROWS:,} rows {timings.first:.1f} s,"
        f" plain INSERT {timings.plain:.1f} s: {ratio:.2f}"
    )
    assert ratio <= 1.5


def test_backfill_against_the_existing_way(timings: Timings, measured: list[str]) -> None:
    ratio = timings.existing_way / timings.first
    measured.append(
        f"one INSERT an obligation {timings.existing_way:.1f} s: {ratio:.1f} times as long"
    )
    assert ratio >= 3


def test_nothing_to_do(timings: Timings, measured: list[str]) -> None:
    second, planned, full = (
        part / timings.first for part in (timings.second, timings.plan_empty, timings.plan_full)
    )
    measured.append(
        f"second run {second:.2f}, plan of the empty ledger {planned:.2f},"
        f" of the full one {full:.2f} of the first run"
    )
    assert second <= 0.35
    assert planned <= 0.3
    assert full <= 0.45


def test_realignment(timings: Timings, measured: list[str]) -> None:
    rate = timings.realigned_rows / timings.realigned
    ratio = rate / (ROWS / timings.first)
    measured.append(
        f"realignment of {timings.realigned_rows:,} rows {timings.realigned:.1f} s:"
        f" {ratio:.2f} of the backfill's rows a second"
    )
    assert ratio >= 0.5


@pytest.mark.usefixtures("timings")
def test_time_a_row_does_not_grow(bench_dsn: str, measured: list[str]) -> None:
    sizes = [books.SCHEDULES // 100, books.SCHEDULES // 10, books.SCHEDULES]
    tenants = [books.tenant(110 + number) for number in range(len(sizes))]
    took: dict[int, list[float]] = defaultdict(list)
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        books.make(connection, [books.tenant(100)], 1)
        start_up = min(backfill_alone(connection, books.tenant(100)) for _ in range(5))
        for tenant, schedules in zip(tenants, sizes, strict=True):
            books.make(connection, [tenant], schedules)
        for _ in range(TURNS):
            for tenant, schedules in zip(tenants, sizes, strict=True):
                empty(connection)
                took[schedules].append(backfill_alone(connection, tenant))
    per_row = [(min(took[size]) - start_up) / (size * books.PERIODS) for size in sizes]
    measured.append(
        "microseconds a row, fixed start-up apart: "
        + ", ".join(
            f"{size * books.PERIODS:,} rows {cost * 1e6:.1f}"
            for size, cost in zip(sizes, per_row, strict=True)
        )
    )
    assert per_row[2] <= 1.2 * max(per_row[0], per_row[1])


def backfill_alone(connection: Connection, tenant: str) -> float:
    """Run one tenant and give the seconds."""
    started = time.perf_counter()
    connection.execute("CALL billing.backfill_service_periods(%s, %s)", (tenant, books.AS_OF))
    return time.perf_counter() - started


@pytest.mark.usefixtures("timings")
def test_memory_of_the_command(bench_dsn: str, measured: list[str]) -> None:
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        books.make(connection, [books.tenant(200)], books.SCHEDULES)
    child = subprocess.run(
        [sys.executable, "-c", _MEASURE, "run", "backfill", "--tenant", books.tenant(200),
         "--as-of", books.AS_OF, "--dsn", bench_dsn],
        capture_output=True, check=True, text=True, env=os.environ,
    )  # fmt: skip
    mebibytes = int(child.stdout.splitlines()[-1]) / 1024
    measured.append(f"peak memory of duecourse run: {mebibytes:.0f} MiB")
    assert mebibytes < 100


_MEASURE = """
import re, sys
from pathlib import Path
from duecourse.cli import main
main(sys.argv[1:], standalone_mode=False)
print(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1])
"""
