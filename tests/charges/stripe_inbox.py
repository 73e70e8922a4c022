"""A tenant's Stripe inbox, as a test writes and reads it."""

from datetime import date
from typing import Any
from uuid import UUID, uuid4

from psycopg.types.json import Jsonb

from tests.conftest import Database

_RESULT = (
    "payment_key, tenant_user_id AS tenant_id, unit_id, billing_period, status, amount_cents,"
    " refunded_cents, disputed"
)


_KEY = "stripe_payment_intent_id AS payment_key"


class Inbox:
    """The inbox of a tenant, of a new one unless it is given."""

    def __init__(self, database: Database, tenant: UUID | None = None) -> None:
        self.database = database
        self.tenant = tenant or uuid4()
        database.execute(
            "INSERT INTO billing.tenants (tenant, tenant_name) VALUES (%s, 'Rents')"
            " ON CONFLICT DO NOTHING",
            (self.tenant,),
        )

    def ingest(self, event: Any) -> str:
        """Receive an event and return its outcome."""
        return self.answer(event)[0]

    def answer(self, event: Any) -> tuple[str, str | None]:
        """Receive an event and return its outcome and the reason."""
        given = event if isinstance(event, str) else Jsonb(event)
        cursor = self.database.execute(
            "CALL ledger.ingest_stripe_event(p_tenant => %s, p_event => %s)", (self.tenant, given)
        )
        [row] = cursor.fetchall()
        return row[0], row[1]

    def replay(self, payment_key: str | None = None) -> tuple[int, int]:
        """Replay and return how many payments were settled and how many events wait."""
        cursor = self.database.execute(
            "CALL ledger.replay_stripe_events(p_tenant => %s, p_payment_key => %s)",
            (self.tenant, payment_key),
        )
        [row] = cursor.fetchall()
        return row[0], row[1]

    def add_payment(self, payment_key: str | None, **fields: Any) -> None:
        """Insert a payment as an import does."""
        row = {
            "tenant": self.tenant,
            "payment_id": "imported",
            "tenant_user_id": "user_9",
            "unit_id": "u-9",
            "amount_cents": 95_000,
            "currency": "USD",
            "payment_method": "card",
            "status": "succeeded",
            "billing_period": "2024-04",
            "stripe_payment_intent_id": payment_key,
            "paid_on": date(2024, 4, 2),
            "created_on": date(2024, 4, 1),
            **fields,
        }
        names, places = ", ".join(row), ", ".join(f"%({name})s" for name in row)
        self.database.execute(
            f"INSERT INTO ledger.payments ({names}) VALUES ({places})".encode(), row
        )

    def add_unit(self, unit_id: str, **fields: Any) -> None:
        """Insert a unit, in a property of its own with some columns."""
        self.database.execute(
            "INSERT INTO ledger.properties (tenant, property_id, timezone, currency)"
            " VALUES (%s, %s, %s, %s)",
            (self.tenant, unit_id, fields.get("timezone"), fields.get("currency", "USD")),
        )
        self.database.execute(
            "INSERT INTO ledger.units (tenant, unit_id, property_id) VALUES (%s, %s, %s)",
            (self.tenant, unit_id, unit_id),
        )

    def owed_on(self, day: date) -> int:
        """Return what all renters owe by a day."""
        [(owed,)] = self.database.execute(
            "SELECT sum(b.balance_cents) FROM ledger.balances(p_tenant => %s, p_as_of => %s) AS b",
            (self.tenant, day),
        ).fetchall()
        return int(owed)

    def outcomes(self) -> dict[str, tuple[str, str]]:
        """Return the outcome and the final one of every event that is kept."""
        rows = self._rows(
            "SELECT event_id, outcome, final_outcome FROM ledger.stripe_events"
            " WHERE outcome <> 'imported'"
        )
        return {row["event_id"]: (row["outcome"], row["final_outcome"]) for row in rows}

    def size(self) -> int:
        """Return how many events are kept."""
        cursor = self.database.execute(
            "SELECT count(*) FROM ledger.stripe_events WHERE tenant = %s AND outcome <> 'imported'",
            (self.tenant,),
        )
        [(size,)] = cursor.fetchall()
        return int(size)

    def set(self, **settings: Any) -> None:
        """Set the settings of the inbox, in the shape of the offline inputs."""
        keys = settings.get("metadata_keys")
        self.database.execute(
            "CALL ledger.set_stripe_settings(p_tenant => %s, p_metadata_keys => %s,"
            " p_livemode => %s, p_account => %s)",
            (
                self.tenant,
                None if keys is None else Jsonb(keys),
                settings.get("livemode"),
                settings.get("account"),
            ),
        )

    def told(self) -> list[dict[str, Any]]:
        """Return what events tell of payments, in the shape of the offline answers."""
        return self._with_movements(
            self._rows(
                f"SELECT {_RESULT} FROM ledger.stripe_payments WHERE status IS NOT NULL",
                "payment_key",
            )
        )

    def payments(self) -> list[dict[str, Any]]:
        """Return the payments of the ledger in that shape too."""
        return self._with_movements(
            self._rows(
                f"SELECT {_RESULT.replace('payment_key', _KEY)} FROM ledger.payments WHERE true",
                "stripe_payment_intent_id",
            )
        )

    def movements(self, payment_key: str) -> list[dict[str, Any]]:
        """Return the live movements of a payment that events tell, in that shape."""
        rows = self.database.execute(
            "SELECT extract(epoch FROM m.moment)::bigint, m.kind, m.amount_cents,"
            " coalesce(m.source_id, m.source)"
            " FROM ledger.payment_movements AS m JOIN ledger.payments AS p USING"
            " (tenant, payment_id) WHERE p.tenant = %s AND p.stripe_payment_intent_id = %s"
            " AND m.corrects_number IS NULL AND m.corrected_at IS NULL"
            ' ORDER BY m.moment, m.kind COLLATE "C", coalesce(m.source_id, m.source) COLLATE "C"',
            (self.tenant, payment_key),
        )
        names = ("created", "kind", "amount_cents", "source")
        return [dict(zip(names, row, strict=True)) for row in rows]

    def days(self, payment_key: str) -> list[tuple[Any, ...]]:
        """Return the day, kind, amount and account of all movements of a payment, as written."""
        return self.database.execute(
            "SELECT m.effective_on, m.kind, m.amount_cents, m.source, m.unit_id"
            " FROM ledger.payment_movements AS m JOIN ledger.payments AS p USING"
            " (tenant, payment_id) WHERE p.tenant = %s AND p.stripe_payment_intent_id = %s"
            " ORDER BY m.movement_number",
            (self.tenant, payment_key),
        ).fetchall()

    def _with_movements(self, payments: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [
            {**payment, "movements": self.movements(payment["payment_key"])} for payment in payments
        ]

    def payment(self, payment_key: str) -> dict[str, Any]:
        """Return the whole row of the ledger of one payment."""
        [row] = self._rows("SELECT * FROM ledger.payments", None, payment_key)
        return row

    def rows(self) -> list[dict[str, Any]]:
        """Return the whole rows of the payments of the ledger, but for the tenant."""
        rows = self._rows("SELECT * FROM ledger.payments", "stripe_payment_intent_id")
        return [{key: row[key] for key in row if key != "tenant"} for row in rows]

    def balances(self) -> list[tuple[Any, ...]]:
        """Return what every renter owes."""
        return self.database.execute(
            "SELECT * FROM ledger.balances(p_tenant => %s)", (self.tenant,)
        ).fetchall()

    def _rows(
        self, query: str, order: str | None = None, payment_key: str | None = None
    ) -> list[dict[str, Any]]:
        query += (" AND " if " WHERE " in query else " WHERE ") + "tenant = %(tenant)s"
        if payment_key is not None:
            query += " AND stripe_payment_intent_id = %(payment_key)s"
        if order is not None:
            query += f' ORDER BY {order} COLLATE "C"'
        values = {"tenant": self.tenant, "payment_key": payment_key}
        cursor = self.database.execute(query.encode(), values)
        names = [column.name for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor]
