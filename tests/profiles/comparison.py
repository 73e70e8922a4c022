"""A question put to a native database and to an adopted one: the answers are the same rows."""

from collections import Counter
from typing import Any

from tests.conftest import Database

#: The relations of schema billing that are tables natively and views in an adopted database.
RELATIONS = (
    "tenants", "clients", "client_billing_settings", "client_billing_profiles",
    "client_billing_cycles", "contracts", "client_contracts", "contract_lines",
    "contract_line_configurations", "invoices", "invoice_charges", "invoice_charge_details",
    "recurring_service_periods",
)  # fmt: skip


def answer(connection: Database, query: str, values: Any = None) -> Counter[str]:
    """Return the rows of a query as text, each with how often it is there."""
    rows = connection.execute(
        f"SELECT q::text FROM ({query}) AS q".encode(),
        values,
    )
    return Counter(text for (text,) in rows)


def difference(
    native: Database, adopted: Database, query: str, values: Any = None
) -> tuple[list[str], list[str]]:
    """Return the rows that the native database alone gives, and those that the adopted one does."""
    there, here = answer(native, query, values), answer(adopted, query, values)
    return sorted((there - here).elements()), sorted((here - there).elements())


def assert_same(native: Database, adopted: Database, query: str, values: Any = None) -> None:
    """Assert that the query gives the same rows, and some."""
    assert difference(native, adopted, query, values) == ([], [])
    assert answer(native, query, values)
