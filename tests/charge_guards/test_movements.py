"""Movements follow the columns of payments, whoever writes them, and never change."""

from datetime import date
from typing import Any

import pytest

from tests.charges.owner import Owner, refused


def update(owner: Owner, payment: str, columns: str) -> None:
    owner.database.execute(
        f"UPDATE ledger.payments SET {columns} WHERE (tenant, payment_id) = (%s, %s)".encode(),
        [owner.tenant, payment],
    )


def movements(owner: Owner, columns: str = "kind, amount_cents, effective_on") -> list[Any]:
    """Return the movements in the order written; what corrects another has its number."""
    return owner.database.execute(
        f"SELECT {columns}, corrects_number FROM ledger.payment_movements WHERE tenant = %s"
        " ORDER BY payment_id, movement_number".encode(),
        [owner.tenant],
    ).fetchall()


def test_what_succeeded_was_received(owner: Owner) -> None:
    owner.payment(100)
    owner.payment(7, status="pending")
    owner.payment(0)
    owner.payment(None)
    assert movements(owner) == [("received", 100, date(2026, 5, 3), None)]


def test_success_comes_later(owner: Owner) -> None:
    payment = owner.payment(100, status="pending", paid_on=None)
    assert movements(owner) == []
    update(owner, payment, "status = 'succeeded', paid_on = '2026-05-04'")
    update(owner, payment, "payment_method = 'card'")
    assert movements(owner) == [("received", 100, date(2026, 5, 4), None)]


def test_a_sum_that_grows_on_a_later_day_is_a_further_refund(owner: Owner) -> None:
    payment = owner.payment(100_000, paid_on="2026-03-01")
    update(owner, payment, "refunded_cents = 10000, refunded_on = '2026-03-05'")
    update(owner, payment, "refunded_cents = 25000, refunded_on = '2026-04-10'")
    assert movements(owner) == [
        ("received", 100_000, date(2026, 3, 1), None),
        ("refund", -10_000, date(2026, 3, 5), None),
        ("refund", -15_000, date(2026, 4, 10), None),
    ]
    days = ("2026-03-04", "2026-03-20", "2026-04-10")
    assert [owner.balance(as_of=day) for day in days] == [-100_000, -90_000, -75_000]


def test_other_changes_are_corrections(owner: Owner) -> None:
    payment = owner.payment(100, refunded_cents=40, refunded_on="2026-05-09")
    update(owner, payment, "refunded_cents = 30")
    update(owner, payment, "refunded_on = '2026-05-08'")
    update(owner, payment, "amount_cents = 90")
    assert movements(owner) == [
        ("received", 100, date(2026, 5, 3), None),
        ("refund", -40, date(2026, 5, 9), None),
        ("refund", 40, date(2026, 5, 9), 2),
        ("refund", -30, date(2026, 5, 9), None),
        ("refund", 30, date(2026, 5, 9), 4),
        ("refund", -30, date(2026, 5, 8), None),
        ("received", -100, date(2026, 5, 3), 1),
        ("received", 90, date(2026, 5, 3), None),
    ]
    assert [owner.balance(as_of=f"2026-05-0{n}") for n in (3, 7, 8, 9)] == [-90, -90, -60, -60]
    update(owner, payment, "status = 'failed'")
    assert owner.balance() == 0


def test_money_moves_with_its_payment(owner: Owner) -> None:
    payment = owner.payment(100, refunded_cents=40, refunded_on="2026-05-09")
    update(owner, payment, "unit_id = 'u-2', currency = 'EUR'")
    assert [
        (row["unit_id"], row["currency"], row["balance_cents"])
        for row in owner.select("balances", as_of="2026-05-04")
    ] == [("u-1", "USD", 0), ("u-2", "EUR", -100)]
    lines = owner.select("explain_balance", tenant_user_id="r-1", unit_id="u-1")
    assert [(line["kind"], line["amount_cents"]) for line in lines] == [
        ("payment", -100),
        ("correction", 100),
        ("refund", 40),
        ("correction", -40),
    ]


def test_movements_go_by_the_new_id_of_their_payment(owner: Owner) -> None:
    payment = owner.payment(100)
    update(owner, payment, "payment_id = 'renamed'")
    assert movements(owner, "payment_id, amount_cents") == [("renamed", 100, None)]


