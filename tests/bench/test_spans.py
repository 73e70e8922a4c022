"""A ledger of two spans and a clipped row a schedule is planned as fast as a plain one."""

import time
from typing import Any

import psycopg

from tests.bench import books

PLAIN, SPLIT = books.tenant(1), books.tenant(2)
LINES = books.SCHEDULES // 2
#: August to May, October in two rows: the first clipped, the second a part of the month.
SPLIT_PERIODS = books.PERIODS + 1
#: As many as have about as many rows, whole clients of 20 lines.
SPLIT_LINES = LINES * books.PERIODS // SPLIT_PERIODS // 20 * 20
TURNS = 6

Connection = psycopg.Connection[tuple[Any, ...]]

_SPLIT = (
    "UPDATE billing.client_contracts SET end_date = '2026-10-11' WHERE tenant = %(tenant)s",
    """INSERT INTO billing.client_contracts
           (tenant, client_contract_id, client_id, contract_id, start_date)
       SELECT tenant, gen_random_uuid(), client_id, contract_id, end_date
       FROM billing.client_contracts WHERE tenant = %(tenant)s""",
)


def plan(connection: Connection, tenant: str) -> tuple[float, tuple[int, int]]:
    """Return the seconds of a plan, with the rows to make and the rows that stay."""
    started = time.perf_counter()
    row = connection.execute(
        "SELECT s.backfilled + s.regenerated, s.unchanged"
        " FROM billing.plan_summary(%s, %s, 'backfill') AS s",
        (tenant, books.AS_OF),
    ).fetchone()
    assert row is not None
    return time.perf_counter() - started, (row[0], row[1])


def plans(connection: Connection, expected: dict[str, tuple[int, int]]) -> dict[str, float]:
    """Return the best seconds of several plans of each tenant, in turns, checked."""
    took: dict[str, list[float]] = {tenant: [] for tenant in expected}
    for _ in range(TURNS):
        for tenant, found in expected.items():
            seconds, rows = plan(connection, tenant)
            assert rows == found
            took[tenant].append(seconds)
    return {tenant: min(times) for tenant, times in took.items()}


def test_two_spans_and_a_clipped_row(bench_dsn: str, measured: list[str]) -> None:
    sizes = {PLAIN: LINES * books.PERIODS, SPLIT: SPLIT_LINES * SPLIT_PERIODS}
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        books.make(connection, [PLAIN], LINES)
        books.make(connection, [SPLIT], SPLIT_LINES)
        for statement in _SPLIT:
            connection.execute(statement, {"tenant": SPLIT})
        connection.execute("ANALYZE")
        empty = plans(connection, {tenant: (rows, 0) for tenant, rows in sizes.items()})
        for tenant in sizes:
            connection.execute(
                "CALL billing.backfill_service_periods(%s, %s)", (tenant, books.AS_OF)
            )
        full = plans(connection, {tenant: (0, rows) for tenant, rows in sizes.items()})
    ratios = [times[SPLIT] / sizes[SPLIT] * sizes[PLAIN] / times[PLAIN] for times in (empty, full)]
    measured.append(
        "plan of two spans and a clipped row a schedule, against the plain one of as many rows:"
        f" {ratios[0]:.2f} of the empty ledger, {ratios[1]:.2f} of the full one"
    )
    # Twice as many spans are looked at; where the rows are there, hardly more is done.
    assert ratios[0] <= 1.9
    assert ratios[1] <= 1.3
