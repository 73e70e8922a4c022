"""Routines mean the same in every session, also in those that no command of ours has opened."""

from typing import Any

import psycopg
import pytest
from psycopg.types.json import Jsonb
from pytest_postgresql.executors import NoopExecutor

from duecourse.sample_books import AS_OF, TENANT
from tests.conftest import Database, clone
from tests.settings.sample import Rows, ledger

HOSTILE = (
    "standard_conforming_strings = off",
    "datestyle = 'German, DMY'",
    "intervalstyle = iso_8601",
    "quote_all_identifiers = on",
    "search_path = ''",
)
READINGS = (
    "billing.plan_summary(%(tenant)s, %(as_of)s, 'regenerate')",
    "billing.plan_service_periods(%(tenant)s, %(as_of)s, 'regenerate')",
    "ops.verify(%(tenant)s, %(as_of)s)",
    "billing.cutover_checklist(%(tenant)s, %(as_of)s)",
    "billing.escalations(%(tenant)s, %(as_of)s)",
    "billing.due_work(%(tenant)s, %(as_of)s)",
    "billing.invoice_candidates(%(tenant)s, %(as_of)s)",
    "billing.offline('coverage', %(lines)s)",
)
CALLS = (
    "billing.backfill_service_periods(p_tenant => %(tenant)s, p_as_of => %(as_of)s,"
    " p_run_key => 'key')",
    "billing.skip_service_period(%(tenant)s, %(record)s, E'why\\\\not')",
    "billing.attest_cutover_step(%(tenant)s, 1, 'as agreed')",
    "ledger.post_charge(%(tenant)s, 'renter', 'unit', 'late_fee', 5, NULL, '2026-02-01', 'late')",
)
LINE = {
    "as_of": AS_OF,
    "target_horizon_days": 180,
    "replenishment_threshold_days": 45,
    "future_periods": [{"start": AS_OF, "end": "2026-10-01"}],
}
MADE = """
SELECT r.record_id FROM billing.recurring_service_periods AS r
WHERE r.tenant = %s AND r.lifecycle_state = 'generated' AND r.service_period_start > %s
ORDER BY r.schedule_key, r.service_period_start LIMIT 1
"""


def work(database: Database, dsn: str) -> tuple[dict[str, list[Any]], Rows]:
    """Call the procedures; return what the readings say then, and what the ledger holds."""
    given: dict[str, object] = {"tenant": TENANT, "as_of": AS_OF, "lines": [Jsonb(LINE)]}
    given["times"] = ["attested_at", "row_before", "row_after"]
    database.execute("INSERT INTO ledger.units (tenant, unit_id) VALUES (%s, 'unit')", [TENANT])
    for call in CALLS:
        database.execute(f"CALL {call}".encode(), given)
        [(given["record"],)] = database.execute(MADE, [TENANT, AS_OF])
    said = {
        reading: database.execute(
            f"SELECT to_jsonb(x) - %(times)s::text[] FROM {reading} AS x".encode(), given
        ).fetchall()
        for reading in READINGS
    }
    return said, ledger(dsn)


@pytest.fixture(scope="module")
def usual(sample_server: NoopExecutor) -> tuple[dict[str, list[Any]], Rows]:
    """Return what a session with the usual settings finds."""
    with clone(sample_server, "_usual") as dsn, psycopg.connect(dsn, autocommit=True) as database:
        found = work(database, dsn)
    assert all(found[0].values())
    return found


@pytest.mark.parametrize("setting", HOSTILE)
def test_a_setting_of_the_session(
    sample_dsn: str, usual: tuple[dict[str, list[Any]], Rows], setting: str
) -> None:
    with psycopg.connect(sample_dsn, autocommit=True) as database:
        database.execute(f"SET {setting}".encode())
        said, rows = work(database, sample_dsn)
    assert rows == usual[1]
    for reading, found in usual[0].items():
        assert said[reading] == found, reading