@pytest.mark.parametrize(
    "change",
    [
        "amount_cents = 1",
        "effective_on = '2026-01-01'",
        "unit_id = 'u-2'",
        "description = 'other'",
        "corrected_at = now()",
        "payment_id = 'p-2'",
        "recorded_by = 'nobody'",
    ],
)
def test_movements_never_change(owner: Owner, change: str) -> None:
    payment = owner.payment()
    owner.payment()
    with refused("DC405", f"payment {payment}", "ledger.refund_payment"):
        owner.database.execute(
            f"UPDATE ledger.payment_movements SET {change}"
            " WHERE (tenant, payment_id) = (%s, %s)".encode(),
            [owner.tenant, payment],
        )


@pytest.mark.parametrize(
    ("statement", "detail"),
    [
        ("DELETE FROM ledger.payment_movements", "DELETE on ledger.payment_movements"),
        ("TRUNCATE ledger.payment_movements", "TRUNCATE on ledger.payment_movements"),
        ("TRUNCATE ledger.payments CASCADE", "TRUNCATE on ledger.payment_movements"),
        ("DELETE FROM ledger.payments", "payment p-1"),
    ],
)
def test_movements_never_go(owner: Owner, statement: str, detail: str) -> None:
    owner.payment()
    with refused("DC405", detail):
        owner.database.execute(statement.encode())


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ledger.payment_acts SET reason = 'other'",
        "UPDATE ledger.payment_acts SET payment_id = 'p-2'",
        "DELETE FROM ledger.payment_acts",
        "TRUNCATE ledger.payment_acts",
    ],
)
def test_what_was_done_by_hand_stays_told(owner: Owner, statement: str) -> None:
    payment = owner.payment()
    owner.payment()
    owner.call(
        "move_payment", payment_id=payment, tenant_user_id="r-2", unit_id="u-2",
        billing_period="2026-05", reason="mistaken",
    )  # fmt: skip
    with refused("DC405"):
        owner.database.execute(statement.encode())
    update(owner, payment, "payment_id = 'renamed'")
    [[name]] = owner.database.execute(
        "SELECT payment_id FROM ledger.payment_acts WHERE tenant = %s", [owner.tenant]
    ).fetchall()
    assert name == "renamed"


def test_a_payment_without_movements_may_go(owner: Owner) -> None:
    payment = owner.payment(status="failed")
    owner.database.execute(
        "DELETE FROM ledger.payments WHERE (tenant, payment_id) = (%s, %s)", [owner.tenant, payment]
    )
    assert owner.rows("payments") == {}


@pytest.mark.parametrize(
    ("columns", "values", "detail"),
    [
        ("amount_cents, corrects_number", "-99, 1", "-99 is not the opposite of 100"),
        ("amount_cents, corrects_number, unit_id", "-100, 1, 'u-2'", "of another account"),
        ("amount_cents, corrects_number, effective_on", "-100, 1, '2026-05-04'", "of another"),
        ("amount_cents, corrects_number", "-100, 2", "there is no movement 2 to correct"),
        ("amount_cents, corrected_at", "1, now()", "nothing corrects it"),
    ],
)
def test_a_correction_is_sound(owner: Owner, columns: str, values: str, detail: str) -> None:
    payment = owner.payment(100)
    rest = {"unit_id": "'u-1'", "effective_on": "'2026-05-03'"}
    for name in rest.keys() - set(columns.split(", ")):
        columns, values = f"{columns}, {name}", f"{values}, {rest[name]}"
    with refused("DC406", detail):
        owner.database.execute(
            "INSERT INTO ledger.payment_movements (tenant, payment_id, movement_number,"
            f" tenant_user_id, currency, kind, source, {columns})"
            f" VALUES (%s, %s, 3, 'r-1', 'USD', 'received', 'import', {values})".encode(),
            [owner.tenant, payment],
        )


def test_a_correction_is_made_once(owner: Owner) -> None:
    payment = owner.payment(100)
    correct = (
        "INSERT INTO ledger.payment_movements (tenant, payment_id, movement_number, tenant_user_id,"
        " unit_id, currency, kind, source, amount_cents, effective_on, corrects_number)"
        " VALUES (%s, %s, %s, 'r-1', 'u-1', 'USD', 'received', 'import', %s, '2026-05-03', %s)"
    )
    owner.database.execute(correct, [owner.tenant, payment, 2, -100, 1])
    assert owner.balance() == 0
    with refused("23505"):
        owner.database.execute(correct, [owner.tenant, payment, 3, -100, 1])
    with refused("DC406", "a correction is never corrected"):
        owner.database.execute(correct, [owner.tenant, payment, 3, 100, 2])
