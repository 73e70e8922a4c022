"""How fast the charge ledger is: ratios of runs on one server, each with a check of its result."""

import time
from collections import defaultdict
from dataclasses import dataclass

import psycopg
import pytest

from tests.bench import ledgers
from tests.bench.ledgers import ACCOUNTS, KEYS, OWNER, Connection
from tests.bench.test_speed import one, seconds

TURNS = 3
COLUMNS = (
    "tenant, charge_id, tenant_user_id, unit_id, type, description, amount_cents, currency,"
    " billing_period, effective_on, source_run_key"
)
BARE = """
    SELECT count(*), sum(s.balance) FROM (
        SELECT e.tenant_user_id, e.unit_id, sum(e.cents) AS balance
        FROM (
            SELECT c.tenant_user_id, c.unit_id, c.amount_cents AS cents
            FROM ledger.charges AS c
            WHERE c.tenant = %(tenant)s
                AND (%(as_of)s::date IS NULL OR c.effective_on <= %(as_of)s::date)
            UNION ALL
            SELECT p.tenant_user_id, p.unit_id,
                CASE WHEN p.status = 'succeeded' THEN p.refunded_cents - p.amount_cents END
            FROM ledger.payments AS p
            WHERE p.tenant = %(tenant)s
                AND (%(as_of)s::date IS NULL OR p.paid_on <= %(as_of)s::date)
        ) AS e
        GROUP BY e.tenant_user_id, e.unit_id
    ) AS s
"""
SAME_AS_KEPT = f"""
    SELECT count(*)
    FROM (SELECT {COLUMNS} FROM ledger.charges) AS c
    JOIN public.kept_charges AS k USING (
        tenant, tenant_user_id, unit_id, billing_period, type, description, amount_cents, currency,
        effective_on)
"""
BALANCES = "SELECT count(*), sum(b.balance_cents) FROM ledger.balances(%(tenant)s, %(as_of)s) AS b"


@dataclass(frozen=True)
class Timings:
    """Seconds of each step, the best of a few turns."""

    backfill: float
    again: float
    plain: float
    balances: float
    balances_by: float
    bare: float
    bare_by: float
    seed: float


def backfill(connection: Connection) -> tuple[int, str]:
    """Run the backfill; give rows and status."""
    row = connection.execute("CALL ledger.backfill_charges(%s)", (OWNER,)).fetchone()
    assert row is not None
    return row[0], row[2]


def fingerprint(connection: Connection) -> object:
    """Return what the charges say, whoever made them."""
    return one(
        connection,
        "SELECT count(*) || md5(string_agg(c.tenant_user_id || c.unit_id || c.billing_period"
        " || c.amount_cents || c.description || c.effective_on || c.currency, ','"
        " ORDER BY c.tenant_user_id, c.billing_period)) FROM ledger.charges AS c",
    )


def insert_kept(connection: Connection) -> int:
    """Write the kept charges by one plain statement; give their number."""
    statement = f"INSERT INTO ledger.charges ({COLUMNS}) SELECT {COLUMNS} FROM public.kept_charges"
    return connection.execute(statement.encode()).rowcount


@pytest.fixture(scope="module")
def timings(bench_dsn: str) -> Timings:
    """Measure everything in one run, in turns, so that noise meets all steps; the best counts."""
    took: dict[str, list[float]] = defaultdict(list)
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        ledgers.make(connection)
        for turn in range(TURNS):
            ledgers.empty(connection)
            took["backfill"].append(seconds(lambda: backfill(connection), (KEYS, "done")))
            made = fingerprint(connection)
            took["again"].append(seconds(lambda: backfill(connection), (0, "nothing_to_do")))
            if turn == 0:
                connection.execute(
                    "CREATE TABLE public.kept_charges AS SELECT * FROM ledger.charges"
                )
            ledgers.empty(connection)
            took["plain"].append(seconds(lambda: insert_kept(connection), KEYS))
            assert fingerprint(connection) == made
        connection.execute("VACUUM ANALYZE ledger.charges")
        given = {"tenant": OWNER, "as_of": None}
        by_a_day = {**given, "as_of": "2026-12-31"}
        [result] = connection.execute(BARE, given)
        assert result[0] == ACCOUNTS
        for _ in range(15):
            for step, query, values in (
                ("bare", BARE, given),
                ("balances", BALANCES, given),
                ("bare_by", BARE, by_a_day),
                ("balances_by", BALANCES, by_a_day),
            ):
                started = time.perf_counter()
                [found] = connection.execute(query.encode(), values)
                took[step].append(time.perf_counter() - started)
                assert found == result
        ledgers.empty(connection)
        took["seed"].append(seconds(lambda: ledgers.seeds_manner(connection), KEYS))
        assert one(connection, SAME_AS_KEPT) == KEYS
    return Timings(**{step: min(times) for step, times in took.items()})


