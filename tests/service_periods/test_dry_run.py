"""A dry run is read-only by the database's own enforcement, whatever comes of it."""

from collections.abc import Callable
from typing import Any

import psycopg
import pytest

from tests.conftest import Database
from tests.notices import Notices
from tests.service_periods.books import FEBRUARY, JANUARY, Books, fill, fingerprint
from tests.service_periods.test_reviewed_plans import conflicting

MODES = ["backfill", "regenerate", "replenish"]


def done(books: Books) -> dict[str, object]:
    fill(books, 5)
    return {"batch_size": 2}


def nothing_to_do(books: Books) -> dict[str, object]:
    return {"client_id": books.client()}


def escalated(books: Books) -> dict[str, object]:
    books.line(frequency="daily", owner="contract")
    return {"run_key": "k"}


def stale_plan(books: Books) -> dict[str, object]:
    books.line()
    return {"expected_plan_hash": "another"}


def expected_plan(books: Books) -> dict[str, object]:
    books.line()
    return {"expected_plan_hash": books.summary("regenerate")["plan_hash"]}


def accepted(books: Books) -> dict[str, object]:
    conflicting(books)
    return {"accept_escalations": books.summary()["plan_hash"]}


def realigned(books: Books) -> dict[str, object]:
    books.period(books.line(books.client(day_of_month=9)), JANUARY, FEBRUARY)
    return {}


BRANCHES: list[tuple[str, str, Callable[[Books], dict[str, object]], int]] = [
    *((mode, "done", done, 35) for mode in MODES),
    *((mode, "nothing_to_do", nothing_to_do, 0) for mode in MODES),
    *((mode, "escalated", escalated, 0) for mode in MODES),
    *((mode, "stale_plan", stale_plan, 7) for mode in MODES),
    ("regenerate", "done", expected_plan, 7),
    ("backfill", "done", accepted, 7),
    ("backfill", "done", realigned, 8),
]


@pytest.mark.parametrize(("mode", "status", "scene", "rows"), BRANCHES)
def test_nothing_changes(
    books: Books, mode: str, status: str, scene: Callable[[Books], dict[str, object]], rows: int
) -> None:
    arguments = scene(books)
    before = fingerprint(books.database)
    result = books.call(mode, dry_run=True, **arguments)
    assert result == {"o_rows": rows, "o_batches": 0, "o_status": status}
    assert fingerprint(books.database) == before


def test_a_real_run_does_what_the_dry_run_said(books: Books) -> None:
    fill(books, 5)
    conflicting(books)
    notices = Notices(books.database)
    said = books.call(dry_run=True)
    assert notices.messages == [f"dry run of tenant {books.tenant}: 35 rows would be written"]
    assert notices.details[0].items() >= {"schedules_escalated": 1, "backfilled": 35}.items()
    assert notices.details[0]["plan_hash"] == books.summary()["plan_hash"]
    done = books.call(expected_plan_hash=notices.details[0]["plan_hash"])
    assert (done["o_rows"], done["o_status"]) == (said["o_rows"], said["o_status"])


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("wrong", [{"as_of": None}, {"batch_size": 0}, {"run_key": ""}])
def test_an_error_changes_nothing(books: Books, mode: str, wrong: dict[str, Any]) -> None:
    books.line()
    before = fingerprint(books.database)
    with pytest.raises(psycopg.Error, match="missing or outside its range"):
        books.call(mode, dry_run=True, **wrong)
    assert fingerprint(books.database) == before


def test_every_tenant(database: Database) -> None:
    Books(database)
    for books in (Books(database), Books(database)):
        fill(books, 3)
    before = fingerprint(database)
    notices = Notices(database)
    result = books.call(tenant=None, dry_run=True)
    assert result == {"o_rows": 42, "o_batches": 0, "o_status": "done"}
    assert fingerprint(database) == before
    assert len(notices.messages) == 3


@pytest.mark.parametrize("tenants", ["one", "every"])
def test_a_plan_that_tries_to_write_cannot(database: Database, tenants: str) -> None:
    books = Books(database)
    books.line()
    database.execute(
        """
        CREATE OR REPLACE FUNCTION billing.next_batch_start(
            p_tenant uuid, p_client_id uuid, p_obligation_id uuid, p_from uuid,
            p_batch_size integer)
        RETURNS uuid LANGUAGE plpgsql AS $$
        BEGIN
            INSERT INTO ops.tenant_locks (tenant) VALUES (p_tenant) ON CONFLICT DO NOTHING;
            RETURN NULL;
        END $$
        """
    )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        books.call(dry_run=True, tenant=books.tenant if tenants == "one" else None)
    assert books.call()["o_status"] == "done"


def test_a_session_writes_again_after_a_dry_run(books: Books) -> None:
    books.line()
    books.call(dry_run=True)
    assert books.call()["o_status"] == "done"
