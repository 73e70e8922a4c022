"""The books in their own system's tables: planned, run and accepted as in tables of ours."""

import psycopg
import pytest

from tests.books import BOOKS, EXPECTED
from tests.profiles.comparison import RELATIONS, answer, assert_same
from tests.profiles.conftest import Pair
from tests.whole.test_books import TENANTS, accept, assert_live_rows, summary

#: The rows of the ledger, but for when they were written.
LEDGER = """
    SELECT to_jsonb(r) - '{created_at,updated_at,invoice_linked_at}'::text[] AS row
    FROM billing.recurring_service_periods AS r"""

COLUMNS = """
    SELECT column_name, data_type, character_maximum_length, collation_name, ordinal_position
    FROM information_schema.columns
    WHERE table_schema = 'billing' AND table_name = %s"""

PLAN = "SELECT p FROM billing.plan_service_periods(%s, '2026-11-20', %s) AS p"
HASH = "SELECT s.plan_hash FROM billing.plan_summary(%s, '2026-11-20', %s) AS s"


def run(pair: Pair, procedure: str, tenant: str, run_key: str) -> tuple[object, ...]:
    """Run both under one key, so that the rows can be equal; return rows, batches and status."""
    call = (
        f"CALL billing.{procedure}("
        "p_tenant => %s, p_as_of => '2026-11-20', p_run_key => %s, p_batch_size => 10)"
    )
    native, adopted = (
        database.execute(call.encode(), (tenant, run_key)).fetchone() for database in pair
    )
    assert native == adopted
    assert adopted is not None
    return tuple(adopted)


def analyses(pair: Pair) -> int:
    """Return how often the adopted ledger was analyzed by hand."""
    pair.adopted.execute("SELECT pg_stat_force_next_flush()")
    row = pair.adopted.execute(
        "SELECT analyze_count FROM pg_stat_user_tables"
        " WHERE relid = 'public.recurring_service_periods'::regclass"
    ).fetchone()
    assert row is not None
    return int(row[0])


@pytest.fixture(scope="module")
def analyses_before(pair: Pair) -> int:
    """Return how often the adopted ledger was analyzed before the first run."""
    return analyses(pair)


@pytest.fixture(scope="module")
def first(pair: Pair, analyses_before: int) -> dict[str, tuple[object, ...]]:
    """Run both tenants once; return rows, batches and status."""
    return {tenant: run(pair, "backfill_service_periods", tenant, "first") for tenant in TENANTS}


@pytest.fixture(scope="module")
def accepted(pair: Pair, first: dict[str, tuple[object, ...]]) -> dict[str, list[int]]:
    """Accept what can be accepted; return the rows written natively and in place."""
    return {tenant: [accept(database, tenant)[0] for database in pair] for tenant in first}


@pytest.mark.parametrize("relation", RELATIONS)
def test_a_view_is_what_the_table_is(pair: Pair, relation: str) -> None:
    assert_same(*pair, COLUMNS, (relation,))
    assert_same(*pair, f"SELECT x.* FROM billing.{relation} AS x")


@pytest.mark.parametrize("tenant", TENANTS)
@pytest.mark.parametrize("mode", ["backfill", "regenerate"])
def test_a_plan_is_the_same_byte_by_byte(pair: Pair, tenant: str, mode: str) -> None:
    assert_same(*pair, PLAN, (tenant, mode))
    assert_same(*pair, HASH, (tenant, mode))


@pytest.mark.parametrize("tenant", TENANTS)
def test_a_run_writes_the_same_rows(
    pair: Pair, tenant: str, first: dict[str, tuple[object, ...]]
) -> None:
    written, _, status = first[tenant]
    assert (bool(written), status) == (True, "escalated")
    assert_same(*pair, LEDGER)
    assert_live_rows(pair.adopted, tenant, "live_rows_after")
    assert_same(*pair, HASH, (tenant, "backfill"))


@pytest.mark.parametrize("tenant", TENANTS)
def test_an_accepted_run_writes_what_was_reviewed(
    pair: Pair, tenant: str, accepted: dict[str, list[int]]
) -> None:
    expected = BOOKS.read(EXPECTED[tenant])["summary"]["accepted"]
    written = sum(expected["rows"][name] for name in ("backfilled", "regenerated", "superseded"))
    assert accepted[tenant] == [written, written]
    assert_live_rows(pair.adopted, tenant, "live_rows_after_acceptance")
    assert summary(pair.adopted, tenant)["escalations"] == expected["escalations"]
    assert answer(pair.adopted, HASH, (tenant, "backfill")) == answer(
        pair.native, HASH, (tenant, "backfill")
    )


@pytest.mark.usefixtures("accepted")
@pytest.mark.parametrize("procedure", ["backfill", "regenerate", "replenish"])
@pytest.mark.parametrize("tenant", TENANTS)
def test_a_further_run_finds_nothing(pair: Pair, tenant: str, procedure: str) -> None:
    whole = "SELECT md5(string_agg(r::text || r.xmin || r.ctid, ',' ORDER BY r.record_id))"
    whole += " FROM public.recurring_service_periods AS r"
    before = answer(pair.adopted, whole)
    assert run(pair, f"{procedure}_service_periods", tenant, "third")[0] == 0
    assert answer(pair.adopted, whole) == before


@pytest.mark.parametrize(
    ("key", "rule", "name", "count"),
    [
        ("k" * 256, "é" * 255, "p_run_key", 256),
        ("k" * 255, "é" * 300, "p_source_rule_version", 300),
    ],
)
def test_what_no_column_of_theirs_holds_is_refused(
    pair: Pair, key: str, rule: str, name: str, count: int
) -> None:
    """Before anything is written, the record of the run included."""
    runs = "SELECT r FROM ops.runs AS r"
    before = answer(pair.adopted, runs)
    call = "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => '2026-11-20',"
    call += " p_run_key => %s, p_source_rule_version => %s)"
    with pytest.raises(psycopg.Error) as raised:
        pair.adopted.execute(call.encode(), (TENANTS[0], key, rule))
    told = raised.value.diag
    assert (told.sqlstate, told.message_detail) == (
        "DC001",
        f"{name} has {count} characters, not 255 at most",
    )
    assert answer(pair.adopted, runs) == before


def test_the_server_counts_the_rows_of_each_tenant_that_runs(
    pair: Pair, analyses_before: int, first: dict[str, tuple[object, ...]]
) -> None:
    assert [batches for _, batches, *_ in first.values()] == [20, 15]
    # After batch 2 of each.
    assert analyses(pair) == analyses_before + 2
