"""What an apply would do as one script for psql, for whoever reviews and runs it by hand."""

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256

from psycopg import sql
from psycopg.types.json import Jsonb
from yoyo import default_migration_table

from duecourse import __version__, frozen
from duecourse.adopted import config_of, refuse_adopted
from duecourse.catalog import CATALOG_LOCK, look
from duecourse.config import Config
from duecourse.database import SETTINGS, Connection, query, rows_of, table_exists, where
from duecourse.errors import DuecourseError
from duecourse.objects import ObjectFile, State
from duecourse.pending import Pending, banner, pending
from duecourse.registry import APPLY_LOCK
from duecourse.removal import chosen
from duecourse.render import render

#: What a text is quoted by: the first that it does not hold.
_QUOTES = ("$file$", "$text_of_file$", "$text_of_this_file$")
_VALUE = re.compile(r"%\((\w+)\)s")


def bundle(connection: Connection) -> str:
    """Return the script that brings this database to this version; reads only."""
    found, config = pending(connection)
    if config.citus:
        raise DuecourseError(
            "a script of psql does not distribute tables over a cluster",
            "see what apply would do with duecourse apply --dry-run, and run it",
        )
    if not (found.migrations or found.objects or found.move):
        raise DuecourseError(f"{found.place}: nothing to apply", "there is nothing to review")
    what = f"""\
-- {found.counted}. It does what duecourse apply does: a transaction a
-- migration, one for the objects, with their records. Where it is interrupted, apply goes on.
"""
    parts = [
        _head(connection, config, found.place, what),
        *(_migration(name, config) for name in found.migrations),
        *_objects(connection, config, found),
        *([_move(found.move)] if found.move else []),
        _end("SELECT '  status would say: all is applied';"),
    ]
    return "\n".join(parts)


def undo(connection: Connection, to: str | None = None) -> str:
    """Return the script that takes back the migrations after ``to``, or the last; reads only."""
    config = config_of(connection)
    refuse_adopted(config, "to take away all that adopt made: duecourse unadopt")
    marks = rows_of(connection, config, default_migration_table, "marked_migrations")
    applied = {name for (name,) in marks}
    doomed = chosen([name for name in reversed(frozen.names()) if name in applied], to)
    texts = {name: frozen.rollback_of(name, config) for name in doomed}
    what = f"""\
-- Takes back {", ".join(doomed)}, in one transaction.
-- It does what duecourse rollback does: the views, routines, triggers and types go as well, until
-- duecourse apply, of whichever version, makes them again. It refuses where rows would go.
"""
    parts = [
        _head(connection, config, where(connection), what),
        "BEGIN;\n\\o /dev/null\nSELECT pg_temp.drop_all_objects();\n\\o\n",
        *(
            f"{banner(frozen.template(name), 'taken back')}SELECT pg_temp.take_back("
            f"{_literal(name)},\n    {_literal(sha256(text.encode()).hexdigest())},\n"
            f"{_quoted(text)});\n"
            for name, text in texts.items()
        ),
        "COMMIT;\n",
        _end("SELECT '  taken back';"),
    ]
    return "\n".join(parts)


def _head(connection: Connection, config: Config, place: str, what: str) -> str:
    database = connection.info.dbname
    state = query(connection, "state", config) if _is_applied(connection, config) else [("",)]
    functions = _filled(
        render("sql/applying/bundle_functions.sql.j2", config),
        {"apply_lock": APPLY_LOCK, "catalog_lock": CATALOG_LOCK, "package_version": __version__},
    )
    settings = "\n".join(f"SET {name} = '{value}';" for name, value in SETTINGS.items())
    return f"""\
-- duecourse {__version__} for {place}
{what}\
-- Run it with psql -X -f FILE, connected to PostgreSQL itself. For a database of another name that
-- is in the same state: psql -X -v database=NAME -f FILE
\\set ON_ERROR_STOP on
\\set AUTOCOMMIT on
\\set QUIET on
\\pset pager off
\\pset format unaligned
\\pset tuples_only on
\\set ON_ERROR_ROLLBACK off
\\set SHOW_CONTEXT never
\\if :{{?database}}
\\else
    \\set database {_psql(database)}
\\endif
{settings}
SET client_min_messages = warning;
SET check_function_bodies = off;

{functions}
\\o /dev/null
SELECT pg_temp.refuse_wrong_database(:'database', {_literal(state[0][0])});
SELECT pg_temp.lock_registry();
SELECT pg_temp.assert_locked();
\\o
"""


