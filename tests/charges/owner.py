"""A small charge ledger by plain INSERT and CALL, and what a test looks at afterwards."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from psycopg.rows import dict_row

from tests.conftest import Database

Row = dict[str, Any]

HOSTILE = "a:b'\"🙂\n"
MOST = 9_999_999_999_999


@dataclass
class Owner:
    """A tenant of its own with the units u-1 (rent 1000.00) and u-2 (rent unknown)."""

    database: Database
    number: int = field(default_factory=count(1).__next__)
    _ids: "count[int]" = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        self.tenant = UUID(int=(1 << 127) + (self.number << 64))
        self.insert("billing.tenants", tenant_name="Owner")
        self.unit("u-1", 100_000)
        self.unit("u-2", None)

    def insert(self, table: str, /, **values: object) -> None:
        """Insert one row."""
        values = {"tenant": self.tenant, **values}
        statement = sql.SQL("INSERT INTO {} ({}) VALUES ({})").format(
            sql.Identifier(*table.split(".")),
            sql.SQL(", ").join(map(sql.Identifier, values)),
            sql.SQL(", ").join(map(sql.Placeholder, values)),
        )
        self.database.execute(statement, values)

    def unit(self, unit: str, rent: int | None, currency: str | None = None) -> None:
        """Add a unit; with a currency in a property of its own, whose rents are in that."""
        if currency is not None:
            self.insert("ledger.properties", property_id=f"of {unit}", currency=currency)
        self.insert(
            "ledger.units",
            unit_id=unit,
            rent_amount_cents=rent,
            property_id=None if currency is None else f"of {unit}",
        )

    def payment(
        self, amount: int | None = 100_000, period: str | None = "2026-05", **columns: object
    ) -> str:
        """Add a payment, of renter r-1 for u-1, that succeeded on the 3rd of the month."""
        payment = f"p-{next(self._ids)}"
        self.insert(
            "ledger.payments",
            **{
                "payment_id": payment,
                "tenant_user_id": "r-1",
                "unit_id": "u-1",
                "amount_cents": amount,
                "status": "succeeded",
                "billing_period": period,
                "paid_on": "2026-05-03",
                **columns,
            },
        )
        return payment

    def charge(
        self, amount: int = 100_000, period: str | None = "2026-05", **columns: object
    ) -> str:
        """Add a charge, rent of renter r-1 for u-1, by INSERT."""
        charge = f"c-{next(self._ids)}"
        self.insert(
            "ledger.charges",
            **{
                "charge_id": charge,
                "tenant_user_id": "r-1",
                "unit_id": "u-1",
                "type": "rent",
                "amount_cents": amount,
                "billing_period": period,
                "effective_on": "2026-05-01",
                **columns,
            },
        )
        return charge

    def call(self, procedure: str, **arguments: object) -> str:
        """Call a procedure of the ledger and return the id that it gives, if it gives one."""
        cursor = self.database.execute(*self._named("CALL", procedure, arguments))
        row = cursor.fetchone() if cursor.description else ("",)
        assert row is not None
        return str(row[0])

    def post(self, **arguments: object) -> str:
        """Post a charge: by default rent of renter r-1 for u-1."""
        defaults = {
            "tenant_user_id": "r-1",
            "unit_id": "u-1",
            "type": "rent",
            "amount_cents": 100_000,
            "billing_period": "2026-05",
        }
        return self.call("post_charge", **{**defaults, **arguments})

    def reverse(self, charge: str, reason: str = "wrong", **arguments: object) -> str:
        """Reverse a charge."""
        return self.call("reverse_charge", charge_id=charge, reason=reason, **arguments)

    def record(self, **arguments: object) -> str:
        """Record a payment by hand: by default 1000.00 of renter r-1 for u-1 and May."""
        defaults = {
            "tenant_user_id": "r-1",
            "unit_id": "u-1",
            "billing_period": "2026-05",
            "amount_cents": 100_000,
            "paid_on": "2026-05-03",
            "payment_method": "cash",
        }
        return self.call("record_payment", **{**defaults, **arguments})

    def refund(self, payment: str, amount: int | None, **arguments: object) -> str:
        """Refund a payment by hand: by default on May 9."""
        defaults = {"effective_on": "2026-05-09", "reason": "back"}
        return self.call(
            "refund_payment", payment_id=payment, amount_cents=amount, **{**defaults, **arguments}
        )

    def correct(self, payment: str, **arguments: object) -> None:
        """Correct a payment by hand."""
        self.call("correct_payment", payment_id=payment, **{"reason": "wrong", **arguments})

    def move(self, payment: str, **arguments: object) -> None:
        """Move a payment by hand."""
        self.call("move_payment", payment_id=payment, **{"reason": "elsewhere", **arguments})

    def movements(self, payment: str) -> list[tuple[str, int, str, str, int | None]]:
        """Return kind, cents, day, unit and what is taken back of each movement, as written."""
        return self.database.execute(
            "SELECT kind, amount_cents, effective_on::text, unit_id, corrects_number"
            " FROM ledger.payment_movements WHERE tenant = %s AND payment_id = %s"
            " ORDER BY movement_number",
            [self.tenant, payment],
        ).fetchall()

    def acts(self, payment: str) -> list[tuple[str, str, str]]:
        """Return what was done to a payment by hand, why, and by whom."""
        return self.database.execute(
            "SELECT act, reason, acted_by FROM ledger.payment_acts"
            " WHERE tenant = %s AND payment_id = %s ORDER BY act_number",
            [self.tenant, payment],
        ).fetchall()

    def select(self, reading: str, **arguments: object) -> list[Row]:
        """Return the rows of a reading, in a transaction that cannot write."""
        statement, values = self._named("SELECT * FROM", reading, arguments)
        with self.database.transaction(force_rollback=True):
            self.database.execute("SET TRANSACTION READ ONLY")
            return self.database.cursor(row_factory=dict_row).execute(statement, values).fetchall()

    def select_batch(
        self, rule: str, start: str, before: str | None
    ) -> tuple[dict[str, int], list[int]]:
        """Return the counts and the hash of the plan of a range of accounts."""
        row = self.database.execute(
            "SELECT p.o_counts, p.o_hash FROM ledger._backfill_charges_plan("
            "%s, jsonb_build_object('amount_rule', %s::text), %s, %s) AS p",
            [self.tenant, rule, start, before],
        ).fetchone()
        assert row is not None
        return row[0], row[1]

    def rows(self, table: str) -> dict[str, Row]:
        """Return the charges or payments by their id."""
        cursor = self.database.cursor(row_factory=dict_row)
        key = f"{table[:-1]}_id"
        cursor.execute(f"SELECT * FROM ledger.{table} WHERE tenant = %s".encode(), [self.tenant])
        return {row[key]: row for row in cursor}

    def balance(self, **arguments: object) -> int:
        """Return the balance of renter r-1 for u-1."""
        [row] = self.select("balances", tenant_user_id="r-1", unit_id="u-1", **arguments)
        return int(row["balance_cents"])

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Switch every trigger off, foreign keys included, as only a superuser can."""
        self.database.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            self.database.execute("RESET session_replication_role")

    def _named(self, verb: str, routine: str, arguments: Row) -> tuple[sql.Composed, Row]:
        values = {
            name if name.startswith("o_") else f"p_{name}": value
            for name, value in {"tenant": self.tenant, **arguments}.items()
        }
        named = (sql.SQL("{} => {}").format(sql.Identifier(n), sql.Placeholder(n)) for n in values)
        statement = sql.SQL("{} {}({})").format(
            sql.SQL(verb), sql.Identifier("ledger", routine), sql.SQL(", ").join(named)
        )
        return statement, values


@contextmanager
def refused(sqlstate: str, detail: str = "", hint: str = "") -> Iterator[None]:
    """Expect the database to refuse, with this in its DETAIL and its HINT."""
    with pytest.raises(psycopg.Error) as raised:
        yield
    assert raised.value.sqlstate == sqlstate
    assert detail in (raised.value.diag.message_detail or "")
    assert hint in (raised.value.diag.message_hint or "")
