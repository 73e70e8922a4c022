"""The books, as the systems that they were taken from keep them: CSV into the source's tables.

What a book does not have is what the system's own default says, or filled in here.
"""

import csv
from collections.abc import Iterable
from io import StringIO

from psycopg import sql

from duecourse.sample_books import SAMPLE
from tests.books import BOOKS
from tests.conftest import Database
from tests.profiles.shape import ALGA, RENTAL
from tests.rent import RENT

#: Tables and the text of their CSV files, in the order in which they are read.
Tables = Iterable[tuple[str, str]]

#: The one column of the source that must have a value and is in no book.
_EMAIL = "ALTER TABLE {}.tenants ALTER COLUMN email {}"

#: How a rent book becomes rows of the rental system's tables. A day is kept as noon there: it is
#: the same day in every time zone of the books. A row without a unit cannot be kept at all, and of
#: refunds, dates of charges and what a reversal takes back the system has no column.
_NOON = "(({} + time '12:00') AT TIME ZONE p.timezone) AT TIME ZONE 'UTC'"
_RENT = {
    "properties": """
        INSERT INTO {source}.properties (id, name, address, timezone)
        SELECT property_id::uuid, name, 'none', timezone FROM book""",
    "units": """
        INSERT INTO {source}.units (id, property_id, unit_number, rent_amount_cents, rent_due_day)
        SELECT unit_id::uuid, property_id::uuid, unit_number, rent_amount_cents::integer,
            rent_due_day::integer
        FROM book""",
    "tenancies": f"""
        INSERT INTO {{source}}.tenant_units (id, user_id, unit_id, start_date, end_date, is_active)
        SELECT b.tenancy_id::uuid, b.tenant_user_id, u.id, {_NOON.format("b.start_on::date")},
            {_NOON.format("b.end_on::date")}, b.end_on IS NULL
        FROM book AS b
        JOIN {{source}}.units AS u ON u.id::text = b.unit_id
        JOIN {{source}}.properties AS p ON p.id = u.property_id""",
    "payments": f"""
        INSERT INTO {{source}}.payments (id, tenant_user_id, unit_id, amount_cents,
            stripe_session_id, stripe_payment_intent_id, payment_method, status, billing_period,
            paid_at, created_at)
        SELECT b.payment_id::uuid, b.tenant_user_id, u.id, b.amount_cents::integer,
            b.stripe_session_id, b.stripe_payment_intent_id, b.payment_method, b.status,
            coalesce(b.billing_period, ''), {_NOON.format("b.paid_on::date")},
            {_NOON.format("coalesce(b.created_on, b.paid_on)::date")}
        FROM book AS b
        JOIN {{source}}.units AS u ON u.id::text = b.unit_id
        JOIN {{source}}.properties AS p ON p.id = u.property_id""",
    "charges": f"""
        INSERT INTO {{source}}.charges (id, tenant_user_id, unit_id, type, description,
            amount_cents, billing_period, created_by, created_at)
        SELECT b.charge_id::uuid, b.tenant_user_id, u.id, b.type, b.description,
            b.amount_cents::integer, b.billing_period, b.created_by,
            {_NOON.format("b.effective_on::date")}
        FROM book AS b
        JOIN {{source}}.units AS u ON u.id::text = b.unit_id
        JOIN {{source}}.properties AS p ON p.id = u.property_id""",
}


def sample() -> Tables:
    """Return the books of the demo."""
    for file in sorted(SAMPLE.glob("*.csv")):
        yield file.stem.partition("_")[2], file.read_text(encoding="utf-8")


def load_alga(connection: Database, schema: str = "public", books: Tables | None = None) -> None:
    """Make the tables of the managed-services system, and fill them from the books, or others."""
    ALGA.create(connection, schema)
    fill_alga(connection, schema, BOOKS.tables() if books is None else books)


def fill_alga(connection: Database, schema: str, books: Tables) -> None:
    """Fill the tables of the managed-services system from books of further tenants."""
    where = sql.Identifier(schema)
    connection.execute(sql.SQL(_EMAIL).format(where, sql.SQL("SET DEFAULT 'books@example.org'")))
    for table, text in books:
        _copy(connection, sql.Identifier(schema, table), text)
    connection.execute(sql.SQL(_EMAIL).format(where, sql.SQL("DROP DEFAULT")))
    _analyze(connection, schema, list(ALGA.columns()))


def load_rental(connection: Database, schema: str = "public", books: Tables | None = None) -> None:
    """Make the tables of the rental system, and fill them from the rent books, or others."""
    RENTAL.create(connection, schema)
    for table, text in RENT.tables() if books is None else books:
        columns = next(csv.reader(StringIO(text)))
        connection.execute(
            sql.SQL("CREATE TEMPORARY TABLE book ({})").format(
                sql.SQL(", ").join(sql.SQL("{} text").format(sql.Identifier(c)) for c in columns)
            )
        )
        _copy(connection, sql.Identifier("book"), text)
        statement = sql.SQL(_RENT[table])
        connection.execute(statement.format(source=sql.Identifier(schema)))
        connection.execute("DROP TABLE book")
    _analyze(connection, schema, list(RENTAL.columns()))


def _copy(connection: Database, table: sql.Identifier, text: str) -> None:
    """Copy a CSV file with a header into the columns that it names."""
    columns = sql.SQL(", ").join(map(sql.Identifier, next(csv.reader(StringIO(text)))))
    statement = sql.SQL("COPY {} ({}) FROM STDIN (FORMAT csv, HEADER)").format(table, columns)
    with connection.cursor().copy(statement) as copy:
        copy.write(text)


def _analyze(connection: Database, schema: str, tables: list[str]) -> None:
    names = sql.SQL(", ").join(sql.Identifier(schema, table) for table in tables)
    connection.execute(sql.SQL("ANALYZE {}").format(names))