def test_backfill_against_a_plain_insert(timings: Timings, measured: list[str]) -> None:
    ratio = timings.backfill / timings.plain
    measured.append(
        f"backfill of {KEYS:,} charges {timings.backfill:.1f} s, plain INSERT"
        f" {timings.plain:.1f} s: {ratio:.2f}; again {timings.again:.1f} s"
    )
    assert ratio <= 1.5


def test_backfill_against_the_seeds_manner(timings: Timings, measured: list[str]) -> None:
    ratio = timings.seed / timings.backfill
    measured.append(f"one INSERT a charge {timings.seed:.1f} s: {ratio:.1f} times as long")
    assert ratio >= 20


def test_all_balances_against_a_bare_aggregate(timings: Timings, measured: list[str]) -> None:
    ratios = [timings.balances / timings.bare, timings.balances_by / timings.bare_by]
    measured.append(
        f"balances of {ACCOUNTS:,} accounts {timings.balances * 1000:.0f} ms, bare aggregate"
        f" {timings.bare * 1000:.0f} ms: {ratios[0]:.2f}, as of a day {ratios[1]:.2f}"
    )
    assert max(ratios) <= 1.5


@pytest.mark.usefixtures("timings")
def test_every_balance_is_explained(bench_dsn: str, measured: list[str]) -> None:
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        started = time.perf_counter()
        row = connection.execute(
            "SELECT count(*), count(*) FILTER (WHERE e.total IS DISTINCT FROM b.balance_cents)"
            " FROM ledger.balances(%(tenant)s) AS b"
            " CROSS JOIN LATERAL (SELECT sum(l.amount_cents) AS total FROM"
            " ledger.explain_balance(%(tenant)s, b.tenant_user_id, b.unit_id) AS l) AS e",
            {"tenant": OWNER},
        ).fetchone()
        took = time.perf_counter() - started
    measured.append(f"{ACCOUNTS:,} balances explained, {took / ACCOUNTS * 1000:.2f} ms each")
    assert row == (ACCOUNTS, 0)


@pytest.mark.usefixtures("timings")
def test_one_balance_at_any_size(bench_dsn: str, measured: list[str]) -> None:
    sizes = [2 * KEYS, 10 * KEYS]
    took = []
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        for size in sizes:
            ledgers.grow(connection, size)
            took.append(one_balance(connection))
    measured.append(
        "one balance: "
        + ", ".join(
            f"{milliseconds:.2f} ms of {size:,} charges"
            for size, milliseconds in zip(sizes, took, strict=True)
        )
    )
    assert max(took) < 5
    assert took[1] <= 1.5 * took[0] + 0.2


def one_balance(connection: Connection) -> float:
    """Return the median of the milliseconds that one balance takes, of many accounts."""
    taken = []
    for n in range(0, ACCOUNTS, ACCOUNTS // 500):
        started = time.perf_counter()
        rows = connection.execute(
            "SELECT balance_cents FROM ledger.balances(p_tenant => %s,"
            " p_as_of => '2026-12-31', p_tenant_user_id => %s, p_unit_id => %s)",
            (OWNER, f"renter-{n}", f"unit-{n}"),
        ).fetchall()
        taken.append((time.perf_counter() - started) * 1000)
        assert len(rows) == 1
    return sorted(taken)[len(taken) // 2]
