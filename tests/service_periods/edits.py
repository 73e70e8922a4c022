"""What the tests of single edits share: a schedule of three months, its events, its refusals."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg.rows import dict_row

from tests.service_periods.books import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    Books,
    Line,
    Row,
    fingerprint,
)

INVALID = "the edit is invalid"
NOT_PERMITTED = "the state of the ledger row does not permit the operation"


#: What becomes of a locked row, and of the days of an archived one; behind the boundary.
LOCKED_HINTS = (
    "Invoice it as it is, or archive it: a backfill then makes its period anew, where it is still"
    " wanted.",
    "Invoice it as it is, or archive it: its days behind the billed boundary are made anew only"
    " where a history gap is accepted.",
)
ARCHIVED_HINTS = (
    "An archived row stays as it is; a backfill makes its period anew, where it is still wanted.",
    "An archived row stays as it is; its days behind the billed boundary are made anew only where a"
    " history gap is accepted.",
)


@dataclass
class Months:
    """A line with January, February and March in the ledger."""

    books: Books
    line: Line
    january: UUID
    february: UUID
    march: UUID

    def row(self, record: UUID) -> Row:
        """Return a ledger row."""
        (row,) = (row for row in self.books.ledger(self.line) if row["record_id"] == record)
        return row


def months(books: Books, /, **february: object) -> Months:
    """Make the three months; February with columns of its own."""
    line = books.line()
    return Months(
        books,
        line,
        books.period(line, JANUARY, FEBRUARY),
        books.period(line, FEBRUARY, MARCH, **february),
        books.period(line, MARCH, APRIL),
    )


def state(books: Books, lifecycle_state: str) -> Months:
    """Make the three months, February in a state."""
    if lifecycle_state != "billed":
        return months(books, lifecycle_state=lifecycle_state)
    line = books.line()
    return Months(
        books,
        line,
        books.period(line, JANUARY, FEBRUARY),
        books.billed(line, FEBRUARY, MARCH),
        books.period(line, MARCH, APRIL),
    )


def events(books: Books) -> list[Row]:
    """Return the audit of a tenant, oldest first."""
    cursor = books.database.cursor(row_factory=dict_row)
    return cursor.execute(
        "SELECT * FROM billing.service_period_events WHERE tenant = %s"
        " ORDER BY acted_at, record_id",
        (books.tenant,),
    ).fetchall()


def refusal(books: Books, procedure: str, /, **arguments: Any) -> psycopg.errors.Diagnostic:
    """Return how a call is refused, after a look that nothing was written."""
    before = fingerprint(books.database)
    with pytest.raises(psycopg.Error) as raised:
        books.perform(procedure, **arguments)
    assert fingerprint(books.database) == before
    return raised.value.diag


def assert_refused(
    diagnosis: psycopg.errors.Diagnostic, sqlstate: str, message: str, detail: str, hint: str
) -> None:
    """Compare what a refusal says, word by word."""
    assert diagnosis.sqlstate == sqlstate
    assert diagnosis.message_primary == message
    assert diagnosis.message_detail == detail
    assert diagnosis.message_hint == hint


def assert_revised(months: Months, new: UUID, changed: Mapping[str, object]) -> Row:
    """Check a superseding revision of February: what it says, its lineage and its event."""
    old, row = months.row(months.february), months.row(new)
    assert old["lifecycle_state"] == "superseded"
    expected = old | {
        "record_id": new,
        "revision": old["revision"] + 1,
        "provenance_kind": "user_edited",
        "source_rule_version": "operator-edit",
        "supersedes_record_id": months.february,
        "created_at": old["updated_at"],
        "updated_at": old["updated_at"],
    }
    assert row == expected | dict(changed)
    ((predicted,),) = months.books.database.execute(
        "SELECT billing.service_period_record_id(%s, %s, %s)",
        (row["schedule_key"], row["period_key"], row["revision"]),
    )
    assert new == predicted
    return row
