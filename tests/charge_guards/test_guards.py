"""What the database holds whatever is typed into psql: charges, accounts, quarantine."""

import psycopg
import pytest

from tests.charges.owner import MOST, Owner, refused
from tests.charges.runs import tenancy


@pytest.mark.parametrize(
    "change",
    [
        "amount_cents = 1",
        "description = 'other'",
        "effective_on = '2026-01-01'",
        "unit_id = 'u-2'",
        "reversed_at = now()",
        "reverses_charge_id = 'other'",
        "duplicates_charge_id = 'other'",
        "created_at = now() - interval '1 day'",
    ],
)
def test_charges_never_change(owner: Owner, change: str) -> None:
    charge = owner.charge()
    with refused("DC401", f"charge {charge}", "ledger.reverse_charge"):
        owner.database.execute(
            f"UPDATE ledger.charges SET {change} WHERE tenant = %s".encode(), [owner.tenant]
        )


@pytest.mark.parametrize("value", ["NULL", "now() + interval '1 day'"])
def test_a_reversal_is_marked_once(owner: Owner, value: str) -> None:
    charge = owner.charge()
    owner.charge(-100_000, reverses_charge_id=charge)
    with refused("DC401", f"charge {charge}"):
        owner.database.execute(
            f"UPDATE ledger.charges SET reversed_at = {value} WHERE (tenant, charge_id)"
            " = (%s, %s)".encode(),
            [owner.tenant, charge],
        )


@pytest.mark.parametrize(
    ("statement", "sqlstate"),
    [
        ("DELETE FROM ledger.charges", "DC401"),
        ("TRUNCATE ledger.charges CASCADE", "DC401"),
        ("DELETE FROM ledger.accounts", "DC404"),
        ("UPDATE ledger.accounts SET unit_id = 'u-9'", "DC404"),
        ("TRUNCATE ledger.accounts", "DC404"),
        ("UPDATE ledger.accounts SET currency = 'EUR'", "DC404"),
    ],
)
def test_nothing_goes(owner: Owner, statement: str, sqlstate: str) -> None:
    owner.charge()
    with refused(sqlstate, f"{statement.partition(' ')[0]} on ledger."):
        owner.database.execute(statement.encode())


@pytest.mark.parametrize(
    ("columns", "detail"),
    [
        ({"amount": -99_999}, "-99999 is not the opposite of 100000"),
        ({"type": "credit"}, "it is of another account or type"),
        ({"tenant_user_id": "r-2"}, "it is of another account or type"),
        ({"unit_id": "u-2"}, "it is of another account or type"),
        ({"period": "2026-06"}, "it is of another billing period"),
        ({"period": None}, "it is of another billing period"),
        ({"reversed_at": "2026-05-01"}, "a reversal is never reversed"),
    ],
)
def test_a_reversal_is_sound(owner: Owner, columns: dict[str, object], detail: str) -> None:
    charge = owner.charge()
    with refused("DC403", detail):
        owner.charge(**{"amount": -100_000, "reverses_charge_id": charge, **columns})  # type: ignore[arg-type]


def test_a_reversal_is_not_reversed_nor_made_twice(owner: Owner) -> None:
    charge = owner.charge()
    reversal = owner.charge(-100_000, reverses_charge_id=charge)
    with refused("DC403", "a reversal is never reversed"):
        owner.charge(reverses_charge_id=reversal)
    with refused("23505", "reverses_charge_id"):
        owner.charge(-100_000, reverses_charge_id=charge)
    with refused("DC403", "no charge reverses it"):
        owner.charge(reversed_at="2026-05-01", period="2026-06")


def test_rent_of_a_key_stands_once(owner: Owner) -> None:
    charge = owner.charge()
    with refused("23505"):
        owner.charge()
    owner.charge(unit_id="u-2")
    owner.charge(period="2026-06")
    owner.charge(-100_000, reverses_charge_id=charge)
    owner.charge()


def test_a_duplicate_names_the_rent_beside_which_it_stands(owner: Owner) -> None:
    first = owner.charge()
    owner.charge(duplicates_charge_id=first)
    for other in (owner.charge(period="2026-06"), owner.charge(unit_id="u-2"), "nothing"):
        with refused("DC408", f"charge {other} is no rent", "Leave duplicates_charge_id null"):
            owner.charge(duplicates_charge_id=other)


