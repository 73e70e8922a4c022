"""Bad input is refused in one clear line, and nothing is written."""

import os
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.service_periods.books import AS_OF, Books, fingerprint

MODES = ["backfill", "regenerate", "replenish"]
FAR = f"not 1 to {(date(9999, 12, 31) - AS_OF).days}"

WRONG: list[tuple[str, object, str]] = [
    ("as_of", None, "p_as_of is null"),
    ("as_of", "infinity", "p_as_of is infinity, not a day of the years 1 to 9999"),
    ("as_of", "-infinity", "p_as_of is -infinity, not a day of the years 1 to 9999"),
    ("as_of", "10000-01-01", "p_as_of is 10000-01-01, not a day of the years 1 to 9999"),
    ("run_key", "", "p_run_key is empty"),
    ("source_rule_version", None, "p_source_rule_version is null or empty"),
    ("source_rule_version", "", "p_source_rule_version is null or empty"),
    ("batch_size", None, "p_batch_size is null, not 1 to 100000"),
    ("batch_size", 0, "p_batch_size is 0, not 1 to 100000"),
    ("batch_size", 100_001, "p_batch_size is 100001, not 1 to 100000"),
    ("max_batches", 0, "p_max_batches is 0, not 1 or more"),
    ("pause", "-1 s", "p_pause is -00:00:01, less than nothing"),
    ("lock_timeout", None, "p_lock_timeout is null, not 0 to 7 days"),
    ("lock_timeout", "-1 s", "p_lock_timeout is -00:00:01, not 0 to 7 days"),
    ("lock_timeout", "8 days", "p_lock_timeout is 8 days, not 0 to 7 days"),
    ("dry_run", None, "p_dry_run is null"),
    ("target_horizon_days", None, f"p_target_horizon_days is null, {FAR}"),
    ("target_horizon_days", 0, f"p_target_horizon_days is 0, {FAR}"),
    ("target_horizon_days", 10**9, f"p_target_horizon_days is 1000000000, {FAR}"),
    ("replenishment_threshold_days", None, "p_replenishment_threshold_days is null, not 1 to 179"),
    ("replenishment_threshold_days", 0, "p_replenishment_threshold_days is 0, not 1 to 179"),
    ("replenishment_threshold_days", 180, "p_replenishment_threshold_days is 180, not 1 to 179"),
    ("max_periods_per_schedule", None, "p_max_periods_per_schedule is null, not 1 or more"),
    ("max_periods_per_schedule", 0, "p_max_periods_per_schedule is 0, not 1 or more"),
]
HINT = r"Call again with a value in range; \df+ shows every argument."
NOBODY = UUID(int=99)
UNKNOWN: list[tuple[str, object, str, str, str]] = [
    ("tenant", NOBODY, "DC002", f"tenant {NOBODY}",
     "SELECT * FROM ops.tenants() shows the tenants of this database."),
    ("client_id", NOBODY, "DC003", f"client {NOBODY} of tenant ",
     "SELECT * FROM billing.clients WHERE tenant = '{tenant}' shows the clients."),
    ("schedule_key", "it's\n💸", "DC003", "schedule it's\n💸 of tenant ",
     "SELECT * FROM billing.recurring_obligations WHERE tenant = '{tenant}' shows the schedules."),
]  # fmt: skip


def refusal(books: Books, mode: str, **arguments: Any) -> psycopg.errors.Diagnostic:
    """Return how a call is refused, after a look that nothing was written."""
    books.line()
    before = fingerprint(books.database)
    with pytest.raises(psycopg.Error) as raised:
        books.call(mode, **arguments)
    assert fingerprint(books.database) == before
    return raised.value.diag


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("name", "value", "detail"), WRONG)
def test_a_value_outside_its_range(
    books: Books, mode: str, name: str, value: object, detail: str
) -> None:
    diagnosis = refusal(books, mode, **{name: value})
    assert diagnosis.sqlstate == "DC001"
    assert diagnosis.message_primary == "an argument is missing or outside its range"
    assert (diagnosis.message_detail or "").startswith(detail)
    assert diagnosis.message_hint == HINT


