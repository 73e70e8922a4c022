"""A charge ledger of the test's own, and a Stripe inbox."""

import pytest

from tests.charges.owner import Owner
from tests.charges.stripe_inbox import Inbox
from tests.conftest import Database


@pytest.fixture
def owner(shared_database: Database) -> Owner:
    """Return an owner with two units, in a database that the tests of a module share."""
    return Owner(shared_database)


@pytest.fixture
def inbox(shared_database: Database) -> Inbox:
    """Return the empty inbox of a tenant of the test's own."""
    return Inbox(shared_database)
