"""Books from a folder of CSV files into the database, in one transaction.

Python reads lines: what a table, a column and a readable value is, the database says
(``ops.import_columns``). Every line goes to ``ops.import_lines`` by COPY, broken ones with what
is wrong with them, and ``billing.import_books`` or ``ledger.import_rent`` maps the lines of a
tenant, or refuses them all; then ``import_faults`` names every one that cannot be read.
"""

import csv
import io
import json
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO
from uuid import UUID, uuid4

import psycopg
from psycopg import sql

from duecourse.config import Config
from duecourse.database import Connection
from duecourse.errors import DuecourseError
from duecourse.files import private

MANIFEST = "manifest.json"
REJECTS_HEADER = ("file", "line", "column", "value", "reason")

#: Under whom lines are staged that name no tenant; such lines are never imported.
_NOBODY = str(UUID(int=0))
_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_UNREADABLE_LINE = "DC007"
_UNTOUCHED = "nothing was written"

Opener = Callable[[Path], BinaryIO]


@dataclass(frozen=True)
class BookFile:
    """The CSV file of a table, the books it belongs to, and those of its columns that are read."""

    books: str
    table: str
    path: Path
    columns: tuple[str, ...]


#: Of books by name: the schema, what maps them, and what names the lines that cannot be read.
_ROUTINES = {"service": ("billing", "import_books", "import_faults")}
_ROUTINES["rent"] = ("ledger", "import_rent", "import_rent_faults")

#: What became of the lines by table, and what the books of their tenants hold now.
Summary = dict[str, Any]


def find_files(
    connection: Connection, config: Config, folder: Path
) -> tuple[list[BookFile], list[str]]:
    """Return the files of the books in their order, and warnings about columns not known.

    A folder holds the books of which it has more files. The manifest may name other files and
    announce further columns; it cannot take a column away.
    """
    query = sql.SQL(
        "SELECT books_name, file_name, table_name,"
        " pg_catalog.array_agg(column_name ORDER BY column_position) FROM {}.import_columns()"
        " GROUP BY books_name, file_name, table_name ORDER BY books_name DESC, file_name"
    ).format(sql.Identifier(config.ops))
    manifest = _read_manifest(folder)
    found: dict[str, list[BookFile]] = {}
    for books, name, table, columns in connection.execute(query):
        path = folder / manifest.get(table, (name, set()))[0]
        found.setdefault(books, []).append(BookFile(books, table, path, tuple(columns)))
    files = max(found.values(), key=lambda files: sum(file.path.is_file() for file in files))
    warnings = []
    for file in files:
        known = manifest.get(file.table, ("", set()))[1].union(file.columns)
        extra = [column for column in _read_header(file) if column not in known]
        warnings += [f"{file.path.name}: the column {column!r} is not read" for column in extra]
    return files, warnings


def import_books(
    connection: Connection,
    config: Config,
    files: list[BookFile],
    *,
    rejects: Path,
    dry_run: bool = False,
    open_file: Opener | None = None,
    on_tenant: Callable[[int, int], None] = lambda done, total: None,
) -> Summary:
    """Import all files in one transaction, or nothing.

    When a line cannot be read, every such line goes to ``rejects`` and the error names the first.
    The connection must be in autocommit and outside a transaction.
    """
    key = str(uuid4())
    summary: Summary = {"tenants": 0, "tables": {file.table: {} for file in files}}
    with connection.transaction(force_rollback=dry_run):
        tenants = sorted(_stage(connection, config, files, key, open_file or _open))
        try:
            for done, tenant in enumerate(tenants):
                on_tenant(done, len(tenants))
                with connection.transaction():
                    found = _map(connection, config, files[0].books, tenant, key)
                _add(summary, {"tenants": 1, **found})
        except psycopg.DatabaseError as error:
            if error.sqlstate != _UNREADABLE_LINE:
                raise
            raise _reject(connection, config, files, tenants, key, rejects) from error
    summary["tables"] = {table: counts for table, counts in summary["tables"].items() if counts}
    return summary


