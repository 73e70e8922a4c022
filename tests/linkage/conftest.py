"""Small books that are billed."""

from tests.invoices.conftest import books

__all__ = ["books"]
