"""Books from the tables of another system into a folder of CSV files, read in one snapshot.

Nothing of ours needs to be there: which files there are, and the query of each, is rendered.
"""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from uuid import NAMESPACE_URL, UUID, uuid5

import psycopg

from duecourse import profile, surface
from duecourse.adopted import config_of
from duecourse.config import Config
from duecourse.database import Connection, query
from duecourse.errors import DuecourseError, ExitStatus, from_database_error
from duecourse.files import private
from duecourse.profile import NATIVE, Adoption

#: The statement that lists the books of a profile, and the one for where it was adopted.
_LISTS = {"alga": "export_alga", "rental": "export_rental"}
_LISTS_ADOPTED = {"alga": "export_adopted_alga", "rental": "export_adopted_rental"}

#: What is told while it goes: the file, its rows so far, and about how many there will be; None
#: once it is whole.
OnRows = Callable[[str, int, int | None], None]


def export_books(
    connection: Connection,
    profile_name: str,
    folder: Path,
    *,
    source: str | None = None,
    tenant: UUID | None = None,
    on_rows: OnRows = lambda file, rows, about: None,
) -> dict[str, int]:
    """Write the books of a profile into an empty folder; return the rows of each table.

    Of tables that know of several tenants, ``tenant`` is the one to export (None: all of them); of
    others, whose books they become. The connection must be in autocommit, outside a transaction.
    """
    _prepare(folder)
    written: list[Path] = []
    rows: dict[str, int] = {}
    recorded = config_of(connection)
    config = _config(connection, recorded, profile_name, source, tenant)
    lists = _LISTS if recorded.adoption.profile == NATIVE.name else _LISTS_ADOPTED
    try:
        with surface.snapshot(connection):
            # Rather an error than rows that a policy hides.
            connection.execute("SET LOCAL row_security = off")
            connection.execute("SET LOCAL search_path = pg_catalog")
            for file, table, about, text in query(connection, lists[profile_name], config):
                written.append(folder / file)
                rows[table] = _copy(connection, table, text, folder / file, about, on_rows)
    except BaseException:
        for path in written:
            path.unlink(missing_ok=True)
        raise
    return rows


def _prepare(folder: Path) -> None:
    """Make the folder; refuse one that holds anything."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise DuecourseError(
            f"the folder {folder} is not empty",
            "name one that is, or that is not there yet",
            exit_status=ExitStatus.REFUSED,
        )


def _config(
    connection: Connection,
    recorded: Config,
    profile_name: str,
    source: str | None,
    tenant: UUID | None,
) -> Config:
    """Return the settings under which the queries are rendered."""
    adoption = recorded.adoption
    if adoption.profile == NATIVE.name:
        adoption = Adoption(profile_name)
    elif adoption.profile != profile_name or source not in (None, adoption.source):
        raise DuecourseError(
            f"the database was adopted as {adoption.profile} (schema {adoption.source})",
            f"export that: duecourse export {adoption.profile} FOLDER",
            exit_status=ExitStatus.REFUSED,
        )
    if profile.of(profile_name).one_tenant:
        info = connection.info
        tenant = tenant or adoption.tenant or uuid5(NAMESPACE_URL, f"duecourse:{info.dbname}")
    return replace(
        recorded, adoption=replace(adoption, source=source or adoption.source, tenant=tenant)
    )


def _copy(
    connection: Connection, table: str, text: str, path: Path, about: int, on_rows: OnRows
) -> int:
    """Write one file; return its rows."""
    statement = f"COPY ({text}) TO STDOUT (FORMAT csv, HEADER, ENCODING 'UTF8')"
    rows = -1
    try:
        with (
            private(path, "wb") as file,
            connection.cursor().copy(statement.encode()) as copy,
        ):
            for line in copy:
                file.write(line)
                rows += 1
                on_rows(path.name, rows, about)
        on_rows(path.name, rows, None)
    except psycopg.Error as error:
        known = from_database_error(error)
        raise DuecourseError(
            f"{table} cannot be read: {known.message}",
            "see which database, schema (--schema) and role it is; nothing was exported",
            sqlstate=known.sqlstate,
        ) from error
    return rows
