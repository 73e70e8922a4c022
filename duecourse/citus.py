"""A cluster of Citus: the tables distributed by tenant, and the rules held on their shards."""

from duecourse import frozen
from duecourse.catalog import drop_objects
from duecourse.config import Config
from duecourse.database import Connection, query, rows_of
from duecourse.errors import DuecourseError, ExitStatus

#: The constraints that stand for what triggers look up on plain PostgreSQL, each made by a file.
CONSTRAINTS = ["live_overlap_excl", "live_slot_excl"]


def check(connection: Connection, config: Config) -> None:
    """Refuse a cluster that is not set up as our routines need it; reads only."""
    if not _is_known(connection):
        raise DuecourseError(
            "[engine] citus is set, and the database has no extension citus",
            "run on every node: CREATE EXTENSION citus; or take citus out of duecourse.toml",
            exit_status=ExitStatus.REFUSED,
        )
    for message, hint in query(connection, "citus_preconditions", config):
        raise DuecourseError(message, hint, exit_status=ExitStatus.REFUSED)


def tables(connection: Connection, config: Config) -> list[str]:
    """Return the names of our tables that Citus knows."""
    if not _is_known(connection):
        return []
    [(names,)] = query(connection, "citus_tables", config, schemas=config.schemas)
    return list(names)


def statements(connection: Connection, config: Config) -> list[tuple[str, str]]:
    """Return the statements that distribute the tables that are not yet, each with its table.

    In their order: when all are distributed, what stayed behind of each is dropped.
    """
    return query(
        connection,
        "citus_distribution",
        config,
        schemas=config.schemas,
        known=tables(connection, config),
        shard_count=config.shard_count,
    )


def left(connection: Connection, config: Config) -> int:
    """Return how many tables are not distributed yet."""
    return len({name for name, _ in statements(connection, config)})


def let_triggers_run(connection: Connection, config: Config) -> None:
    """Set for all sessions of the database to come that triggers run on shards."""
    for (statement,) in query(connection, "citus_settings", config):
        connection.execute(statement.encode())


def settle(connection: Connection, config: Config) -> int:
    """Distribute the tables that are not yet, after the migrations; return how many there were.

    By a session that has begun after `let_triggers_run`. In one transaction, and without the
    repeatable objects: the triggers would look at the tables while their rows are copied, and
    routines that name their rows be made on this node alone.
    """
    for message, hint in query(connection, "citus_unset", config):
        raise DuecourseError(message, hint, exit_status=ExitStatus.REFUSED)
    tables_left = left(connection, config)
    if tables_left:
        with connection.transaction():
            query(connection, "begin", config)
            query(connection, "citus_session", config)
            if rows_of(connection, config, "applied_objects", "records"):
                drop_objects(connection, config)
            for _, statement in statements(connection, config):
                connection.execute(statement.encode())
            query(connection, "record_citus", config)
    for (name,) in query(connection, "citus_unheld", config, names=CONSTRAINTS):
        with connection.transaction():
            query(connection, "citus_session", config)
            frozen.change(connection, config, f"sql/applying/{name}.sql.j2")
    return tables_left


def _is_known(connection: Connection) -> bool:
    [(known,)] = query(connection, "citus_known")
    return bool(known)
