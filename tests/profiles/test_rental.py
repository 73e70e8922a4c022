"""The rent books in the tables of the rental application: charged there as in tables of our own."""

from typing import Any

import psycopg
import pytest

from duecourse import adopted, adoption, unique_rents
from duecourse.database import connect
from duecourse.profile import Wanted
from tests.conftest import Database
from tests.profiles.comparison import answer, assert_same, difference

TENANT = "(SELECT t.tenant FROM billing.tenants AS t)"
KEY = "tenant_user_id, unit_id, billing_period"

#: A key of a plan; the application has no null period, but an empty one.
PLANNED_KEY = KEY.replace("billing_period", "coalesce(billing_period, '') AS billing_period")

#: What tells a plan row, but what depends on payments that the application cannot hold.
PLAN = f"""
    SELECT {PLANNED_KEY}, action, type, amount_cents, currency, description, effective_on,
        covered_days, period_days, charge_id
    FROM ledger.plan_charge_backfill({TENANT})
    WHERE quarantine_reason IS DISTINCT FROM 'unknown_unit'"""

#: The application's own balance: all charges less all payments that succeeded.
THEIRS = """
    SELECT tenant_user_id, unit_id::text, sum(cents)::bigint AS balance_cents
    FROM (
        SELECT tenant_user_id, unit_id, amount_cents AS cents FROM public.charges
        UNION ALL
        SELECT tenant_user_id, unit_id,
            CASE WHEN status = 'succeeded' THEN -amount_cents ELSE 0 END
        FROM public.payments) AS x
    GROUP BY tenant_user_id, unit_id"""


def one(database: Database, query: str, values: Any = None) -> Any:
    """Return the only row."""
    [row] = database.execute(query.encode(), values).fetchall()
    return row


def run(database: Database, procedure: str, **arguments: object) -> tuple[Any, ...]:
    """Run a bulk procedure for the only tenant; return rows, batches and status."""
    [tenant] = one(database, "SELECT tenant FROM billing.tenants")
    given = {"tenant": tenant, "batch_size": 100, **arguments}
    named = ", ".join(f"p_{name} => %({name})s" for name in given)
    return tuple(one(database, f"CALL ledger.{procedure}({named})", given))


def findings(database: Database, check: str) -> list[tuple[Any, ...]]:
    """Return what a check finds."""
    return database.execute(
        f"SELECT object_key, actual, repair_call FROM ledger.check_{check}({TENANT}, '2026-11-20')"
        " ORDER BY object_key".encode()
    ).fetchall()


def add_rent(database: Database, **columns: object) -> str:
    """Add a rent as the application's admin does, like one that is there; return its id."""
    [(key,)] = database.execute(
        "INSERT INTO public.charges (tenant_user_id, unit_id, type, description, amount_cents,"
        " billing_period, created_by)"
        " SELECT tenant_user_id, unit_id, 'rent', 'again',"
        " coalesce(%(amount_cents)s, amount_cents), coalesce(%(billing_period)s, billing_period),"
        " 'admin' FROM public.charges WHERE id = %(like)s RETURNING id::text",
        {"amount_cents": None, "billing_period": None, **columns},
    ).fetchall()
    return str(key)


def a_rent(database: Database) -> str:
    """Return the id of a rent that stands."""
    return str(
        one(
            database,
            "SELECT min(charge_id) FROM ledger.charges WHERE type = 'rent'"
            " AND reversed_at IS NULL AND reverses_charge_id IS NULL",
        )[0]
    )


