"""The lock of a tenant: its wait ends where the lock is, and with the transaction."""

import pytest

from tests.conftest import Database
from tests.service_periods.books import Books

SETTINGS = (
    "SELECT current_setting('lock_timeout'),"
    " coalesce(current_setting('citus.propagate_set_commands', true), '')"
)


@pytest.mark.parametrize(
    ("given", "expected"), [("'90 ms'", "90ms"), ("'0'", "1ms"), ("'2 s'", "2s"), ("NULL", "7s")]
)
def test_the_bound_is_of_the_transaction(
    shared_database: Database, given: str, expected: str
) -> None:
    books = Books(shared_database)
    shared_database.execute("SET lock_timeout = '7 s'")
    with shared_database.transaction():
        shared_database.execute(f"SELECT ops._lock_tenant(%s, {given})".encode(), (books.tenant,))
        assert shared_database.execute(SETTINGS).fetchall() == [(expected, "local")]
    assert shared_database.execute(SETTINGS).fetchall() == [("7s", "")]
    shared_database.execute("RESET lock_timeout")
