"""A cluster of Citus: the tables distributed by tenant, and the rules held on their shards."""

from duecourse import frozen
from duecourse.config import Config
from duecourse.database import Connection

#: Constraints that stand for what triggers of plain PostgreSQL look up.
_GUARDS = "citus_guards"


def hold_rules(connection: Connection, config: Config) -> None:
    """Make the constraints of a cluster, with their record."""
    frozen.change(connection, config, f"sql/applying/{_GUARDS}.sql.j2")