def test_the_plan_is_the_native_one(rent_database: Database, adopted_rental: Database) -> None:
    assert_same(rent_database, adopted_rental, PLAN)
    assert_same(
        rent_database,
        adopted_rental,
        f"SELECT kind, id, {PLANNED_KEY} FROM ledger.orphans({TENANT}) AS o"
        " WHERE EXISTS (SELECT FROM ledger.units AS u WHERE u.unit_id = o.unit_id)",
    )
    # A payment of a unit that is not there cannot be in the application's tables at all.
    missing = f"SELECT {PLANNED_KEY} FROM ledger.plan_charge_backfill({TENANT})"
    native, here = difference(rent_database, adopted_rental, missing)
    assert (len(native), here) == (27, [])
    # Nor can what went back of a payment: a month counts as paid in full.
    assert_same(
        rent_database,
        adopted_rental,
        f"SELECT {KEY}, array_remove(warnings, 'amount_differs_from_payments')"
        f" FROM ledger.plan_charge_backfill({TENANT}) WHERE action = 'create'",
    )


def test_the_charges_are_the_native_ones(rent_database: Database, adopted_rental: Database) -> None:
    for database in (rent_database, adopted_rental):
        assert run(database, "backfill_charges", run_key="k")[0] == 1746
    assert_same(
        rent_database,
        adopted_rental,
        f"SELECT {KEY}, type, description, amount_cents, currency, created_by, effective_on,"
        " source_run_key FROM ledger.charges WHERE source_run_key IS NOT NULL",
    )
    made = one(
        adopted_rental,
        "SELECT count(*), count(created_by) FROM public.charges AS c"
        " JOIN ledger.charge_side AS s ON s.charge_id = c.id",
    )
    assert made == (1746, 0)
    assert run(adopted_rental, "backfill_charges")[0] == 0


def test_posted_rent_is_the_native_one(rent_database: Database, adopted_rental: Database) -> None:
    given = {"as_of": "2026-11-20", "run_key": "rent"}
    posted = run(adopted_rental, "post_rent", **given)
    assert posted == run(rent_database, "post_rent", **given)
    assert_same(
        rent_database,
        adopted_rental,
        f"SELECT {KEY}, amount_cents, effective_on FROM ledger.charges"
        " WHERE source_run_key = 'rent'",
    )
    assert run(adopted_rental, "post_rent", as_of="2026-11-20")[0] == 0


def test_balances_are_the_applications_own(
    rent_database: Database, adopted_rental: Database
) -> None:
    for database in (rent_database, adopted_rental):
        run(database, "backfill_charges")
    ours = f"SELECT tenant_user_id, unit_id, balance_cents FROM ledger.balances({TENANT})"
    assert answer(adopted_rental, ours) == answer(adopted_rental, THEIRS)
    assert one(adopted_rental, f"SELECT count(*) FROM ({THEIRS}) AS x") == (185,)
    # Native books know more: refunds, and payments of units that are not there.
    assert_same(
        rent_database,
        adopted_rental,
        "SELECT tenant_user_id, unit_id, charged_cents, paid_cents, pending_cents,"
        " balance_cents - refunded_cents AS balance_cents"
        f" FROM ledger.balances({TENANT}, '2026-05-31') AS b"
        " WHERE EXISTS (SELECT FROM ledger.units AS u WHERE u.unit_id = b.unit_id)",
    )
    explained = one(
        adopted_rental,
        "SELECT count(*) FROM ledger.balances((SELECT t.tenant FROM billing.tenants AS t),"
        " '2026-05-31') AS b WHERE b.balance_cents <> coalesce(("
        " SELECT sum(e.amount_cents) FROM ledger.explain_balance("
        " (SELECT t.tenant FROM billing.tenants AS t), b.tenant_user_id, b.unit_id, '2026-05-31')"
        " AS e), 0)",
    )
    assert explained == (0,)


