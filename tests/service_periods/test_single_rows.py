"""What edit, skip, defer and archive refuse alike, and the transactions that they work in."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.service_periods.books import APRIL, JANUARY, MARCH, Books
from tests.service_periods.edits import Months, assert_refused, events, months, refusal

NOBODY = UUID(int=99)
CHANGES: dict[str, dict[str, object]] = {
    "edit_service_period": {"invoice_window_end": APRIL},
    "skip_service_period": {},
    "defer_service_period": {"invoice_window_start": MARCH, "invoice_window_end": APRIL},
    "archive_service_period": {},
}
each_procedure = pytest.mark.parametrize("procedure", CHANGES)


def change(given: Months, procedure: str, /, **arguments: object) -> None:
    """Change February by a procedure."""
    changes = {"record_id": given.february, "reason": "r", **CHANGES[procedure]}
    given.books.perform(procedure, **(changes | arguments))


@each_procedure
@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"tenant": None}, "p_tenant is null"),
        ({"record_id": None}, "p_record_id is null"),
        ({"reason": None}, "p_reason is null or blank"),
        ({"reason": ""}, "p_reason is null or blank"),
        ({"reason": "  "}, "p_reason is null or blank"),
    ],
)
def test_an_argument_that_is_missing(
    books: Books, procedure: str, arguments: dict[str, Any], detail: str
) -> None:
    given = {"record_id": months(books).february, "reason": "r", **CHANGES[procedure], **arguments}
    assert_refused(
        refusal(books, procedure, **given),
        "DC001",
        "an argument is missing or outside its range",
        detail,
        "Say which row and why; both are kept in billing.service_period_events.",
    )


@each_procedure
def test_every_argument_but_the_tenant_has_a_default(books: Books, procedure: str) -> None:
    assert refusal(books, procedure).message_detail == "p_record_id is null"


@each_procedure
def test_an_unknown_tenant(books: Books, procedure: str) -> None:
    given = {"record_id": months(books).february, "reason": "r", **CHANGES[procedure]}
    assert refusal(books, procedure, **given | {"tenant": NOBODY}).sqlstate == "DC002"


@each_procedure
def test_an_unknown_row_and_one_of_another_tenant(books: Books, procedure: str) -> None:
    for record in (NOBODY, months(Books(books.database)).february):
        given = {"record_id": record, "reason": "r", **CHANGES[procedure]}
        assert_refused(
            refusal(books, procedure, **given),
            "DC003",
            "what an argument names is unknown",
            f"row {record} of tenant {books.tenant}",
            "Look for it with billing.due_work or billing.plan_service_periods.",
        )


@each_procedure
def test_what_is_no_uuid(books: Books, procedure: str) -> None:
    assert refusal(books, procedure, record_id="7", reason="r").sqlstate == "22P02"


@pytest.mark.parametrize("procedure", ["skip_service_period", "defer_service_period"])
def test_a_part_of_a_period_stays_one(books: Books, procedure: str) -> None:
    whole = {"whole_period_start": JANUARY, "whole_period_end": MARCH}
    given = months(books, **whole)
    change(given, procedure)
    [new] = [row for row in books.ledger(given.line) if row["revision"] == 2]
    assert {name: new[name] for name in whole} == whole


@each_procedure
def test_a_reason_of_any_kind(books: Books, procedure: str) -> None:
    reason = "'; DROP TABLE x; -- \\ 💸\n{}%s$1 " + "long " * 10_000
    change(months(books), procedure, reason=reason)
    assert [event["reason"] for event in events(books)] == [reason]


@each_procedure
def test_inside_a_transaction_that_is_rolled_back(books: Books, procedure: str) -> None:
    given = months(books)
    before = books.ledger(given.line)
    with books.database.transaction(force_rollback=True):
        change(given, procedure)
        assert books.ledger(given.line) != before
        assert len(events(books)) == 1
    assert books.ledger(given.line) == before
    assert events(books) == []


@each_procedure
def test_a_read_only_transaction(books: Books, procedure: str) -> None:
    given = months(books)
    with books.database.transaction(force_rollback=True):
        books.database.execute("SET TRANSACTION READ ONLY")
        with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
            change(given, procedure)


@each_procedure
def test_settings_of_the_session_do_not_matter(books: Books, procedure: str) -> None:
    given = months(books)
    books.database.execute("SET datestyle = 'German'")
    books.database.execute("SET search_path = pg_temp")
    try:
        change(given, procedure)
    finally:
        books.database.execute("RESET datestyle")
        books.database.execute("RESET search_path")
    (event,) = events(books)
    assert event["row_before"]["service_period_start"] == "2025-02-01"


def test_several_edits_in_one_transaction(books: Books) -> None:
    given = months(books)
    record = given.february
    with books.database.transaction():
        for _ in range(3):
            record = books.perform("skip_service_period", record_id=record, reason="r")[
                "o_record_id"
            ]
    assert given.row(record)["revision"] == 4
    assert len(events(books)) == 3
