"""Books in good order, ways to spoil them, and what a check then finds."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

from duecourse.objects import checks
from tests.conftest import Database
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, LEDGER, Books, Row, select

CHECKS = list(checks())
COLUMNS = ["check_name", "severity", "object_key", "detail", "expected", "actual", "repair_call"]


class Scene(Books):
    """A line whose January is billed, over a superseded revision; covered to the horizon.

    The owner holds every permission.
    """

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.client_id = self.client()
        self.profile = self.new_id()
        self.cycles = [self.cycle(month) for month in (1, 2, 3)]
        self.the_line = self.line(self.client_id)
        self.superseded = self.january(lifecycle_state="superseded")
        self.linkage = self.invoice(self.the_line, JANUARY, FEBRUARY)
        self.billed_row = self.january(
            lifecycle_state="billed",
            revision=2,
            supersedes_record_id=self.superseded,
            **self.linkage,
        )
        self.call()
        self.database.execute("CALL ops.grant_permission(%s, session_user::text)", (self.tenant,))

    def january(self, **columns: object) -> UUID:
        """Insert a ledger row for January."""
        return self.period(self.the_line, JANUARY, FEBRUARY, **columns)

    def cycle(self, month: int, **columns: object) -> UUID:
        """Add an active billing cycle of one month of 2025."""
        cycle = self.new_id()
        dates = {
            "period_start_date": date(2025, month, 1),
            "period_end_date": date(2025, month + 1, 1),
        }
        self.insert(
            "billing.client_billing_cycles",
            **{
                "billing_cycle_id": cycle,
                "client_id": self.client_id,
                "billing_profile_id": self.profile,
                "billing_cycle": "monthly",
                "effective_date": JANUARY,
                **dates,
                **columns,
            },
        )
        return cycle

    def row_from(self, start: date) -> UUID:
        """Return the live row of the line that starts on a day."""
        [row] = [
            row
            for row in self.ledger(self.the_line)
            if row["service_period_start"] == start and row["lifecycle_state"] != "superseded"
        ]
        record: UUID = row["record_id"]
        return record

    def last_row(self) -> UUID:
        """Return the last row of the line."""
        record: UUID = self.ledger(self.the_line)[-1]["record_id"]
        return record

    def find(self, check: str, as_of: date = AS_OF) -> list[Row]:
        """Return the findings of a check, in a transaction that cannot write."""
        with self.database.transaction(force_rollback=True):
            self.database.execute("SET TRANSACTION READ ONLY")
            rows = select(self.database, f"check_{check}", {"tenant": self.tenant, "as_of": as_of})
        assert all(list(row) == COLUMNS and row["check_name"] == check for row in rows)
        return rows

    def find_one(self, check: str, key: object, severity: str = "error", **options: Any) -> Row:
        """Return the only finding of a check, which must be of this object and severity."""
        [row] = self.find(check, **options)
        assert (row["object_key"], row["severity"]) == (str(key), severity)
        return row

    def repair(self, finding: Row) -> list[tuple[Any, ...]]:
        """Run the statement that a finding names; return what it gives."""
        return self.database.execute(finding["repair_call"]).fetchall()

    def update(self, table: str, change: str, **key: object) -> None:
        """Change the rows of the tenant with this key."""
        where = "".join(f" AND {name} = %({name})s" for name in key)
        self.database.execute(
            f"UPDATE {table} SET {change} WHERE tenant = %(tenant)s{where}",
            {**key, "tenant": self.tenant},
        )

    def spoil(self, record: UUID, change: str) -> None:
        """Change a ledger row past its guards."""
        with self.unguarded():
            self.update(LEDGER, change, record_id=record)

    def delete(self, record: UUID) -> None:
        """Delete a ledger row."""
        self.database.execute(
            f"DELETE FROM {LEDGER} WHERE tenant = %s AND record_id = %s", (self.tenant, record)
        )

    @contextmanager
    def unguarded(self) -> Iterator[None]:
        """Switch every trigger off, foreign keys included, as only a superuser can."""
        self.database.execute("SET session_replication_role = replica")
        try:
            yield
        finally:
            self.database.execute("RESET session_replication_role")
