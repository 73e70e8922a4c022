"""What is read of the books in their own system's tables is what is read of tables of ours."""

import pytest

from tests.books import NORTHLIGHT
from tests.profiles.comparison import answer, assert_same, difference
from tests.profiles.conftest import Pair
from tests.whole.test_books import OBLIGATIONS, PERSISTED_ROWS, TENANTS

#: What verify says of an adopted database, and of a native one it does not: by check.
FURTHER_FINDINGS = {"recommended_index"}

READINGS = (
    "billing.due_work(%s, '2026-11-20')",
    "billing.invoice_candidates(%s, '2026-11-20')",
    "billing.invoiced_history(%s)",
    "billing.escalations(%s, '2026-11-20')",
    "billing.assess_coverage(%s, '2026-11-20')",
    "billing.plan_linkage_repair(%s, '2026-11-20')",
)


@pytest.mark.parametrize("reading", READINGS)
@pytest.mark.parametrize("tenant", TENANTS)
def test_a_reading_is_the_same(pair: Pair, tenant: str, reading: str) -> None:
    assert_same(*pair, f"SELECT x.* FROM {reading} AS x", (tenant,))


#: What may be asked of due work and candidates.
ASKED = (
    "p_limit => 7",
    "p_limit => 7, p_due_only => true",
    "p_client_id => k.client_id",
    "p_client_id => k.client_id, p_limit => 3",
    "p_search => left(k.client_name, 4)",
    "p_search => left(k.client_name, 4), p_limit => 3",
)


@pytest.mark.parametrize("asked", ASKED)
@pytest.mark.parametrize("reading", ["due_work", "invoice_candidates"])
def test_what_is_asked_for_is_the_same(pair: Pair, reading: str, asked: str) -> None:
    query = (
        "SELECT k.client_id, x.* FROM (SELECT * FROM billing.clients WHERE tenant = %s"
        " ORDER BY client_id LIMIT 4) AS k"
        f" CROSS JOIN LATERAL billing.{reading}(k.tenant, '2026-11-20', {asked}) AS x"
    )
    assert answer(pair.native, query, (NORTHLIGHT,))
    assert_same(*pair, query, (NORTHLIGHT,))


@pytest.mark.parametrize("tenant", TENANTS)
def test_verify_finds_the_same(pair: Pair, tenant: str) -> None:
    native, adopted = difference(
        *pair, "SELECT v.* FROM ops.verify(%s, '2026-11-20') AS v", (tenant,)
    )
    assert native == []
    assert {finding.split(",")[0].strip("(") for finding in adopted} == FURTHER_FINDINGS


def test_the_queries_of_the_runbook_run_as_printed(pair: Pair) -> None:
    client = "SELECT client_id FROM billing.recurring_service_periods WHERE tenant = %s LIMIT 1"
    [(client_id,)] = pair.native.execute(client, (NORTHLIGHT,)).fetchall()
    values = {"tenant": NORTHLIGHT, "client_id": client_id}
    for query in (PERSISTED_ROWS, OBLIGATIONS):
        printed = query.rstrip(";").replace(":tenant", "%(tenant)s")
        printed = printed.replace(":client_id", "%(client_id)s")
        for database in pair:
            database.execute("SET search_path = billing")
        assert_same(*pair, printed, values)
        assert answer(pair.adopted, printed, values)
