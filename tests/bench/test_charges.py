"""How fast the charge ledger is: ratios of runs on one server, each with a check of its result."""

import time
from collections import defaultdict
from dataclasses import dataclass

import psycopg
import pytest

from tests.bench import ledgers
from tests.bench.ledgers import ACCOUNTS, FULL, KEYS, OWNER, Connection
from tests.bench.test_speed import one, seconds

TURNS = 5
COLUMNS = (
    "tenant, charge_id, tenant_user_id, unit_id, type, description, amount_cents, currency,"
    " billing_period, effective_on, source_run_key"
)
BARE = """
    SELECT count(*), sum(s.balance) FROM (
        SELECT e.tenant_user_id, e.unit_id, e.currency, sum(e.cents) AS balance
        FROM (
            SELECT c.tenant_user_id, c.unit_id, c.currency, c.amount_cents AS cents
            FROM ledger.charges AS c
            WHERE c.tenant = %(tenant)s
                AND (%(as_of)s::date IS NULL OR c.effective_on <= %(as_of)s::date)
            UNION ALL
            SELECT m.tenant_user_id, m.unit_id, m.currency, -m.amount_cents
            FROM ledger.payment_movements AS m
            WHERE m.tenant = %(tenant)s
                AND (%(as_of)s::date IS NULL OR m.effective_on <= %(as_of)s::date)
        ) AS e
        GROUP BY e.tenant_user_id, e.unit_id, e.currency
    ) AS s
"""
#: Accounts, and days of accounts on which the last line explains another balance.
EXPLAINED = """
    WITH moves AS (
        SELECT c.effective_on FROM ledger.charges AS c WHERE c.tenant = %(tenant)s
        UNION SELECT m.effective_on FROM ledger.payment_movements AS m WHERE m.tenant = %(tenant)s
    ),
    days AS (
        -- Between two of them nothing moves, so that the last day before each stands for all.
        SELECT m.effective_on - 1 AS day FROM moves AS m
        UNION SELECT max(m.effective_on) FROM moves AS m
    ),
    lines AS MATERIALIZED (
        SELECT a.tenant_user_id, l.effective_on,
            lead(l.effective_on, 1, 'infinity') OVER (
                PARTITION BY a.tenant_user_id ORDER BY l.ordinality) AS next_on,
            l.running_balance_cents
        FROM ledger.accounts AS a
        CROSS JOIN LATERAL ledger.explain_balance(a.tenant, a.tenant_user_id, a.unit_id)
            WITH ORDINALITY AS l
        WHERE a.tenant = %(tenant)s
    ),
    explained AS (
        SELECT l.tenant_user_id, d.day, l.running_balance_cents
        FROM lines AS l JOIN days AS d ON d.day >= l.effective_on AND d.day < l.next_on
    ),
    told AS (
        SELECT b.tenant_user_id, d.day, b.balance_cents
        FROM days AS d CROSS JOIN LATERAL ledger.balances(%(tenant)s, d.day) AS b
    )
    SELECT count(DISTINCT t.tenant_user_id), count(DISTINCT t.day), count(*) FILTER (
        WHERE t.balance_cents <> coalesce(e.running_balance_cents, 0))
    FROM told AS t FULL JOIN explained AS e USING (tenant_user_id, day)
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
def test_every_balance_is_explained_on_every_day(bench_dsn: str, measured: list[str]) -> None:
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        started = time.perf_counter()
        row = connection.execute(EXPLAINED.encode(), {"tenant": OWNER}).fetchone()
        took = time.perf_counter() - started
    assert row is not None
    measured.append(
        f"{ACCOUNTS:,} balances explained on {row[1]} days, {took / ACCOUNTS * 1000:.2f} ms each"
    )
    assert (row[0], row[2]) == (ACCOUNTS, 0)
    assert row[1] > 40


@pytest.mark.usefixtures("timings")
def test_one_balance_at_any_size(bench_dsn: str, measured: list[str]) -> None:
    sizes = [2 * KEYS, 10 * KEYS if FULL else 4 * KEYS]
    took = []
    with psycopg.connect(bench_dsn, autocommit=True) as connection:
        for size in sizes:
            ledgers.grow(connection, size)
            took.append(min(one_balance(connection) for _ in range(3)))
    measured.append(
        "one balance: "
        + ", ".join(
            f"{milliseconds:.2f} ms of {size:,} charges and as many movements"
            for size, milliseconds in zip(sizes, took, strict=True)
        )
    )
    assert max(took) < 5
    assert took[1] <= 1.3 * took[0] + 0.1


def one_balance(connection: Connection) -> float:
    """Return the milliseconds that one balance of many takes where nothing comes between."""
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
    return sorted(taken)[len(taken) // 10]
