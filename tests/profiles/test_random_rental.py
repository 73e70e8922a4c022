"""Random rents in the application's tables: in place as a copy by a model of days and reversals."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from psycopg import sql
from pytest_postgresql.executors import NoopExecutor

from tests.charges.owner import Owner
from tests.conftest import Database, clone
from tests.profiles.comparison import answer
from tests.scripts import carry_out

ZONES = ("America/Chicago", "Asia/Tokyo", "Pacific/Chatham", "UTC")
RENTS = (100_000, None, 99_999, -5)
PERIODS = ("2026-01", "2026-02", "2026-03", "2026-13", "")
RULES = ("unit_rent_first", "whole_unit_rent", "largest_payment", "sum_of_payments")
#: Of the n-th property or unit.
UNITS = [UUID(int=100 + n) for n in range(len(ZONES))]

numbers = count(1)
moments = st.builds(
    lambda day, minutes: datetime(2025, 12, 31) + timedelta(days=day, minutes=minutes),
    st.integers(0, 95),
    st.sampled_from([0, 5 * 60 + 59, 6 * 60, 10 * 60 + 15, 15 * 60, 23 * 60 + 59]),
)
units = st.integers(0, len(UNITS) - 1)
renters = st.sampled_from(["a", "é'🙂"])


@dataclass(frozen=True)
class Tenancy:
    renter: str
    unit: int
    start: datetime
    end: datetime | None
    is_active: bool


@dataclass(frozen=True)
class Payment:
    renter: str
    unit: int
    amount: int
    status: str
    period: str
    paid_at: datetime | None
    created_at: datetime


@dataclass(frozen=True)
class Charge:
    renter: str
    unit: int
    kind: str
    amount: int
    period: str | None
    created_at: datetime


tenancies = st.builds(
    Tenancy, renters, units, moments, st.one_of(st.none(), moments), st.booleans()
)
payments = st.builds(
    Payment,
    renters,
    units,
    st.sampled_from([0, 30_000, 100_000]),
    st.sampled_from(["succeeded", "succeeded", "pending", "failed", "refunded"]),
    st.sampled_from(PERIODS),
    st.one_of(st.none(), moments),
    moments,
)
charges = st.builds(
    Charge,
    renters,
    st.integers(0, 1),
    st.sampled_from(["rent", "rent", "rent", "credit"]),
    st.sampled_from([1_000, -1_000, 2_000, 0]),
    st.sampled_from([*PERIODS[:2], *PERIODS[3:], None]),
    moments,
)


@pytest.fixture(scope="module")
def adopted(adopted_rental_server: NoopExecutor) -> Iterator[Database]:
    with (
        clone(adopted_rental_server, "_random") as dsn,
        psycopg.connect(dsn, autocommit=True) as connection,
    ):
        yield connection


def day(moment: datetime, unit: int) -> date:
    """Return the day where the unit is of a moment of UTC."""
    return moment.replace(tzinfo=UTC).astimezone(ZoneInfo(ZONES[unit])).date()


def month(period: str | None) -> str | None:
    return period if period in PERIODS[:3] else None


def insert(database: Database, table: str, **values: object) -> None:
    database.execute(
        sql.SQL("INSERT INTO public.{} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        ),
        values,
    )


def fill(
    database: Database,
    let: list[Tenancy],
    paid: list[Payment],
    owed: list[Charge],
) -> None:
    """Put the rows into the application's tables, in place of all that were there."""
    database.execute("TRUNCATE public.properties CASCADE; TRUNCATE ledger.charge_side")
    for n, unit in enumerate(UNITS):
        insert(database, "properties", id=unit, name="", address="", timezone=ZONES[n])
        insert(
            database, "units", id=unit, property_id=unit, unit_number="", rent_amount_cents=RENTS[n]
        )
    for n, one in enumerate(let):
        insert(
            database, "tenant_units", id=UUID(int=n), user_id=one.renter, unit_id=UNITS[one.unit],
            start_date=one.start, end_date=one.end, is_active=one.is_active,
        )  # fmt: skip
    for n, each in enumerate(paid):
        insert(
            database, "payments", id=UUID(int=n), tenant_user_id=each.renter,
            unit_id=UNITS[each.unit], amount_cents=each.amount, payment_method="card",
            status=each.status, billing_period=each.period, paid_at=each.paid_at,
            created_at=each.created_at,
        )  # fmt: skip
    for n, charge in enumerate(owed):
        insert(
            database, "charges", id=UUID(int=n), tenant_user_id=charge.renter,
            unit_id=UNITS[charge.unit], type=charge.kind, description="",
            amount_cents=charge.amount, billing_period=charge.period, created_at=charge.created_at,
        )  # fmt: skip