@pytest.mark.parametrize(("name", "value", "sqlstate", "detail", "hint"), UNKNOWN)
def test_something_unknown(
    books: Books, name: str, value: object, sqlstate: str, detail: str, hint: str
) -> None:
    diagnosis = refusal(books, "backfill", **{name: value})
    assert diagnosis.sqlstate == sqlstate
    assert (diagnosis.message_detail or "").startswith(detail)
    assert diagnosis.message_hint == hint.format(tenant=books.tenant)


def test_a_client_or_schedule_of_another_tenant(books: Books) -> None:
    other = Books(books.database).line()
    assert refusal(books, "backfill", client_id=other.client).sqlstate == "DC003"
    assert refusal(books, "backfill", schedule_key=other.schedule_key).sqlstate == "DC003"


READINGS: dict[str, dict[str, object]] = {
    "plan_summary": {"mode": "backfill"},
    "plan_service_periods": {"mode": "backfill"},
    "assess_coverage": {},
    "candidate_service_periods": {},
    "escalations": {},
}


@pytest.mark.parametrize("function", READINGS)
@pytest.mark.parametrize(
    ("name", "value", "sqlstate"),
    [
        ("as_of", None, "DC001"),
        ("as_of", "infinity", "DC001"),
        ("target_horizon_days", 0, "DC001"),
        ("target_horizon_days", 10**9, "DC001"),
        ("target_horizon_days", None, "DC001"),
    ],
)
def test_a_reading_refuses_the_same(
    books: Books, function: str, name: str, value: object, sqlstate: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.select(function, **READINGS[function], **{name: value})
    assert raised.value.sqlstate == sqlstate


def test_a_tenant_without_lines(books: Books) -> None:
    assert books.call() == {"o_rows": 0, "o_batches": 1, "o_status": "nothing_to_do"}
    assert books.summary()["schedules"] == 0
    for function, arguments in READINGS.items():
        assert len(books.select(function, **arguments)) == (function == "plan_summary")


def test_the_last_days_there_are(books: Books) -> None:
    books.line(start=date(9999, 12, 1), timing="arrears")
    days = {"target_horizon_days": 2, "replenishment_threshold_days": 1}
    assert books.call(as_of="9999-12-29", **days)["o_rows"] == 1
    ((key,),) = books.database.execute(
        "SELECT period_key FROM billing.recurring_service_periods WHERE tenant = %s",
        (books.tenant,),
    )
    assert key == "period:9999-12-01:10000-01-01"


def test_the_first_day_there_is(books: Books) -> None:
    line = books.line(start=date(1, 1, 1), end=date(1, 3, 1))
    assert books.call(as_of="0001-01-01")["o_rows"] == 2
    assert books.ledger(line)[0]["period_key"] == "period:0001-01-01:0001-02-01"


def test_the_widest_horizon(books: Books) -> None:
    books.line()
    days = (date(9999, 12, 31) - AS_OF).days
    assert books.call(target_horizon_days=days)["o_status"] == "escalated"
    assert books.summary(target_horizon_days=days)["escalations"] == {"too_many_periods": 1}


def test_a_role_without_rights(books: Books) -> None:
    database = books.database
    before = fingerprint(database)
    role = f"nobody_{os.getpid()}"
    database.execute(f"CREATE ROLE {role}")
    database.execute(f"GRANT USAGE ON SCHEMA billing, ops TO {role}")
    database.execute(f"SET ROLE {role}")
    try:
        for mode in MODES:
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                books.call(mode)
        for function, arguments in READINGS.items():
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                books.select(function, **arguments)
    finally:
        database.execute("RESET ROLE")
        database.execute(f"DROP OWNED BY {role}")
        database.execute(f"DROP ROLE {role}")
    assert fingerprint(database) == before


def test_inside_a_transaction_block(books: Books) -> None:
    books.line()
    before = fingerprint(books.database)
    for dry_run in (False, True):
        with (
            pytest.raises(psycopg.errors.InvalidTransactionTermination),
            books.database.transaction(),
        ):
            books.call(dry_run=dry_run)
    assert fingerprint(books.database) == before
