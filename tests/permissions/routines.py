"""The routines of the catalog that operators may call, and who may call which."""

import re
from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from duecourse.objects import tokens
from tests.conftest import Database

PERMISSIONS = ("view", "manage_future", "regenerate", "correct_history")

#: A routine and the permissions of which one suffices: none is the owner's, null is told by its
#: arguments.
Needs = dict[str, set[str] | None]


@dataclass(frozen=True)
class Routine:
    """A routine that has to ask for a permission on a tenant."""

    name: str
    schema: str
    is_procedure: bool
    arguments: tuple[tuple[str, str], ...]
    callers: set[str] | None

    def attempt(self, connection: Database, tenant: UUID | None) -> psycopg.Error | None:
        """Call it for a tenant, with null for the rest; return its error, if there is one."""
        given = sql.SQL(", ").join(
            sql.SQL("{} => {}::" + kind).format(
                sql.Identifier(name), sql.Literal(tenant if name == "p_tenant" else None)
            )
            for name, kind in self.arguments
        )
        statement = sql.SQL("CALL {}({})" if self.is_procedure else "SELECT * FROM {}({})")
        try:
            connection.execute(statement.format(sql.Identifier(self.schema, self.name), given))
        except psycopg.Error as error:
            return error
        return None


def needs_of(database: Database) -> Needs:
    """Return what the package declares that its routines need."""
    rows = database.execute(
        "SELECT d.routine_name::text, d.permissions FROM ops.routine_permissions() AS d"
    ).fetchall()
    needs: Needs = {}
    for name, permissions in rows:
        needed = None if permissions is None else set(permissions)
        # One name stands for one need, in whichever schemas it is.
        assert needs.setdefault(name, needed) == needed
    return needs


def asked_in(body: str) -> set[str] | None:
    """Return the permissions that the code of a routine asks for by name; none if by argument."""
    [call] = re.findall(r"assert_permission \( ([^;]*) \) ;", " ".join(tokens(body)))
    return set(re.findall(r"'(\w+)'", call)) or None


def routines_for(database: Database, role: str) -> list[Routine]:
    """Return what a role may execute that takes a tenant and writes or has the owner's rights.

    What has the caller's own rights gets the arguments only that have no default.
    """
    rows = database.execute(
        """
        SELECT
            p.proname, n.nspname, p.prokind = 'p',
            array_agg(ARRAY[a.name, format_type(a.type, NULL)] ORDER BY a.place)
        FROM pg_proc AS p
        JOIN pg_namespace AS n ON n.oid = p.pronamespace
        CROSS JOIN LATERAL unnest(
            p.proargnames, coalesce(p.proallargtypes, p.proargtypes::oid[]), p.proargmodes
        ) WITH ORDINALITY AS a (name, type, mode, place)
        WHERE n.nspname IN ('billing', 'ledger', 'ops') AND (p.prosecdef OR p.prokind = 'p')
            AND p.proargnames[1] = 'p_tenant' AND p.proname <> 'assert_permission'
            AND coalesce(a.mode, 'i') IN ('i', 'b')
            AND (p.prosecdef OR a.place <= p.pronargs - p.pronargdefaults)
            AND has_function_privilege(%s, p.oid, 'EXECUTE')
        GROUP BY p.oid, n.nspname
        ORDER BY n.nspname, p.proname
        """,
        (role,),
    )
    needs = needs_of(database)
    return [
        Routine(name, schema, is_procedure, tuple(map(tuple, arguments)), needs.get(name))
        for name, schema, is_procedure, arguments in rows
    ]