def test_a_rent_that_is_there_twice_is_shown_and_not_made_again(adopted_rental: Database) -> None:
    first = a_rent(adopted_rental)
    second = add_rent(adopted_rental, like=first)
    assert findings(adopted_rental, "rent_charged_twice") == [
        (second, "another that stands", f"SELECT * FROM public.charges WHERE id = '{second}'")
    ]
    assert one(
        adopted_rental,
        "SELECT p.action, p.charge_id, c.duplicates_charge_id"
        f" FROM ledger.plan_charge_backfill({TENANT}) AS p"
        f" JOIN ledger.charges AS c USING ({KEY}) WHERE c.charge_id = %s",
        [second],
    ) == ("already_charged", first, first)
    assert run(adopted_rental, "backfill_charges")[0] == 1746
    taken_back = add_rent(
        adopted_rental,
        like=first,
        amount_cents=one(
            adopted_rental, "SELECT -amount_cents FROM public.charges WHERE id = %s", [first]
        )[0],
    )
    assert findings(adopted_rental, "rent_charged_twice") == []
    assert one(
        adopted_rental,
        "SELECT reverses_charge_id FROM ledger.charges WHERE charge_id = %s",
        [taken_back],
    ) == (first,)


def test_unique_rents_excuse_what_is_there(
    adopted_rental_dsn: str, adopted_rental: Database
) -> None:
    first = a_rent(adopted_rental)
    second = add_rent(adopted_rental, like=first)
    survey = adoption.survey(adopted_rental_dsn, Wanted("rental", unique_rents=True))
    assert survey.on_theirs == ["duecourse_charges_one_rent_key"]
    assert [found.message for found in survey.findings] == [
        "rents beside another of their renter, unit and month: 1",
        "the unique index refuses a further rent of a month",
    ]
    adopted_rental.execute("UPDATE ops.adoption SET unique_rents = true")
    assert findings(adopted_rental, "rent_index") == [
        ("duecourse_charges_one_rent_key", "missing", "duecourse adopt rental --unique-rents")
    ]
    with pytest.raises(psycopg.errors.UniqueViolation):
        adopted_rental.execute(
            "CREATE UNIQUE INDEX CONCURRENTLY duecourse_charges_one_rent_key"
            f" ON public.charges ({KEY}) WHERE type = 'rent'".encode()
        )
    assert findings(adopted_rental, "rent_index")[0][1] == "invalid"
    with connect(adopted_rental_dsn) as connection:
        config = adopted.config_of(connection)
        assert unique_rents.keep(connection, config) == 2 * 41 + 1
        assert unique_rents.keep(connection, config) == 0
    assert findings(adopted_rental, "rent_index") == []
    with pytest.raises(psycopg.errors.UniqueViolation, match="duecourse_charges_one_rent_key"):
        add_rent(adopted_rental, like=first)
    assert run(adopted_rental, "backfill_charges")[0] == 1746
    # What the index refuses a run leaves: here rent of which only the excused one is taken back.
    amount = "SELECT -amount_cents FROM public.charges WHERE id = %s"
    adopted_rental.execute(
        f"UPDATE public.charges SET amount_cents = ({amount}) WHERE id = %s".encode(),
        [first, second],
    )
    assert run(adopted_rental, "backfill_charges")[0] == 0


def test_amounts_that_the_table_cannot_hold(adopted_rental: Database) -> None:
    adopted_rental.execute(
        "INSERT INTO public.payments (tenant_user_id, unit_id, amount_cents, payment_method,"
        " status, billing_period) SELECT 'rich', (SELECT min(id::text)::uuid FROM public.units),"
        " 2000000000, 'card', 'succeeded', '2026-03' FROM generate_series(1, 2)"
    )
    query = (
        "SELECT action, quarantine_reason FROM ledger.plan_charge_backfill("
        f"{TENANT}, 'sum_of_payments') WHERE tenant_user_id = 'rich'"
    )
    assert one(adopted_rental, query) == ("quarantine", "amount_out_of_range")
    by_sums = run(adopted_rental, "backfill_charges", amount_rule="sum_of_payments")
    assert by_sums[2] == "escalated"
    assert one(adopted_rental, query)[1] == "amount_out_of_range"


