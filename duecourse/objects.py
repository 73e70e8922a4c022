"""Repeatable objects: views, routines, triggers and types, re-created when their text changes.

A file is applied when its rendered text differs from what ``ops.applied_objects`` has recorded, or
when what it made is no longer in the catalog as it was. All of it happens in one transaction.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

import psycopg
from psycopg import errors
from psycopg.types.json import Jsonb

from duecourse import __version__, frozen, locate
from duecourse.config import Config
from duecourse.database import Connection, query
from duecourse.render import render

STAGES = (
    "sql/types",
    "sql/ops",
    "sql/period_guards",
    "sql/sources",
    "sql/candidates",
    "sql/plan",
    "sql/charge_guards",
    "sql/charge_plan",
    "sql/balances",
    "sql/due",
    "sql/history",
    "sql/linkage",
    "sql/guidance",
    "sql/offline",
    "procedures/runs",
    "procedures/service_periods",
    "procedures/invoices",
    "procedures/charges",
    "procedures/imports",
    "procedures/permissions",
    "procedures/cutover",
    "verify",
)

#: The advisory lock of whoever changes the catalog, held to the end of each transaction.
CATALOG_LOCK = 0x0DC_0B1EC7

#: What opens the routines to the roles that hold a permission.
_GRANTING = "procedures/permissions/_grant_routines.sql.j2"

#: What fails beside the object as it was, and may not once that is dropped.
_NOT_REPLACEABLE = (
    errors.AmbiguousFunction,
    errors.InvalidFunctionDefinition,
    errors.InvalidTableDefinition,
    errors.WrongObjectType,
    errors.DuplicateFunction,
    errors.DuplicateObject,
    errors.DuplicateTable,
)

_TOKEN = re.compile(
    r"""(?P<ignored>\s+ | --[^\n]* | /\*.*?\*/)
    | [eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | [\w$]+ | (?:[+*<>=~!@\#%^&|`?]|-(?!-)|/(?!\*))+ | .""",
    re.VERBOSE | re.DOTALL,
)


class State(StrEnum):
    """How a file stands to the database."""

    APPLIED = "applied"
    NEW = "new"
    CHANGED = "changed"
    REWORDED = "reworded"  # comments and white space only
    DRIFTED = "drifted"  # the live catalog is not as the file made it
    REMOVED = "removed"


@dataclass(frozen=True)
class ObjectFile:
    """A file of the package with its rendered text; ``path`` is counted from the root."""

    path: str
    text: str

    @property
    def exact_checksum(self) -> str:
        """SHA-256 of the rendered text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    @property
    def loose_checksum(self) -> str:
        """SHA-256 of the rendered text without comments and white space."""
        return hashlib.sha256("\n".join(tokens(self.text)).encode()).hexdigest()


@dataclass(frozen=True)
class ObjectState:
    """A file's state; ``drift`` names the live objects that are not as they were applied."""

    path: str
    state: State
    drift: list[str] = field(default_factory=list)


def tokens(text: str) -> Iterator[str]:
    """Yield the words, signs and literals of SQL, in dollar-quoted bodies too, without comments."""
    return (match[0] for match in _TOKEN.finditer(text) if match["ignored"] is None)


def object_paths() -> list[str]:
    """Return the files of all stages in the order in which they are applied."""
    return [
        f"{stage}/{file.name}"
        for stage in STAGES
        for top, _, below in [stage.partition("/")]
        for file in sorted((locate.folder(top) / below).glob("*.sql.j2"))
    ]


def object_states(connection: Connection, config: Config) -> list[ObjectState]:
    """Compare the files, the record and the live catalog; reads only."""
    with connection.transaction():
        query(connection, "look")
        return _Catalog(connection, config).states()


def apply_objects(connection: Connection, config: Config) -> list[ObjectState]:
    """Bring the database to the files and return those that were not ``applied`` before.

    Works in one transaction, which may be the caller's. What is not the package's own and depends
    on an object that has to be dropped is never dropped: the error names it.
    """
    with connection.transaction():
        query(connection, "begin")
        query(connection, "wait_for_catalog", key=CATALOG_LOCK)
        frozen.compare(connection, config)
        return _Catalog(connection, config).apply()


@dataclass(frozen=True)
class _Record:
    exact_checksum: str
    loose_checksum: str
    catalog: dict[str, str]


#: Of an object: the oid of its catalog and its own.
_Address = tuple[int, int]


class _Live(NamedTuple):
    identity: str
    name: str
    checksum: str


class _Catalog:
    """The files, the records and the live objects of one database."""

    def __init__(self, connection: Connection, config: Config) -> None:
        self._connection = connection
        self._config = config
        self._files = {path: ObjectFile(path, render(path, config)) for path in object_paths()}
        self._records = self._read_records()
        self._gone = [path for path in self._records if path not in self._files]
        self._todo: set[str] = set()
        self._made: dict[str, set[_Address]] = {}
        self._grants: dict[str, list[str]] = {}

    def states(self) -> list[ObjectState]:
        """Return a state a file, and one for each record without a file."""
        live = {live.identity: live.checksum for live in self._live().values()}
        states = [self._state(file, live) for file in self._files.values()]
        return states + [ObjectState(path, State.REMOVED) for path in self._gone]

    def apply(self) -> list[ObjectState]:
        """Drop what is gone, run what changed, record it, open it to the operators."""
        pending = [state for state in self.states() if state.state is not State.APPLIED]
        self._todo = {state.path for state in pending}
        for path in self._gone:
            self._drop(self._records[path].catalog)
            self._query("forget", path=path)
        while waiting := [path for path in self._files if path in self._todo - self._made.keys()]:
            self._made[waiting[0]] = self._make(self._files[waiting[0]])
        if pending:
            self._write_records()
        if _GRANTING in self._files:
            self._query("grant_routines")
        return pending

    def _state(self, file: ObjectFile, live: dict[str, str]) -> ObjectState:
        record = self._records.get(file.path)
        if record is None:
            return ObjectState(file.path, State.NEW)
        if record.loose_checksum != file.loose_checksum:
            return ObjectState(file.path, State.CHANGED)
        drift = [name for name, checksum in record.catalog.items() if live.get(name) != checksum]
        if drift:
            return ObjectState(file.path, State.DRIFTED, drift)
        same = record.exact_checksum == file.exact_checksum
        return ObjectState(file.path, State.APPLIED if same else State.REWORDED)

    def _make(self, file: ObjectFile) -> set[_Address]:
        """Run a file and drop what it no longer makes; return the addresses of what it made."""
        recorded = self._records[file.path].catalog if file.path in self._records else {}
        before = self._versions()
        try:
            with self._connection.transaction():
                self._run(file)
        except _NOT_REPLACEABLE:
            self._drop(recorded)
            self._run(file)
        made = {address for address, _ in self._versions() - before}
        if recorded:
            live = self._live()
            self._drop(recorded.keys() - {live[address].identity for address in made})
        return made

    def _run(self, file: ObjectFile) -> None:
        try:
            self._connection.execute(file.text.encode())
        except psycopg.Error as error:
            position = int(error.diag.statement_position or 0)
            line = file.text.count("\n", 0, max(position - 1, 0)) + 1
            error.add_note(f"{file.path}, line {line} as rendered")
            raise

    def _drop(self, identities: Iterable[str]) -> None:
        """Drop objects, and the package's own that depend on them; those will be made again.

        What another file has made by now is that file's, and stays.
        """
        live = self._live()
        made = {
            live[address].identity: path
            for path, addresses in self._made.items()
            for address in addresses
        }
        owners = {name: path for path, record in self._records.items() for name in record.catalog}
        doomed = [name for name in identities if name not in made]
        for identity, name, statement, grants in self._query("drops", identities=doomed):
            if path := (owners | made).get(identity):
                self._connection.execute(statement.encode())
                self._todo.add(path)
                self._made.pop(path, None)
                self._grants.setdefault(name, []).extend(grants)

    def _write_records(self) -> None:
        """Record what was made, and grant again what was granted on dropped objects."""
        live = self._live()
        for path, addresses in self._made.items():
            self._query(
                "record",
                path=path,
                exact_checksum=self._files[path].exact_checksum,
                loose_checksum=self._files[path].loose_checksum,
                catalog=Jsonb({live[made].identity: live[made].checksum for made in addresses}),
                package_version=__version__,
            )
        for name in {kept.name for kept in live.values()} & self._grants.keys():
            for grant in self._grants[name]:
                self._connection.execute(grant.encode())

    def _read_records(self) -> dict[str, _Record]:
        table = f"{self._config.identifiers['ops']}.applied_objects"
        [(exists,)] = self._query("table_exists", name=table)
        rows = self._query("records") if exists else []
        return {path: _Record(exact, loose, catalog) for path, exact, loose, catalog in rows}

    def _versions(self) -> set[tuple[_Address, str]]:
        return {((row[0], row[1]), row[2]) for row in self._query("versions")}

    def _live(self) -> dict[_Address, _Live]:
        return {(row[0], row[1]): _Live(*row[2:]) for row in self._query("catalog")}

    def _query(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        values["schemas"] = self._config.schemas
        return query(self._connection, name, self._config, **values)
