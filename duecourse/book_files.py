"""The CSV files of books: which of a folder they are, and their lines as fields of text."""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from uuid import UUID

from psycopg import sql

from duecourse.config import Config
from duecourse.database import Connection
from duecourse.errors import DuecourseError

MANIFEST = "manifest.json"
UNTOUCHED = "nothing was written"

#: Under whom lines are staged that name no tenant; such lines are never imported.
_NOBODY = str(UUID(int=0))
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)

Opener = Callable[[Path], BinaryIO]


@dataclass(frozen=True)
class BookFile:
    """The CSV file of a table, the books it belongs to, and those of its columns that are read.

    The header has all of them, but for those that are ``optional``.
    """

    books: str
    table: str
    path: Path
    columns: tuple[str, ...]
    optional: frozenset[str]


def find_files(
    connection: Connection, config: Config, folder: Path
) -> tuple[list[BookFile], list[str]]:
    """Return the files of the books in their order, and warnings about columns not known.

    A folder holds the books of which it has more files. The manifest may name other files and
    announce further columns; it cannot take a column away.
    """
    query = sql.SQL(
        "SELECT books_name, file_name, table_name,"
        " pg_catalog.array_agg(column_name ORDER BY column_position),"
        " pg_catalog.array_agg(column_name) FILTER (WHERE is_optional),"
        " pg_catalog.bool_or(file_is_optional) FROM {}.import_columns()"
        " GROUP BY books_name, file_name, table_name ORDER BY books_name DESC, file_name"
    ).format(sql.Identifier(config.ops))
    manifest = _read_manifest(folder)
    found: dict[str, list[BookFile]] = {}
    for books, name, table, columns, optional, may_be_missing in connection.execute(query):
        path = folder / manifest.get(table, (name, set()))[0]
        if may_be_missing and not path.exists():
            continue
        file = BookFile(books, table, path, tuple(columns), frozenset(optional or ()))
        found.setdefault(books, []).append(file)
    files = max(found.values(), key=lambda files: sum(file.path.is_file() for file in files))
    warnings = []
    for file in files:
        known = manifest.get(file.table, ("", set()))[1].union(file.columns)
        extra = [column for column in _read_header(file) if column not in known]
        warnings += [f"{file.path.name}: the column {column!r} is not read" for column in extra]
    return files, warnings


def records(text: TextIO, columns: frozenset[str]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield the number of the line where a record begins, and its fields that are not empty.

    What is wrong with a record as a whole stands under the empty name.
    """
    reader = csv.reader(text, strict=True)
    header = next(reader)
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield number, _broken({}, None, f"is not CSV: {error}")
            continue
        if not values:
            continue
        fields: dict[str, Any] = {
            name: value
            for name, value in zip(header, values, strict=False)
            if value and name in columns
        }
        if len(values) != len(header):
            _broken(fields, None, f"has {len(values)} fields, the header has {len(header)}")
        if not "".join(values).isprintable():
            _clean(fields)
        yield number, fields


def _clean(fields: dict[str, Any]) -> None:
    """Mark and replace what is no text of the database: other bytes than UTF-8, and NUL."""
    for name, value in [*fields.items()]:
        if not isinstance(value, str):
            continue
        text = value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        if "\0" in text:
            _broken(fields, name, "holds a NUL byte")
        elif text != value:
            _broken(fields, name, "is not UTF-8")
        fields[name] = text.replace("\0", "\N{REPLACEMENT CHARACTER}")


def tenant_of(fields: dict[str, Any]) -> str:
    """Return whose record it is; one that names no tenant is broken, and nobody's."""
    tenant = fields.get("tenant", "")
    if _UUID.fullmatch(tenant):
        return str(tenant).lower()
    _broken(fields, "tenant", "is not a UUID" if tenant else "is empty")
    return _NOBODY


def _broken(fields: dict[str, Any], column: str | None, reason: str) -> dict[str, Any]:
    fields.setdefault("", {"column": column, "reason": reason})
    return fields


def _read_manifest(folder: Path) -> dict[str, tuple[str, set[str]]]:
    """Return the file and the columns of each table; without a manifest, nothing."""
    path = folder / MANIFEST
    with suppress(ValueError, LookupError, TypeError, RecursionError):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except FileNotFoundError:
            return {}
        return {
            table["table"]: (
                Path(table["file"]).name,
                {c if isinstance(c, str) else c["name"] for c in table["columns"]},
            )
            for table in json.loads(text)["tables"]
        }
    raise DuecourseError(f"{path} is not a manifest of books", "correct it or take it away")


def _read_header(book: BookFile) -> list[str]:
    """Return the names in the first line; the columns of the table must be among them, once."""
    path = book.path
    try:
        with as_text(open_book(path)) as text:
            header = next(csv.reader(text, strict=True), [])
        if any("\0" in name or not _is_utf8(name) for name in header):
            raise DuecourseError(
                f"{path.name}, line 1: is not UTF-8", f"save the file as UTF-8; {UNTOUCHED}"
            )
    except csv.Error as error:
        raise DuecourseError(f"{path.name}, line 1: is not CSV: {error}", UNTOUCHED) from error
    for column in book.columns:
        if header.count(column) != 1 and (column in header or column not in book.optional):
            wrong = "is there twice" if column in header else "is missing"
            raise DuecourseError(f"{path.name}, line 1: the column {column} {wrong}", UNTOUCHED)
    return header


def _is_utf8(text: str) -> bool:
    return not any("\udc80" <= sign <= "\udcff" for sign in text)


def open_book(path: Path) -> BinaryIO:
    """Open a file of the books to read."""
    try:
        return path.open("rb")
    except OSError as error:
        raise DuecourseError(
            f"cannot read {path}: {error.strerror}", f"the books need it; {UNTOUCHED}"
        ) from error


def as_text(file: BinaryIO) -> TextIO:
    """Read UTF-8, with or without a byte order mark; other bytes come as surrogates."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")
