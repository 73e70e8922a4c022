"""Which clients of a tenant a text may mean."""

from uuid import UUID

import psycopg
import pytest

from tests.conftest import Database
from tests.permissions.roles import roles_of
from tests.service_periods.books import Books


@pytest.fixture(scope="module")
def books(shared_database: Database) -> Books:
    """Return a tenant with four clients, beside one that has a client of the same name."""
    books = Books(shared_database)
    for name in ("Bramble", "Bramble Bakery", "bramble bakery", "Cinder"):
        books.insert("billing.clients", client_id=books.new_id(), client_name=name,
                     billing_cycle="monthly")  # fmt: skip
    other = Books(shared_database)
    other.insert("billing.clients", client_id=other.new_id(), client_name="Bramble",
                 billing_cycle="monthly")  # fmt: skip
    return books


def found(database: Database, tenant: UUID, text: str | None) -> list[str]:
    """Return the names of the clients that a text may mean."""
    rows = database.execute(
        "SELECT client_name FROM billing.find_clients(p_tenant => %s, p_text => %s)", (tenant, text)
    )
    return [name for (name,) in rows]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bramble", ["Bramble"]),
        ("Bramble Bakery", ["Bramble Bakery"]),
        ("BRAMBLE BAKERY", ["Bramble Bakery", "bramble bakery"]),
        ("bram", ["Bramble", "Bramble Bakery", "bramble bakery"]),
        ("Bakery", []),
        (None, []),
    ],
)
def test_a_text_means_what_is_nearest(books: Books, text: str | None, expected: list[str]) -> None:
    assert found(books.database, books.tenant, text) == expected


def test_whoever_may_do_something_finds_them(books: Books) -> None:
    with roles_of(books.database) as roles:
        role = roles.make("operator")
        roles.grant(Books(books.database).tenant, role, "view")
        with roles.login(role) as login:
            with pytest.raises(psycopg.errors.InsufficientPrivilege) as raised:
                found(login, books.tenant, "bram")
            assert role in str(raised.value.diag.message_detail)
            assert "CALL ops.grant_permission" in str(raised.value.diag.message_hint)
            roles.grant(books.tenant, role, "manage_future")
            assert found(login, books.tenant, "cind") == ["Cinder"]