def _stage(
    connection: Connection, config: Config, files: list[BookFile], key: str, open_file: Opener
) -> set[str]:
    """Copy every line into the staging table and return the tenants seen."""
    target = sql.SQL(
        "COPY {}.import_lines (tenant, import_key, file_name, line_number, fields) FROM STDIN"
    ).format(sql.Identifier(config.ops))
    tenants = set()
    with connection.cursor().copy(target) as copy:
        for book in files:
            with _text(open_file(book.path)) as text:
                for number, fields in _lines(text, frozenset(book.columns)):
                    tenant = _tenant_of(fields)
                    tenants.add(tenant)
                    copy.write_row((tenant, key, book.table, number, json.dumps(fields)))
    return tenants


def _lines(text: TextIO, columns: frozenset[str]) -> Iterator[tuple[int, dict[str, Any]]]:
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


def _tenant_of(fields: dict[str, Any]) -> str:
    tenant = fields.get("tenant", "")
    if _UUID.fullmatch(tenant):
        return str(tenant).lower()
    _broken(fields, "tenant", "is not a UUID" if tenant else "is empty")
    return _NOBODY


def _broken(fields: dict[str, Any], column: str | None, reason: str) -> dict[str, Any]:
    fields.setdefault("", {"column": column, "reason": reason})
    return fields


def _map(connection: Connection, config: Config, books: str, tenant: str, key: str) -> Summary:
    schema, procedure, _ = _ROUTINES[books]
    name = sql.Identifier(getattr(config, schema), procedure)
    call = sql.SQL("CALL {}(p_tenant => %s, p_import_key => %s)").format(name)
    [(found,)] = connection.execute(call, (tenant, key))
    return dict(found)


def _reject(
    connection: Connection,
    config: Config,
    files: list[BookFile],
    tenants: list[str],
    key: str,
    rejects: Path,
) -> DuecourseError:
    """Write every line that cannot be read to a file; return the error that names the first."""
    schema, _, reading = _ROUTINES[files[0].books]
    name = sql.Identifier(getattr(config, schema), reading)
    query = sql.SQL("SELECT f.* FROM {}(%s, %s) AS f").format(name)
    names = {file.table: file.path.name for file in files}
    order = [*names]
    faults = 0
    first: tuple[Any, ...] | None = None
    with private(rejects, "w", encoding="utf-8", newline="") as target:
        writer = csv.writer(target, lineterminator="\n")
        writer.writerow(REJECTS_HEADER)
        for tenant in tenants:
            for table, *fault in connection.cursor().stream(query, (tenant, key)):
                writer.writerow((names[table], *fault))
                faults += 1
                place = (order.index(table), fault[0])
                first = min(first or (*place, fault), (*place, fault), key=lambda f: f[:2])
    assert first is not None
    number, column, value, reason = first[2]
    where = f"{names[order[first[0]]]}, line {number}"
    if column:
        where += f", column {column}"
    if value is not None:
        reason = f"{value[:60]!r} {reason}"
    return DuecourseError(
        f"{where}: {reason}; {_UNTOUCHED}",
        f"correct all that {rejects} lists ({faults}) and import again",
        sqlstate=_UNREADABLE_LINE,
    )


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
    """Return the names in the first line; every column of the table must be among them, once."""
    path = book.path
    try:
        with _text(_open(path)) as text:
            header = next(csv.reader(text, strict=True), [])
        if any("\0" in name or not _is_utf8(name) for name in header):
            raise DuecourseError(
                f"{path.name}, line 1: is not UTF-8", f"save the file as UTF-8; {_UNTOUCHED}"
            )
    except csv.Error as error:
        raise DuecourseError(f"{path.name}, line 1: is not CSV: {error}", _UNTOUCHED) from error
    for column in book.columns:
        if header.count(column) != 1:
            wrong = "is there twice" if column in header else "is missing"
            raise DuecourseError(f"{path.name}, line 1: the column {column} {wrong}", _UNTOUCHED)
    return header


def _is_utf8(text: str) -> bool:
    return not any("\udc80" <= sign <= "\udcff" for sign in text)


def _open(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise DuecourseError(
            f"cannot read {path}: {error.strerror}", f"the books need it; {_UNTOUCHED}"
        ) from error


def _text(file: BinaryIO) -> TextIO:
    """Read UTF-8, with or without a byte order mark; other bytes come as surrogates."""
    return io.TextIOWrapper(file, encoding="utf-8-sig", errors="surrogateescape", newline="")


def _add(total: Summary, found: Summary) -> None:
    for name, value in found.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), value)
        else:
            total[name] = total.get(name, 0) + value
