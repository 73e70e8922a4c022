"""A charge ledger of the test's own."""

from tests.charges.conftest import owner

__all__ = ["owner"]