def copy(owner: Owner, let: list[Tenancy], paid: list[Payment], owed: list[Charge]) -> None:
    """Put what the rows mean into native tables."""
    for n, unit in enumerate(UNITS):
        owner.insert("ledger.properties", property_id=str(unit), timezone=ZONES[n])
        owner.insert(
            "ledger.units",
            unit_id=str(unit),
            property_id=str(unit),
            rent_amount_cents=RENTS[n],
        )
    for n, one in enumerate(let):
        start, end = day(one.start, one.unit), one.end and day(one.end, one.unit)
        if one.is_active if end is None else end > start:
            owner.insert(
                "ledger.tenancies", tenancy_id=str(UUID(int=n)), tenant_user_id=one.renter,
                unit_id=str(UNITS[one.unit]), start_on=start, end_on=end,
            )  # fmt: skip
    for n, each in enumerate(paid):
        owner.insert(
            "ledger.payments", payment_id=str(UUID(int=n)), tenant_user_id=each.renter,
            unit_id=str(UNITS[each.unit]), amount_cents=each.amount, status=each.status,
            billing_period=each.period, paid_on=each.paid_at and day(each.paid_at, each.unit),
            created_on=day(each.created_at, each.unit),
        )  # fmt: skip
    for n, further in in_order(owed):
        charge = owed[n]
        owner.insert(
            "ledger.charges", charge_id=str(UUID(int=n)), tenant_user_id=charge.renter,
            unit_id=str(UNITS[charge.unit]), type=charge.kind, amount_cents=charge.amount,
            billing_period=month(charge.period), created_at=charge.created_at.replace(tzinfo=UTC),
            effective_on=day(charge.created_at, charge.unit), **further,
        )  # fmt: skip


def in_order(owed: list[Charge]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the charges as native tables take them, with what each is beside another."""
    rents: dict[tuple[str, int, str], list[int]] = defaultdict(list)
    for n, charge in enumerate(owed):
        if charge.kind == "rent" and month(charge.period) is not None:
            rents[charge.renter, charge.unit, str(charge.period)].append(n)
        else:
            yield n, {}
    for key in rents.values():
        alone = sorted(key, key=lambda n: (owed[n].created_at, n))
        for n in list(alone):
            opposite = [o for o in alone if owed[o].amount == -owed[n].amount < 0]
            if opposite:
                yield n, {}
                yield opposite[0], {"reverses_charge_id": str(UUID(int=n))}
                alone = [o for o in alone if o not in (n, opposite[0])]
        for n in alone:
            yield n, {} if n == alone[0] else {"duplicates_charge_id": str(UUID(int=alone[0]))}


def run(database: Database, tenant: UUID, procedure: str, **arguments: object) -> tuple[Any, ...]:
    values = {"tenant": tenant, "run_key": f"random-{next(numbers)}", **arguments}
    named = ", ".join(f"p_{name} => %({name})s" for name in values)
    [row] = database.execute(f"CALL ledger.{procedure}({named})".encode(), values)
    return tuple(row)


READINGS = (
    "SELECT * FROM ledger.plan_charge_backfill(%(tenant)s, %(rule)s)",
    "SELECT * FROM ledger.plan_rent(%(tenant)s, '2026-03-20')",
    "SELECT * FROM ledger.balances(%(tenant)s)",
    "SELECT * FROM ledger.balances(%(tenant)s, '2026-02-10')",
    "SELECT * FROM ledger.orphans(%(tenant)s)",
    "SELECT charge_id, effective_on, billing_period, reverses_charge_id, reversed_at,"
    " duplicates_charge_id, account_id FROM ledger.charges WHERE tenant = %(tenant)s",
    "SELECT payment_id, paid_on, created_on, quarantine_reason FROM ledger.payments"
    " WHERE tenant = %(tenant)s",
    "SELECT check_name, object_key, actual FROM ledger.verify(%(tenant)s, '2026-03-20')"
    " WHERE check_name IN ('rent_charged_twice', 'undated_payment', 'missing_rent',"
    " 'quarantined_key', 'roommates')",
)
SCRIPTS = (
    "ledger.charge_backfill_script(%(tenant)s, %(rule)s)",
    "ledger.rent_script(%(tenant)s, '2026-03-20')",
)
#: The native tenant has units of its own beside, which a script counts.
TOLD = (
    "SELECT rtrim(line, ',;') FROM {} AS line"
    " WHERE line NOT LIKE '%%(''units'', %%' AND line NOT LIKE '-- From here on %%'"
)
MADE = (
    "SELECT tenant_user_id, unit_id, billing_period, amount_cents, effective_on, description"
    " FROM ledger.charges WHERE tenant = %(tenant)s AND source_run_key IS NOT NULL"
)


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    let=st.lists(tenancies, max_size=6),
    paid=st.lists(payments, max_size=14),
    owed=st.lists(charges, max_size=10),
    rule=st.sampled_from(RULES),
    size=st.integers(1, 5),
)
def test_in_place_and_as_a_copy(
    shared_database: Database,
    adopted: Database,
    let: list[Tenancy],
    paid: list[Payment],
    owed: list[Charge],
    rule: str,
    size: int,
) -> None:
    fill(adopted, let, paid, owed)
    owner = Owner(shared_database)
    copy(owner, let, paid, owed)
    [(tenant,)] = adopted.execute("SELECT tenant FROM billing.tenants")
    sides = ((shared_database, owner.tenant), (adopted, tenant))

    def assert_same(query: str) -> None:
        native, here = (
            answer(database, query, {"tenant": whose, "rule": rule}) for database, whose in sides
        )
        assert native == here, query

    for query in READINGS:
        assert_same(query)
    for script in SCRIPTS:
        assert_same(TOLD.format(script))
        lines = adopted.execute(f"SELECT {script}".encode(), {"tenant": tenant, "rule": rule})
        with adopted.transaction(force_rollback=True):
            carry_out(adopted, "\n".join(line for (line,) in lines))
    runs = {"backfill_charges": {"amount_rule": rule}, "post_rent": {"as_of": "2026-03-20"}}
    for procedure, own in runs.items():
        ends = [run(each, whose, procedure, batch_size=size, **own) for each, whose in sides]
        assert ends[0] == ends[1]
        assert_same(MADE)
        assert run(adopted, tenant, procedure, **own)[0] == 0
    assert_same(READINGS[2])
