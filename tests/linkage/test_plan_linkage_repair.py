"""The plan of a linkage repair: whose rows it looks at, and arguments that it refuses."""

from uuid import UUID

import psycopg
import pytest

from tests.invoices.books import Billing
from tests.invoices.linkage import dangling, plan, unlinked
from tests.service_periods.books import FEBRUARY, JANUARY


def test_a_row_says_all(books: Billing) -> None:
    line = books.line()
    record = dangling(books, line)
    [row] = books.select("plan_linkage_repair")
    assert row["obligation_id"] == line.obligation
    assert (row["client_id"], row["schedule_key"]) == (line.client, line.schedule_key)
    assert (row["tenant"], row["lifecycle_state"]) == (books.tenant, "billed")
    assert row["period_key"] == f"period:{JANUARY}:{FEBRUARY}"
    assert row["captured_row"]["record_id"] == str(record)
    assert row["captured_row"]["service_period_start"] == "2025-01-01"


def test_of_one_client_or_schedule(books: Billing) -> None:
    ours, theirs = books.line(), books.line()
    first, second = dangling(books, ours), unlinked(books, theirs)
    assert [record for record, *_ in plan(books)] == [first, second]
    for scope in ({"client_id": theirs.client}, {"schedule_key": theirs.schedule_key}):
        [row] = books.select("plan_linkage_repair", **scope)
        assert row["record_id"] == second
        [summary] = books.select("linkage_repair_summary", **scope)
        assert (summary["schedules"], summary["reported"]) == (1, 1)


@pytest.mark.parametrize("reading", ["plan_linkage_repair", "linkage_repair_summary"])
@pytest.mark.parametrize(
    ("arguments", "sqlstate", "detail", "hint"),
    [
        ({"as_of": None}, "DC001", "p_as_of is null", "Call again"),
        ({"as_of": "infinity"}, "DC001", "p_as_of is infinity", "Call again"),
        ({"client_id": UUID(int=9)}, "DC003", "client 0", "SELECT * FROM billing.clients"),
        ({"schedule_key": "x"}, "DC003", "schedule x", "SELECT "),
    ],
)
def test_what_is_refused(
    books: Billing,
    reading: str,
    arguments: dict[str, object],
    sqlstate: str,
    detail: str,
    hint: str,
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.select(reading, **arguments)
    assert raised.value.sqlstate == sqlstate
    assert (raised.value.diag.message_detail or "").startswith(detail)
    assert (raised.value.diag.message_hint or "").startswith(hint)
