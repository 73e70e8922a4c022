"""The unique index on adopted rents: no second rent of a renter, unit and month from then on."""

import psycopg

from duecourse.config import Config
from duecourse.database import Connection, query
from duecourse.errors import DuecourseError

#: How often it is built anew after a second rent came while it was built.
_ATTEMPTS = 3


def keep(connection: Connection, config: Config) -> int:
    """Make the index unless it is there and valid, and return how many rents it then excuses.

    The connection is in autocommit: it is built CONCURRENTLY, so that nobody who writes waits.
    """
    for _ in range(_ATTEMPTS):
        [(is_there, is_valid, drop, make, excused)] = query(connection, "rent_index", config)
        if is_valid:
            return 0
        if is_there:
            connection.execute(drop.encode())
        try:
            connection.execute(make.encode())
        except psycopg.errors.UniqueViolation:
            continue
        return int(excused)
    raise DuecourseError(
        f"a second rent came each of {_ATTEMPTS} times that the unique index was built",
        "call again when nobody charges rents",
    )
