"""How fast a run over many small tenants is, against one tenant with as many schedules."""

import os
from collections import defaultdict

import psycopg

from tests.bench import books
from tests.bench.test_speed import empty, one, seconds

#: Tenants of ten schedules; a tenant of its own has as many as they all.
SMALL = 10_000 if os.environ.get("DUECOURSE_FULL_SIZE") == "1" else 100
BIG = books.tenant(SMALL + 1)
ROWS = SMALL * 10 * books.PERIODS
TURNS = 3


def test_many_small_tenants(bench_dsn: str, measured: list[str]) -> None:
    took: dict[str, list[float]] = defaultdict(list)
    with psycopg.connect(bench_dsn, autocommit=True) as connection:

        def run(verb: str, tenant: str | None) -> int:
            call = f"CALL billing.{verb}_service_periods(%s, %s)"
            row = connection.execute(call, (tenant, books.AS_OF)).fetchone()
            assert row is not None
            return int(row[0])

        books.make(connection, [books.tenant(1 + number) for number in range(SMALL)], 10)
        books.make(connection, [BIG], SMALL * 10)
        for _ in range(TURNS):
            empty(connection)
            took["big"].append(seconds(lambda: run("backfill", BIG), ROWS))
            # And the one that has nothing to do.
            took["small"].append(seconds(lambda: run("backfill", None), ROWS))
            took["night"].append(seconds(lambda: run("replenish", None), 0))
        ended = "SELECT count(*) FROM ops.runs WHERE status IN ('done', 'nothing_to_do')"
        assert one(connection, ended) == TURNS * (2 * SMALL + 3)
    big, small, night = (min(took[what]) for what in ("big", "small", "night"))
    measured.append(
        f"{SMALL:,} tenants of 10 schedules {1000 * small / SMALL:.1f} ms each,"
        f" {small / big:.1f} times one tenant of as many;"
        f" a night without work {1000 * night / SMALL:.1f} ms each"
    )
    assert small <= 5 * big
    assert night <= small
