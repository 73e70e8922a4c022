"""What it costs to work in another system's tables: in place against native, on the same books."""

import os
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import psycopg
import pytest

from duecourse import adoption
from duecourse.profile import Wanted
from tests.bench import books
from tests.bench.conftest import database_of
from tests.profiles.shape import ALGA

FULL = os.environ.get("DUECOURSE_FULL_SIZE") == "1"
TENANT = books.tenant(1)
SCHEDULES = 9_000
ROWS = SCHEDULES * books.PERIODS
LINES_A_CLIENT = 20
TURNS = 5
PAGES = 100
NAMES = ("native", "in place")
PAGE = f"SELECT record_id FROM billing.due_work(%s, '{books.AS_OF}', p_limit => 50)"
HASH = f"SELECT plan_hash FROM billing.plan_summary(%s, '{books.AS_OF}', 'backfill')"

Connection = psycopg.Connection[tuple[Any, ...]]

#: The sources that tests.bench.books makes, in the tables of the other system.
_SOURCES = (
    "INSERT INTO tenants (tenant, client_name, email) VALUES (%(tenant)s::uuid, 'Bench', '')",
    """INSERT INTO clients (tenant, client_id, client_name, billing_cycle)
       SELECT %(tenant)s::uuid, md5(%(tenant)s::uuid || 'client' || n)::uuid, 'Client ' || n,
           'monthly'
       FROM generate_series(0, %(clients)s - 1) AS n""",
    """INSERT INTO client_billing_settings (tenant, client_id, zero_dollar_invoice_handling,
           suppress_zero_dollar_invoices, billing_cycle_anchor_day_of_month)
       SELECT tenant, client_id, 'normal', false, 1 FROM clients WHERE tenant = %(tenant)s::uuid""",
    """INSERT INTO contracts (tenant, contract_id, contract_name, owner_client_id, status,
           is_template)
       SELECT %(tenant)s::uuid, md5(%(tenant)s::uuid || 'contract' || n)::uuid, 'Contract ' || n,
           md5(%(tenant)s::uuid || 'client' || n)::uuid, 'active', false
       FROM generate_series(0, %(clients)s - 1) AS n""",
    """INSERT INTO client_contracts (tenant, client_contract_id, client_id, contract_id, start_date)
       SELECT %(tenant)s::uuid, md5(%(tenant)s::uuid || 'assignment' || n)::uuid,
           md5(%(tenant)s::uuid || 'client' || n)::uuid,
           md5(%(tenant)s::uuid || 'contract' || n)::uuid,
           '2026-08-01'
       FROM generate_series(0, %(clients)s - 1) AS n""",
    """INSERT INTO contract_lines (tenant, contract_line_id, contract_line_name, contract_id,
           contract_line_type, billing_timing, cadence_owner, is_template)
       SELECT %(tenant)s::uuid, md5(%(tenant)s::uuid || 'line' || n)::uuid, 'Line ' || n,
           md5(%(tenant)s::uuid || 'contract' || n / %(lines_a_client)s)::uuid, 'Fixed',
           CASE n %% 2 WHEN 0 THEN 'arrears' ELSE 'advance' END,
           CASE WHEN n %% 20 < 2 THEN 'contract' ELSE 'client' END, false
       FROM generate_series(0, %(lines)s - 1) AS n""",
)


