"""An obligation of which something changes, and how a change is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random
from typing import LiteralString
from uuid import UUID

from psycopg import sql

from tests.conftest import Database
from tests.invoices.days import Life, Period

Statement = sql.Composable

#: What may refuse an act: an invoice that is gone, a state, what is billed, replaced or accepted.
REFUSALS = {"DC003", "DC101", "DC104", "DC303", "23503", "23P01"}


@dataclass(frozen=True)
class Scene:
    """An obligation on a day, the clients that it may have, and the die by which an act chooses."""

    tenant: UUID
    life: Life
    clients: Sequence[str]
    today: date
    random: Random

    def near(self) -> date:
        """Return a day at the edge of a row, of a span or of today, or some days off."""
        life = self.life
        edges = [self.today, *(day for row in life.periods for day in row.covered)]
        edges += [day for a in life.assignments for day in (a.start, a.end) if day]
        days = [day for day in edges if abs((day - self.today).days) < 100] or [self.today]
        return self.random.choice(days) + timedelta(self.random.choice((0, 0, 0, 1, -1, 5, -9, 31)))

    def new_id(self) -> UUID:
        """Return an id."""
        return UUID(int=self.random.getrandbits(128))

    def behind(self) -> list[Period]:
        """Return the unbilled rows behind the boundary, else all of them."""
        fence = self.life.boundary() or date.min
        unbilled = [row for row in self.life.periods if not row.is_billed]
        return [row for row in unbilled if row.covered[1] <= fence] or unbilled

    def update(
        self, table: LiteralString, key: LiteralString, value: object, **columns: object
    ) -> list[Statement]:
        """Change a row."""
        sets = (sql.SQL("{} = {}").format(sql.Identifier(k), v) for k, v in columns.items())
        return [
            sql.SQL("UPDATE billing.{} SET {} WHERE tenant = {} AND {} = {}").format(
                sql.Identifier(table), sql.SQL(", ").join(sets), self.tenant, sql.Identifier(key),
                value,
            )
        ]  # fmt: skip

    def insert(self, table: LiteralString, **columns: object) -> Statement:
        """Add a row."""
        columns = {"tenant": self.tenant, **columns}
        return sql.SQL("INSERT INTO billing.{} ({}) VALUES ({})").format(
            sql.Identifier(table),
            sql.SQL(", ").join(map(sql.Identifier, columns)),
            sql.SQL(", ").join(map(sql.Literal, columns.values())),
        )

    def call(self, procedure: LiteralString, **arguments: object) -> list[Statement]:
        """CALL a procedure."""
        named = (
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{name}"), value)
            for name, value in {"tenant": self.tenant, **arguments}.items()
        )
        return [
            sql.SQL("CALL billing.{}({})").format(
                sql.Identifier(procedure), sql.SQL(", ").join(named)
            )
        ]


_ATTEMPT = """
    CREATE OR REPLACE FUNCTION pg_temp.attempt(p_statement text) RETURNS text
    LANGUAGE plpgsql AS $$
    BEGIN
        EXECUTE p_statement;
        RETURN NULL;
    EXCEPTION WHEN OTHERS THEN
        RETURN SQLSTATE || ' ' || SQLERRM;
    END
    $$
"""


def attempt(database: Database, statements: list[Statement]) -> list[str | None]:
    """Perform statements one after the other; return what refused each, None if nothing did."""
    database.execute(_ATTEMPT)
    return [
        database.execute("SELECT pg_temp.attempt(%s)", (one.as_string(database),)).fetchall()[0][0]
        for one in statements
    ]
