"""Books from a folder of CSV files into the database, in one transaction.

Python reads lines: what a table, a column and a readable value is, the database says
(``ops.import_columns``). Every line goes to ``ops.import_lines`` by COPY, broken ones with what
is wrong with them, and ``billing.import_books`` or ``ledger.import_rent`` maps the lines of a
tenant, or refuses them all; then ``import_faults`` names every one that cannot be read.
"""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
from psycopg import sql

from duecourse.book_files import UNTOUCHED, BookFile, Opener, as_text, open_book, records, tenant_of
from duecourse.config import Config
from duecourse.database import Connection
from duecourse.errors import DuecourseError
from duecourse.files import private

REJECTS_HEADER = ("file", "line", "column", "value", "reason")
DIFFERENCES_HEADER = ("file", "line", "column", "existing", "imported", "outcome")

_UNREADABLE_LINE = "DC007"

#: Of books by name: the schema, what maps them, and what names the lines that cannot be read.
_ROUTINES = {"service": ("billing", "import_books", "import_faults")}
_ROUTINES["rent"] = ("ledger", "import_rent", "import_rent_faults")

#: What became of the lines by table, and what the books of their tenants hold now.
Summary = dict[str, Any]


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
        tenants = sorted(_stage(connection, config, files, key, open_file or open_book))
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
    names = {file.table: file.path.name for file in files}
    for line in [*summary.get("differences", []), *summary.get("duplicate_rents", [])]:
        line["file"] = names[line.pop("table")]
    return summary


def write_differences(summary: Summary, path: Path) -> list[tuple[Any, ...]]:
    """Write every column in which a line differs from its row to a file, if there are any.

    Return them, those of rows that stay as they are first.
    """
    found = [
        (line["file"], line["line"], column, *values, line["outcome"])
        for line in sorted(summary.get("differences", []), key=lambda line: line["outcome"])
        for column, values in line["columns"].items()
    ]
    if found:
        with private(path, "w", encoding="utf-8", newline="") as target:
            csv.writer(target, lineterminator="\n").writerows([DIFFERENCES_HEADER, *found])
    return found


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
            with as_text(open_file(book.path)) as text:
                for number, fields in records(text, frozenset(book.columns)):
                    tenant = tenant_of(fields)
                    tenants.add(tenant)
                    copy.write_row((tenant, key, book.table, number, json.dumps(fields)))
    return tenants


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
        f"{where}: {reason}; {UNTOUCHED}",
        f"correct all that {rejects} lists ({faults}) and import again",
        sqlstate=_UNREADABLE_LINE,
    )


def _add(total: Summary, found: Summary) -> None:
    for name, value in found.items():
        if isinstance(value, dict):
            _add(total.setdefault(name, {}), value)
        elif isinstance(value, list):
            total.setdefault(name, []).extend(value)
        else:
            total[name] = total.get(name, 0) + value