def test_days_are_those_of_the_property(adopted_rental: Database) -> None:
    """Moments have no time zone: they are of UTC, whatever the session's is."""
    adopted_rental.execute("SET timezone = 'Asia/Tokyo'")
    adopted_rental.execute(
        "WITH h AS (INSERT INTO public.properties (name, address, timezone) VALUES"
        " ('a', '', 'America/Chicago'), ('b', '', 'Moon/Dust') RETURNING id, name),"
        " u AS (INSERT INTO public.units (property_id, unit_number)"
        " SELECT id, name FROM h RETURNING id, unit_number)"
        " INSERT INTO public.payments (tenant_user_id, unit_id, amount_cents, payment_method,"
        " status, billing_period, paid_at, created_at)"
        " SELECT 'late', u.id, 5, unit_number, 'succeeded', '2026-03', t.at, '2026-03-08 12:00'"
        " FROM u CROSS JOIN (VALUES (timestamp '2026-03-08 05:59'), ('2026-03-08 06:00'),"
        " ('2026-11-01 05:30'), ('2026-07-01 04:59'), ('infinity'), (NULL)) AS t (at)"
    )
    found = adopted_rental.execute(
        "SELECT p.payment_method, array_agg(p.paid_on::text ORDER BY p.paid_on),"
        " array_agg(m.effective_on::text ORDER BY p.paid_on)"
        " FROM ledger.payments AS p JOIN ledger.payment_movements AS m USING (payment_id)"
        " WHERE p.tenant_user_id = 'late' GROUP BY 1 ORDER BY 1"
    ).fetchall()
    days = [
        ["2026-03-07", "2026-03-08", "2026-06-30", "2026-11-01", "9999-12-31", None],
        ["2026-03-08", "2026-03-08", "2026-07-01", "2026-11-01", "9999-12-31", None],
    ]
    assert found == [
        (name, known, [*known[:5], "2026-03-01"]) for name, known in zip("ab", days, strict=True)
    ]
    [(_, actual, repair)] = findings(adopted_rental, "property_time_zone")
    assert actual == "Moon/Dust"
    assert repair.startswith("SELECT * FROM public.properties WHERE id = ")


def test_tenancies_without_days(adopted_rental: Database) -> None:
    change = (
        "UPDATE public.tenant_units SET {} WHERE id = (SELECT id FROM public.tenant_units"
        " WHERE {} ORDER BY id LIMIT 1) RETURNING id::text"
    )
    over = one(
        adopted_rental, change.format("is_active = false", "is_active AND end_date IS NULL")
    )[0]
    of_no_day = one(adopted_rental, change.format("end_date = start_date", "end_date IS NOT NULL"))[
        0
    ]
    before = one(adopted_rental, "SELECT count(*) FROM ledger.tenancies")
    assert before == (190,)
    found = findings(adopted_rental, "tenancy_days")
    assert {key: repair for key, _, repair in found} == {
        key: f"SELECT * FROM public.tenant_units WHERE id = '{key}'" for key in (over, of_no_day)
    }
    assert ("not active, no end_date") in [actual for _, actual, _ in found]
    adopted_rental.execute("UPDATE public.tenant_units SET end_date = start_date + interval '9 d'")
    assert findings(adopted_rental, "tenancy_days") == []


def test_a_rent_of_no_month(adopted_rental: Database) -> None:
    rent = add_rent(adopted_rental, like=a_rent(adopted_rental), billing_period="2026-13")
    assert findings(adopted_rental, "charge_period") == [
        (rent, "2026-13", f"SELECT * FROM public.charges WHERE id = '{rent}'")
    ]
    [(period,)] = adopted_rental.execute(
        "SELECT billing_period FROM ledger.charges WHERE charge_id = %s", [rent]
    )
    assert period is None


def test_nothing_else_is_wrong(adopted_rental: Database) -> None:
    run(adopted_rental, "backfill_charges")
    errors = adopted_rental.execute(
        f"SELECT * FROM ops.verify({TENANT}, '2026-11-20') WHERE severity = 'error'".encode()
    )
    assert errors.fetchall() == []
