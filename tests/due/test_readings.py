"""Readings of due work refuse bad arguments, and do not depend on the session."""

from typing import Any
from uuid import uuid4

import psycopg
import pytest

from tests.invoices.books import INVALID, Billing
from tests.service_periods.books import FEBRUARY, JANUARY, MARCH

DAY = '"2025-01-01"'


@pytest.mark.parametrize(
    ("arguments", "sqlstate", "detail"),
    [
        ({"tenant": None}, "DC001", "p_tenant is null"),
        ({"as_of": None}, "DC001", "p_as_of is null"),
        ({"as_of": "infinity"}, "DC001", "p_as_of is infinity, not a day of the years 1 to 9999"),
        (
            {"as_of": "9999-12-31"},
            "DC001",
            "p_as_of is 9999-12-31, too late for a horizon of 180 days: 9999-07-04 is the latest",
        ),
        ({"due_only": None}, "DC001", "p_due_only is null"),
        ({"limit": 0}, "DC001", "p_limit is 0, not 1 or more"),
        ({"limit": -3}, "DC001", "p_limit is -3, not 1 or more"),
        ({"tenant": uuid4()}, "DC002", None),
        ({"client_id": uuid4()}, "DC003", None),
    ],
)
@pytest.mark.parametrize("function", ["due_work", "invoice_candidates"])
def test_bad_arguments(
    books: Billing, function: str, arguments: dict[str, Any], sqlstate: str, detail: str | None
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.select(function, **arguments)
    diagnosis = raised.value.diag
    assert diagnosis.sqlstate == sqlstate
    assert diagnosis.message_hint
    if detail:
        assert (diagnosis.message_primary, diagnosis.message_detail) == (INVALID, detail)


@pytest.mark.parametrize("function", ["due_work", "invoice_candidates"])
def test_the_latest_day(books: Billing, function: str) -> None:
    assert books.select(function, as_of="9999-07-04") == []


@pytest.mark.parametrize(
    "after",
    [
        "",
        "garbage",
        "null",
        "1",
        "{}",
        "[]",
        f"[{DAY}, {DAY}, {DAY}, {DAY}, {DAY}]",
        f"[{DAY}, {DAY}, {DAY}, {DAY}, {DAY}, {DAY}, {DAY}]",
        f'[{DAY}, {DAY}, {DAY}, "infinity", "a", "b"]',
        f'[{DAY}, {DAY}, {DAY}, "2025-02-30", "a", "b"]',
        f'[{DAY}, {DAY}, {DAY}, "99999999-01-01", "a", "b"]',
        f'[{DAY}, {DAY}, {DAY}, null, "a", "b"]',
        f'[{DAY}, {DAY}, {DAY}, {DAY}, "a", null]',
        f'[{DAY}, {DAY}, {DAY}, {DAY}, "a", ["b"]]',
        f'[{DAY}, {DAY}, {DAY}, 20250101, "a", "b"]',
        f'[{DAY}, {DAY}, {DAY}, {DAY}, "\\u0000", "b"]',
        "[" * 100_000,
        "[" + "[" * 20_000 + "]" * 20_000 + "]",
    ],
)
@pytest.mark.parametrize("function", ["due_work", "invoice_candidates"])
def test_a_bad_place_to_go_on_from(books: Billing, function: str, after: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.select(function, after=after)
    diagnosis = raised.value.diag
    assert (diagnosis.sqlstate, diagnosis.message_primary) == ("DC001", INVALID)
    assert (diagnosis.message_detail or "").endswith("not the page_key of a row")
    assert len(diagnosis.message_detail or "") < 500
    assert diagnosis.message_hint == "Pass on the page_key of the last row of the page before."


@pytest.mark.parametrize(
    "setting",
    ["datestyle = 'German, DMY'", "datestyle = 'SQL, DMY'", "timezone = 'Pacific/Kiritimati'"],
)
def test_settings_of_the_session_do_not_matter(books: Billing, setting: str) -> None:
    client = books.named("Client")
    books.priced(client), books.priced(client, timing="arrears", owner="contract")
    books.call(as_of=JANUARY, client_id=client)
    books.line(client)
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    question = (
        "SELECT to_jsonb(w) FROM billing.due_work(%(tenant)s, %(as_of)s, p_after => %(after)s,"
        " p_limit => 3) AS w UNION ALL SELECT to_jsonb(c) FROM"
        " billing.invoice_candidates(%(tenant)s, %(as_of)s, p_limit => 3) AS c UNION ALL"
        " SELECT to_jsonb(p) FROM billing.preview_invoice(%(tenant)s, %(client)s, '2025-03-01',"
        " '2025-04-01') AS p"
    )
    given = {
        "tenant": books.tenant,
        "client": client,
        "as_of": "2025-02-03",
        "after": books.due(limit=2)[-1]["page_key"],
    }
    expected = books.database.execute(question, given).fetchall()
    assert len(expected) > 5
    with books.database.transaction(force_rollback=True):
        books.database.execute(f"SET LOCAL {setting}")
        assert books.database.execute(question, given).fetchall() == expected
