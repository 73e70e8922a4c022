"""A small ledger with a row of each kind, and what it takes to break each rule."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.conftest import Database
from tests.service_periods.books import (
    APRIL,
    FEBRUARY,
    JANUARY,
    LEDGER,
    MARCH,
    Books,
    Row,
    insert,
)


class Scene:
    """One schedule: January generated over a superseded revision, February locked, March billed."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.books = Books(database)
        self.line = self.books.line()
        self.superseded = self.period(JANUARY, FEBRUARY, lifecycle_state="superseded")
        self.generated = self.period(
            JANUARY, FEBRUARY, revision=2, supersedes_record_id=self.superseded
        )
        self.locked = self.period(FEBRUARY, MARCH, lifecycle_state="locked")
        self.billed = self.books.billed(self.line, MARCH, APRIL)
        self.quarantined = self.period(
            JANUARY, FEBRUARY, revision=3, quarantine_reason="overlap", provenance_kind="repair"
        )

    def period(self, *dates: Any, **columns: object) -> UUID:
        """Insert a row of the schedule."""
        return self.books.period(self.line, *dates, **columns)

    def insert(self, **columns: object) -> None:
        """Insert a row of the schedule after all others, with some columns changed."""
        row = self.books.row(self.line, APRIL, APRIL.replace(month=5))
        insert(self.database, LEDGER, row | columns)

    def split(self, end: date, start: date) -> None:
        """Insert a row of April whose activity ends early, then one of the rest of it."""
        may = APRIL.replace(month=5)
        self.period(APRIL, may, activity_window_start=APRIL, activity_window_end=end)
        self.period(start, may)

    def update(self, record: UUID, **columns: object) -> None:
        """Update one row."""
        changes = ", ".join(f"{name} = %({name})s" for name in columns)
        self.database.execute(
            f"UPDATE {LEDGER} SET {changes}"
            " WHERE tenant = %(the_tenant)s AND record_id = %(the_id)s",
            {**columns, "the_tenant": self.books.tenant, "the_id": record},
        )

    def delete(self, record: UUID) -> None:
        """Delete one row."""
        self.database.execute(f"DELETE FROM {LEDGER} WHERE record_id = %s", (record,))

    @contextmanager
    def refused(self, sqlstate: str) -> "Iterator[pytest.ExceptionInfo[psycopg.Error]]":
        """Expect an error with this SQLSTATE and that the ledger stays as it is."""
        before = self.books.ledger()
        with pytest.raises(psycopg.Error) as raised, self.database.transaction():
            yield raised
        assert raised.value.sqlstate == sqlstate
        assert self.books.ledger() == before

    def state_of(self, record: UUID) -> str:
        """Return the state of a row."""
        return str(self.row_of(record)["lifecycle_state"])

    def row_of(self, record: UUID) -> Row:
        """Return a row."""
        (row,) = (row for row in self.books.ledger() if row["record_id"] == record)
        return row
