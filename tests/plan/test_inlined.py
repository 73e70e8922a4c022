"""What plans is one statement to PostgreSQL: the functions that it is written in are inlined."""

import pytest

from tests.conftest import Database

FIRST = "'00000000-0000-0000-0000-000000000000'::uuid"


@pytest.mark.parametrize(
    "item",
    [
        f"billing._obligations({FIRST})",
        f"billing._obligation_rows({FIRST}, NULL, {FIRST}, NULL)",
        f"billing._generations({FIRST}, '2026-01-01', 'backfill', 180)",
        f"billing._judged_obligations({FIRST}, '2026-01-01', 'backfill', 180, 1000, true, NULL,"
        f" {FIRST}, NULL)",
        "billing.client_contracts AS c CROSS JOIN LATERAL billing._candidate_dates("
        "c.start_date, NULL, 1, 0, 1, false, c.start_date, 'advance', NULL, NULL, NULL, NULL)",
    ],
    ids=lambda item: item.rpartition("billing._")[2].partition("(")[0],
)
def test_a_function_leaves_no_trace_in_the_plan(database: Database, item: str) -> None:
    rows = database.execute(f"EXPLAIN (VERBOSE) SELECT * FROM {item} AS x").fetchall()
    plan = "\n".join(line for (line,) in rows)
    assert "Function Scan" not in plan
    assert "billing._" not in plan