def make(connection: Connection, tenant: str, lines: int) -> None:
    """Write the sources of ``lines`` lines into the tables of the other system."""
    clients = max(1, lines // LINES_A_CLIENT)
    values = {"tenant": tenant, "lines": lines, "clients": clients}
    for statement in _SOURCES:
        connection.execute(statement.encode(), values | {"lines_a_client": LINES_A_CLIENT})
    connection.execute("ANALYZE")


@pytest.fixture(scope="module")
def adopted_dsn(bench_server: str) -> Iterator[str]:
    """Yield a database of the other system, adopted."""
    with (
        psycopg.connect(bench_server, dbname="postgres", autocommit=True) as server,
        database_of(server, "adopted", "template0") as dsn,
    ):
        with psycopg.connect(dsn) as connection:
            ALGA.create(connection)
        adoption.adopt(dsn, Wanted("alga"))
        yield dsn


@dataclass(frozen=True)
class Side:
    """One of the two databases, and what it is measured by."""

    connection: Connection
    ledger: str

    def ask(self, statement: str) -> list[tuple[Any, ...]]:
        """Return the rows of a query about the tenant."""
        return self.connection.execute(statement.encode(), (TENANT,)).fetchall()

    def judge(self) -> None:
        """Judge what the other system wrote, where there is one."""
        if self.ledger.startswith("public."):
            self.connection.execute("CALL billing.judge_ledger(%s)", (TENANT,))

    def plan(self) -> list[tuple[Any, ...]]:
        """Plan as the command does."""
        self.judge()
        return self.ask(HASH)

    def work(self, tenant: str = TENANT) -> tuple[Any, ...] | None:
        """Backfill; return rows, batches and status."""
        return self.connection.execute(
            "CALL billing.backfill_service_periods(%s, %s)", (tenant, books.AS_OF)
        ).fetchone()

    def empty(self) -> None:
        """Empty the ledger, and what hangs on it."""
        self.connection.execute("SET session_replication_role = replica")
        self.connection.execute(f"TRUNCATE {self.ledger} CASCADE".encode())
        self.connection.execute("RESET session_replication_role")
        self.connection.execute("CHECKPOINT")


def seconds(work: Callable[[], Any]) -> float:
    """Return how long something took."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def best(work: Callable[[], Any], turns: int = 20) -> float:
    """Return how long something took in its best turn, warmed up."""
    work()
    return min(seconds(work) for _ in range(turns))


@pytest.fixture(scope="module")
def sides(bench_dsn: str, adopted_dsn: str) -> Iterator[tuple[Side, Side]]:
    """Yield a native database and an adopted one with the same books and the recommended indexes.

    Without these every batch reads the assignments of the whole tenant for each contract.
    """
    with (
        psycopg.connect(bench_dsn, autocommit=True) as native,
        psycopg.connect(adopted_dsn, autocommit=True) as adopted,
    ):
        books.make(native, [TENANT], SCHEDULES, lines_a_client=LINES_A_CLIENT)
        make(adopted, TENANT, SCHEDULES)
        adoption.adopt(adopted_dsn, Wanted("alga", indexes=True))
        yield (
            Side(native, "billing.recurring_service_periods"),
            Side(adopted, "public.recurring_service_periods"),
        )


@pytest.fixture(scope="module")
def took(sides: tuple[Side, Side]) -> dict[str, float]:
    """Measure plan and run of the empty ledger in turns."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(TURNS):
        for name, side in zip(NAMES, sides, strict=True):
            side.empty()
            times[f"{name} plan"].append(seconds(side.plan))
            times[f"{name} run"].append(seconds(side.work))
        assert sides[0].ask(HASH) == sides[1].ask(HASH)
    for side in sides:
        [(rows,)] = side.connection.execute(f"SELECT count(*) FROM {side.ledger}".encode())
        assert rows == ROWS
        side.connection.execute("VACUUM ANALYZE")
    return {name: min(each) for name, each in times.items()}


def test_plan_and_run(took: dict[str, float], measured: list[str]) -> None:
    native, adopted = (
        took[f"{name} plan"] + took[f"{name} run"] for name in ("native", "in place")
    )
    measured.append(
        f"plan and run of {ROWS:,} rows in place {adopted:.2f} s, native {native:.2f} s:"
        f" {adopted / native:.2f}"
    )
    assert adopted <= 1.2 * native


@pytest.mark.usefixtures("took")
def test_the_first_page_of_due_work(sides: tuple[Side, Side], measured: list[str]) -> None:
    assert sides[0].ask(PAGE) == sides[1].ask(PAGE)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(PAGES):
        for name, side in zip(NAMES, sides, strict=True):
            times[name].append(seconds(lambda side=side: side.ask(PAGE)))  # type: ignore[misc]
    native, adopted = (1000 * min(times[name]) for name in NAMES)
    measured.append(
        f"first due page in place {adopted:.1f} ms, native {native:.1f} ms: {adopted / native:.1f}"
    )
    assert adopted <= 5 * native


@pytest.mark.usefixtures("took")
def test_the_judge(sides: tuple[Side, Side], measured: list[str]) -> None:
    """After a run, when nothing happened, and when the application wrote to some schedules."""
    adopted = sides[1]
    after_run = seconds(adopted.judge)
    idle = best(adopted.judge)
    busy = min(seconds_after_writes(adopted) for _ in range(6))
    plan = best(lambda: adopted.ask(HASH), turns=3)
    measured.append(
        f"judge after a run {1000 * after_run:.0f} ms, of nothing {1000 * idle:.0f} ms, of 500 rows"
        f" {1000 * busy:.0f} ms; a plan {1000 * plan:.0f} ms"
    )
    assert max(idle, busy) <= 0.1 * plan


def seconds_after_writes(adopted: Side) -> float:
    """Let the application write to some schedules; return how long it takes to judge that."""
    adopted.connection.execute(
        "UPDATE recurring_service_periods SET updated_at = now() WHERE record_id IN"
        " (SELECT record_id FROM recurring_service_periods ORDER BY schedule_key LIMIT 500)"
    )
    return seconds(adopted.judge)


def test_time_a_row_does_not_grow(sides: tuple[Side, Side], measured: list[str]) -> None:
    """Tenth by tenth, up to ten times the rows at full size."""
    adopted = sides[1]
    sizes = [SCHEDULES // 10, SCHEDULES, *([SCHEDULES * 10] if FULL else [])]
    make(adopted.connection, books.tenant(100), 1)
    start_up = min(seconds(lambda: adopted.work(books.tenant(100))) for _ in range(5))
    tenants = [books.tenant(110 + number) for number in range(len(sizes))]
    for tenant, size in zip(tenants, sizes, strict=True):
        make(adopted.connection, tenant, size)
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(TURNS):
        for tenant in tenants:
            adopted.empty()
            times[tenant].append(seconds(lambda tenant=tenant: adopted.work(tenant)))  # type: ignore[misc]
    costs = [
        (min(times[tenant]) - start_up) / (size * books.PERIODS)
        for tenant, size in zip(tenants, sizes, strict=True)
    ]
    measured.append(
        "in place, microseconds a row: "
        + ", ".join(
            f"{size * books.PERIODS:,} rows {1e6 * cost:.1f}"
            for size, cost in zip(sizes, costs, strict=True)
        )
    )
    assert costs[-1] <= 1.2 * max(costs[:-1])
