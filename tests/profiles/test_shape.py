"""The source's tables are as their facts list them, and hold the books."""

import pytest
from psycopg import sql

from tests.conftest import Database
from tests.profiles.loading import load_alga, load_rental
from tests.profiles.shape import ALGA, RENTAL, Shape


def loaded(database: Database, shape: Shape, schema: str) -> None:
    database.execute(sql.SQL("CREATE SCHEMA {}").format(sql.Identifier(schema)))
    (load_alga if shape == ALGA else load_rental)(database, schema)


@pytest.mark.parametrize("shape", [ALGA, RENTAL], ids=lambda shape: shape.name)
def test_every_column_and_key(empty_database: Database, shape: Shape) -> None:
    loaded(empty_database, shape, "Other one")
    listed = {
        (table, column["column_name"], column["nullable"])
        for table, columns in shape.columns().items()
        for column in columns
    }
    found = empty_database.execute(
        "SELECT table_name, column_name, is_nullable FROM information_schema.columns"
        " WHERE table_schema = 'Other one'"
    ).fetchall()
    assert set(found) == listed
    keys = empty_database.execute(
        "SELECT count(*) FROM pg_constraint"
        " WHERE connamespace = '\"Other one\"'::regnamespace AND contype IN ('p', 'u', 'f')"
    ).fetchone()
    assert keys == ({"alga": 55, "rental": 11}[shape.name],)


def test_the_books(empty_database: Database) -> None:
    loaded(empty_database, ALGA, "psa")
    counts = empty_database.execute(
        "SELECT (SELECT count(*) FROM psa.clients), (SELECT count(*) FROM psa.contract_lines),"
        " (SELECT count(*) FROM psa.client_billing_cycles), (SELECT count(*) FROM psa.invoices),"
        " (SELECT count(*) FROM psa.recurring_service_periods)"
    ).fetchone()
    assert counts == (98, 342, 1402, 763, 4706)


def test_the_rent_books(empty_database: Database) -> None:
    """All but the 27 payments of a unit that is not there."""
    loaded(empty_database, RENTAL, "rent")
    counts = empty_database.execute(
        "SELECT (SELECT count(*) FROM rent.units), (SELECT count(*) FROM rent.tenant_units),"
        " (SELECT count(*) FROM rent.payments), (SELECT count(*) FROM rent.charges)"
    ).fetchone()
    assert counts == (180, 192, 2501 - 27, 633)
