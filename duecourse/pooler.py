"""Transaction poolers: whether a connection keeps its server session, or gets one a transaction.

Applying needs a session of its own: for its lock, and for settings that nobody else should inherit.
"""

from duecourse.database import Connection, connect
from duecourse.errors import DuecourseError

#: A pooler prefers the server session that was used last, but other clients may come in between.
_TRIALS = 3


def refuse_pooler(connection: Connection, dsn: str | None) -> None:
    """Raise if a second connection is given the session of the first, or takes it away."""
    own = _session(connection)
    with connect(dsn) as other:
        for _ in range(_TRIALS):
            with other.transaction():
                if _session(other) == own:
                    raise refusal(connection, f"server session {own} serves two connections")
                if (now := _session(connection)) != own:
                    raise refusal(connection, f"server session changed from {own} to {now}")


def refusal(connection: Connection, reason: str) -> DuecourseError:
    """Return the error that says why the connection will not do, and which one will."""
    return DuecourseError(
        f"the connection goes through a transaction pooler ({reason})",
        "connect to PostgreSQL itself: "
        f"--dsn postgresql://{connection.info.user}@…:5432/{connection.info.dbname}",
    )


def _session(connection: Connection) -> int:
    [(pid,)] = connection.execute("SELECT pg_catalog.pg_backend_pid()").fetchall()
    return int(pid)
