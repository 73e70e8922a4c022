"""Billing cycles by which assignments fall due: of the latest windows the same as of all."""

from tests.bench import books
from tests.conftest import Database

TENANT = books.tenant(1)
CLIENTS = 120

#: Of each client a dozen cycles of two kinds: end to end, overlapping, or with days between.
_CYCLES = """
    INSERT INTO billing.client_billing_cycles (tenant, billing_cycle_id, client_id,
        billing_cycle, effective_date, period_start_date, period_end_date)
    SELECT k.tenant, md5('cycle' || k.client_id || n)::uuid, k.client_id,
        CASE WHEN r.kind < 5 THEN 'monthly' ELSE 'quarterly' END, d.day, d.day, d.day + r.days
    FROM billing.clients AS k
    CROSS JOIN generate_series(0, 11) AS n
    CROSS JOIN LATERAL (
        SELECT
            CASE ascii(md5(k.client_id::text)) %% 4 WHEN 0 THEN 0 ELSE h.late END AS late,
            CASE ascii(md5(k.client_id::text)) %% 4 WHEN 0 THEN 30 ELSE h.days END AS days,
            h.kind
        FROM (
            SELECT
                abs(hashtext(k.client_id::text || n || 'late')) %% 40 - 20 AS late,
                5 + abs(hashtext(k.client_id::text || n || 'days')) %% 60 AS days,
                abs(hashtext(k.client_id::text || n || 'kind')) %% 8 AS kind
        ) AS h
    ) AS r
    CROSS JOIN LATERAL (SELECT date '2026-01-01' + 30 * n + r.late AS day) AS d
    WHERE k.tenant = %s
"""

_WINDOWS = """
    SELECT client_id, window_start, window_end, previous_start
    FROM billing.cycle_windows(%s, NULL, %s)
    WHERE window_end >= coalesce(%s, '-infinity'::date)
    ORDER BY client_id, window_start
"""


def test_the_latest_are_those_of_all(shared_database: Database) -> None:
    books.make(shared_database, [TENANT], CLIENTS, lines_a_client=1)
    shared_database.execute(_CYCLES.encode(), (TENANT,))
    whole = shared_database.execute(_WINDOWS, (TENANT, None, None)).fetchall()
    assert len({client for client, *_ in whole}) == CLIENTS
    assert {previous is None for *_, previous in whole} == {True, False}
    [(cycles,)] = shared_database.execute("SELECT count(*) FROM billing.client_billing_cycles")
    assert CLIENTS * 4 < len(whole) < cycles
    days = sorted({end for _, _, end, _ in whole})
    for day in days[:: len(days) // 25]:
        latest = shared_database.execute(_WINDOWS, (TENANT, day, day)).fetchall()
        assert latest == [row for row in whole if row[2] >= day]