@pytest.mark.parametrize(
    "columns",
    [
        {"period": "2026-13"},
        {"period": ""},
        {"type": "utility"},
        {"amount": MOST + 1},
        {"effective_on": "infinity"},
        {"effective_on": "0001-12-31 BC"},
        {"effective_on": "10000-01-01"},
        {"currency": "eu"},
        {"tenant_user_id": ""},
        {"tenant_user_id": "x" * 2_000},
    ],
)
def test_rows_that_no_charge_can_be(owner: Owner, columns: dict[str, object]) -> None:
    with refused("23514"):
        owner.charge(**columns)  # type: ignore[arg-type]


@pytest.mark.parametrize("column", ["paid_on", "refunded_on", "created_on"])
@pytest.mark.parametrize("day", ["-infinity", "0001-12-31 BC", "10000-01-01"])
def test_days_that_no_payment_has(owner: Owner, column: str, day: str) -> None:
    with refused("23514"):
        owner.payment(**{column: day})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("0001-12-31 BC", None),
        ("2026-01-01", "infinity"),
        ("2026-01-01", "10000-01-01"),
        ("2026-01-01", "2026-01-01"),
    ],
)
def test_days_that_no_tenancy_has(owner: Owner, start: str, end: str | None) -> None:
    with refused("23514"):
        tenancy(owner, start, end)


@pytest.mark.parametrize("currency", ["eu", "usd", "U$D"])
def test_what_is_no_currency_is_refused_where_it_stands(owner: Owner, currency: str) -> None:
    with pytest.raises(psycopg.errors.CheckViolation) as raised:
        owner.payment(currency=currency)
    assert raised.value.diag.constraint_name == "payments_currency_check"


def test_an_account_is_a_renter_a_unit_and_a_currency(owner: Owner) -> None:
    owner.charge()
    owner.payment(80_000, currency="EUR")
    owner.payment(5, currency="EUR", status="failed", unit_id="u-2")
    found = owner.database.execute(
        "SELECT unit_id, currency FROM ledger.accounts WHERE tenant = %s ORDER BY 1, 2",
        [owner.tenant],
    ).fetchall()
    assert found == [("u-1", "EUR"), ("u-1", "USD"), ("u-2", "EUR")]


@pytest.mark.parametrize("level", ["READ COMMITTED", "REPEATABLE READ"])
def test_no_currency_waits_for_another(owner: Owner, shared_dsn: str, level: str) -> None:
    insert = (
        "INSERT INTO ledger.payments (tenant, payment_id, tenant_user_id, unit_id, amount_cents,"
        " currency, status) VALUES (%s, %s, 'r-9', 'u-1', 1, %s, 'succeeded')"
    )
    with psycopg.connect(shared_dsn) as first, psycopg.connect(shared_dsn) as second:
        for session, name, currency in ((first, "first", "USD"), (second, "second", "EUR")):
            session.execute(f"SET TRANSACTION ISOLATION LEVEL {level}".encode())
            session.execute("SET LOCAL lock_timeout = '5s'")
            session.execute(insert, [owner.tenant, name, currency])
    assert [row["balance_cents"] for row in owner.select("balances")] == [-1, -1]


def quarantine(owner: Owner) -> dict[str, str | None]:
    return {key: row["quarantine_reason"] for key, row in owner.rows("payments").items()}


def test_quarantine_follows_periods_and_units(owner: Owner) -> None:
    good = owner.payment()
    lost = owner.payment(unit_id="u-9")
    vague = owner.payment(period="2026/05")
    none = owner.payment(period=None, unit_id="u-9")
    invalid = {vague: "invalid_billing_period", none: "invalid_billing_period"}
    assert quarantine(owner) == {good: None, lost: "unknown_unit", **invalid}
    owner.unit("u-9", None)
    assert quarantine(owner) == {good: None, lost: None, **invalid}
    owner.database.execute(
        "UPDATE ledger.payments SET billing_period = '2026-05' WHERE (tenant, payment_id)"
        " = (%s, %s)",
        [owner.tenant, vague],
    )
    owner.database.execute(
        "DELETE FROM ledger.units WHERE tenant = %s AND unit_id IN ('u-1', 'u-9')", [owner.tenant]
    )
    gone = {
        good: "unknown_unit",
        lost: "unknown_unit",
        vague: "unknown_unit",
        none: "invalid_billing_period",
    }
    assert quarantine(owner) == gone
    rename = "UPDATE ledger.units SET unit_id = %s WHERE tenant = %s AND unit_id = %s"
    owner.database.execute(rename, ["u-9", owner.tenant, "u-2"])
    assert quarantine(owner) == {**gone, lost: None}
    owner.database.execute(rename, ["u-1", owner.tenant, "u-9"])
    assert quarantine(owner) == {**gone, good: None, vague: None}
