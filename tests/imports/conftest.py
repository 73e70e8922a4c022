"""Importing books: the fixtures, and what a database holds byte for byte."""

from tests.books import books, books_database, books_dsn, books_server

__all__ = ["books", "books_database", "books_dsn", "books_server"]
