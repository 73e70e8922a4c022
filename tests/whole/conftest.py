"""The books and a database that holds them."""

from tests.books import books_database, books_dsn, books_server

__all__ = ["books_database", "books_dsn", "books_server"]
