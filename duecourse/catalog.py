"""What apply makes anew and what it records: the repeatable objects, and the catalog as it left it.

A file is applied when its rendered text differs from what ``ops.applied_objects`` has recorded, or
when what it made is no longer in the catalog as ``ops.applied_catalog`` has it. All of it happens
in one transaction.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from psycopg import errors
from psycopg.types.json import Jsonb

from duecourse import __version__, script
from duecourse.config import Config
from duecourse.database import Connection, query, table_exists
from duecourse.objects import ObjectFile, ObjectState, State
from duecourse.render import render

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


@dataclass(frozen=True)
class Difference:
    """An object that is ``missing``, ``changed`` or ``not ours``, and what brings it back.

    ``path`` is the file that made it, if any; ``recorded`` and ``live`` are its statements.
    """

    identity: str
    path: str | None
    state: str
    recorded: str
    live: str
    repair: str

    @property
    def name(self) -> str:
        """The identity without the kind."""
        return self.identity.partition(" ")[2]


def look(connection: Connection, config: Config) -> tuple[list[ObjectState], list[Difference]]:
    """Compare the files, the records and the live catalog; reads only."""
    with connection.transaction():
        query(connection, "look")
        catalog = _Catalog(connection, config)
        found = catalog.differences()
        return catalog.states(found), found


def apply_objects(
    connection: Connection, config: Config, begins: Callable[[int], None] | None = None
) -> tuple[list[ObjectState], list[Difference]]:
    """Bring the database to the files; return what was not ``applied`` before, and what is left.

    ``begins`` is told of how many files first.

    Works in one transaction, which may be the caller's. What is not the package's own and depends
    on an object that has to be dropped is never dropped: the error names it.
    """
    with connection.transaction():
        query(connection, "begin")
        query(connection, "wait_for_catalog", key=CATALOG_LOCK)
        catalog = _Catalog(connection, config)
        return catalog.apply(begins), catalog.differences()


def drop_objects(connection: Connection, config: Config) -> None:
    """Drop the repeatable objects, in the caller's transaction; the next apply makes them again."""
    _Catalog(connection, config).drop_all()


@dataclass(frozen=True)
class _Record:
    exact_checksum: str
    loose_checksum: str
    identities: list[str]


class _Live(NamedTuple):
    identity: str
    name: str
    #: The file that has made it in this transaction.
    made_by: str | None


class _Catalog:
    """The files, the records and the live objects of one database."""

    def __init__(self, connection: Connection, config: Config) -> None:
        self._connection = connection
        self._config = config
        self._files = {path: ObjectFile(path, render(path, config)) for path in config.object_paths}
        self._records = self._read_records()
        self._gone = [path for path in self._records if path not in self._files]
        self._todo: set[str] = set()
        self._made: set[str] = set()
        self._grants: dict[str, list[str]] = {}

    def differences(self) -> list[Difference]:
        """Return where the live catalog is not as it was recorded."""
        known = table_exists(self._connection, self._config, "applied_catalog")
        return [Difference(*row) for row in self._query("differences")] if known else []

    def states(self, differences: list[Difference]) -> list[ObjectState]:
        """Return a state a file, and one for each record without a file."""
        drift: dict[str | None, list[str]] = {}
        for found in differences:
            drift.setdefault(found.path, []).append(found.identity)
        states = [self._state(file, drift.get(path, [])) for path, file in self._files.items()]
        return states + [ObjectState(path, State.REMOVED) for path in self._gone]

    def apply(self, begins: Callable[[int], None] | None) -> list[ObjectState]:
        """Drop what is gone, run what changed, record it, open it to the operators."""
        states = self.states(self.differences())
        pending = [state for state in states if state.state is not State.APPLIED]
        if begins:
            begins(len(pending))
        self._todo = {state.path for state in pending}
        for path in self._gone:
            self._drop(self._records[path].identities)
            self._forget([path])
        while waiting := (self._todo - self._made) & self._files.keys():
            self._make(next(file for path, file in self._files.items() if path in waiting))
        if pending:
            self._record_catalog()
        if _GRANTING in self._files:
            self._query("grant_routines")
        return pending

    def drop_all(self) -> None:
        """Drop what all files made, and forget it."""
        self._drop([name for record in self._records.values() for name in record.identities])
        self._forget(list(self._records))

    def _state(self, file: ObjectFile, drift: list[str]) -> ObjectState:
        record = self._records.get(file.path)
        if record is None:
            return ObjectState(file.path, State.NEW)
        same = record.exact_checksum == file.exact_checksum
        if not same and record.loose_checksum != file.loose_checksum:
            return ObjectState(file.path, State.CHANGED)
        if drift:
            return ObjectState(file.path, State.DRIFTED, drift)
        return ObjectState(file.path, State.APPLIED if same else State.REWORDED)

    def _make(self, file: ObjectFile) -> None:
        """Run a file and drop what it no longer makes."""
        recorded = self._records[file.path].identities if file.path in self._records else []
        try:
            self._run(file)
        except _NOT_REPLACEABLE:
            self._drop(recorded)
            self._run(file)
        self._made.add(file.path)
        self._drop(recorded)

    def _run(self, file: ObjectFile) -> None:
        """Run a file and record it, in a subtransaction by which one knows what it has made."""
        with self._connection.transaction():
            script.run(self._connection, file.text, file.path)
            self._query(
                "record",
                path=file.path,
                exact_checksum=file.exact_checksum,
                loose_checksum=file.loose_checksum,
                package_version=__version__,
            )

    def _drop(self, identities: list[str]) -> None:
        """Drop objects, and the package's own that depend on them; those will be made again.

        What a file has made by now is that file's, and stays.
        """
        if not identities:
            return
        made = {found.identity: found.made_by for found in self._live() if found.made_by}
        owners = {
            name: path for path, record in self._records.items() for name in record.identities
        }
        doomed = [name for name in identities if name not in made]
        for identity, name, statement, grants in self._query("drops", identities=doomed):
            if path := (owners | made).get(identity):
                self._connection.execute(statement.encode())
                self._todo.add(path)
                self._made.discard(path)
                self._grants.setdefault(name, []).extend(grants)

    def _record_catalog(self) -> None:
        """Record what the files made, and grant again what was granted on dropped objects."""
        live = self._live()
        made = {found.identity: found.made_by for found in live if found.made_by}
        self._query("forget_catalog", identities=list(made), paths=list(self._made))
        self._query("record_catalog", made=Jsonb(made))
        for name in {found.name for found in live} & self._grants.keys():
            for grant in self._grants[name]:
                self._connection.execute(grant.encode())

    def _read_records(self) -> dict[str, _Record]:
        known = table_exists(self._connection, self._config, "applied_objects")
        return {row[0]: _Record(*row[1:]) for row in self._query("records")} if known else {}

    def _forget(self, paths: list[str]) -> None:
        self._query("forget", paths=paths)
        self._query("forget_catalog", identities=[], paths=paths)

    def _live(self) -> list[_Live]:
        return [_Live(*row) for row in self._query("objects", made=list(self._made))]

    def _query(self, name: str, /, **values: object) -> list[tuple[Any, ...]]:
        values["schemas"] = self._config.schemas
        return query(self._connection, name, self._config, **values)
