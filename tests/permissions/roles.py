"""Roles of the cluster for the length of a test, and logins as them."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from tests.conftest import Database


class Roles:
    """Makes roles; their names end with the database's, as all databases of a server share them."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self._made: list[str] = []

    def make(self, name: str, *groups: str, attributes: str = "LOGIN") -> str:
        """Make a role that is a member of some groups; return its name."""
        role = f"{name}_{self.database.info.dbname}"
        self.execute(f"CREATE ROLE {{}} {attributes}", role)
        self._made.append(role)
        for group in groups:
            self.execute("GRANT {} TO {}", group, role)
        return role

    def execute(self, statement: str, *roles: str) -> None:
        """Execute a statement in which roles have their places."""
        self.database.execute(sql.SQL(statement).format(*map(sql.Identifier, roles)))

    def rename(self, role: str, name: str) -> str:
        """Rename a role; return its new name."""
        self.execute("ALTER ROLE {} RENAME TO {}", role, renamed := f"{role}_{name}")
        self._made[self._made.index(role)] = renamed
        return renamed

    def drop(self, role: str) -> None:
        """Drop a role with its rights."""
        self.execute("DROP OWNED BY {}", role)
        self.execute("DROP ROLE {}", role)
        self._made.remove(role)

    def grant(self, tenant: UUID | None, role: str, *permissions: str) -> None:
        """Grant permissions, all four when none is named."""
        for permission in permissions or (None,):
            self.database.execute(
                "CALL ops.grant_permission(%s, %s, %s)", (tenant, role, permission)
            )

    def revoke(self, tenant: UUID | None, role: str, permission: str | None = None) -> None:
        """Revoke a permission, all four when none is named."""
        self.database.execute("CALL ops.revoke_permission(%s, %s, %s)", (tenant, role, permission))

    @contextmanager
    def login(self, role: str) -> Iterator[Database]:
        """Connect as a role, in autocommit."""
        dsn = make_conninfo(self.database.info.dsn, user=role)
        with psycopg.connect(dsn, autocommit=True) as connection:
            yield connection


@contextmanager
def roles_of(database: Database) -> Iterator[Roles]:
    """Yield a maker of roles, which are dropped at the end."""
    roles = Roles(database)
    try:
        yield roles
    finally:
        for role in reversed(roles._made[:]):
            roles.drop(role)