def _migration(name: str, config: Config) -> str:
    text = frozen.text_of(name, config)
    return (
        f"{banner(frozen.template(name), 'migration')}BEGIN;\n"
        f"SELECT pg_temp.migrate({_literal(name)},\n"
        f"    {_literal(frozen.checksum(name, config))},\n{_quoted(text)});\n"
        "COMMIT;\n"
    )


def _move(statement: str) -> str:
    """Return what moves the ledger into its partitions; it commits by itself."""
    return f"""\
{banner("duecourse.toml", "partitions of the ledger")}\
\\o /dev/null
{statement};
\\o
"""


def _objects(connection: Connection, config: Config, found: Pending) -> Iterator[str]:
    """Yield what makes the objects, and the others that have to be dropped for that."""
    states = {item.path: item.state for item in found.objects}
    gone = [path for path, state in states.items() if state is State.REMOVED]
    dependent = _dependents(connection, config, list(states))
    yield "BEGIN;\n\\o /dev/null\n"
    files = {path: ObjectFile(path, render(path, config)) for path in config.object_paths}
    for path, file in files.items():
        if path in states or path in dependent:
            yield (
                banner(path, states.get(path, "again, if it has to be dropped"))
                + f"SELECT pg_temp.file({_literal(path)},\n"
                f"    {_literal(file.exact_checksum)},\n    {_literal(file.loose_checksum)},\n"
                f"    {_literal(path in states)},\n{_quoted(file.text)});\n"
            )
    migrations = {name: frozen.checksum(name, config) for name in frozen.names()}
    objects = {path: file.exact_checksum for path, file in files.items()}
    yield f"""\
\\o
SELECT pg_temp.make_objects({_literal(gone)}::text[]);
\\o /dev/null
SELECT pg_temp.assert_applied(
    {_literal(Jsonb(migrations))},
    {_literal(Jsonb(objects))},
    {_literal(_left(connection, config))}::text[]);
\\o
COMMIT;
"""


def _dependents(connection: Connection, config: Config, paths: list[str]) -> set[str]:
    """Return the files whose objects depend on what some files have made."""
    records = rows_of(connection, config, "applied_objects", "records")
    made = [name for path, _, _, names in records if path in paths for name in names]
    rows = query(connection, "drops", config, schemas=config.schemas, identities=made)
    owners = {name: path for path, _, _, names in records for name in names}
    return {owners[row[0]] for row in rows if row[0] in owners}


def _left(connection: Connection, config: Config) -> list[str]:
    """Return what has drifted that an apply would leave as it is."""
    _, differences = look(connection, config)
    return [item.identity for item in differences if item.repair != "duecourse apply"]


def _is_applied(connection: Connection, config: Config) -> bool:
    return table_exists(connection, config, "applied_objects")


def _end(last: str) -> str:
    return f"""\
\\o /dev/null
SELECT pg_temp.unlock_registry();
\\o
{last}
"""


def _quoted(text: str) -> str:
    quote = next(quote for quote in _QUOTES if quote not in text)
    return f"{quote}{text}{quote}"


def _filled(text: str, values: Mapping[str, object]) -> str:
    return _VALUE.sub(lambda found: _literal(values[found[1]]), text)


def _literal(value: object) -> str:
    return sql.Literal(value).as_string(None)


def _psql(text: str) -> str:
    """Return an argument of a command of psql."""
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
