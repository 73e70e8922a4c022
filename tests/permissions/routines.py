"""The routines of the catalog that operators may call, and who may call which."""

from dataclasses import dataclass
from uuid import UUID

import psycopg
from psycopg import sql

from tests.conftest import Database

PERMISSIONS = ("view", "manage_future", "regenerate", "correct_history")

#: Who may call the procedures; a reading is for who holds ``view``, unless it stands here too.
CALLERS = {
    "edit_service_period": {"manage_future"},
    "skip_service_period": {"manage_future"},
    "defer_service_period": {"manage_future"},
    "generate_invoice": {"manage_future"},
    "backfill_service_periods": {"regenerate"},
    "regenerate_service_periods": {"regenerate"},
    "replenish_service_periods": {"regenerate"},
    "retire_schedule": {"regenerate"},
    "advance_billing_cycles": {"regenerate"},
    "archive_service_period": {"correct_history"},
    "repair_invoice_linkage": {"correct_history"},
    "delete_invoice": {"correct_history"},
    "reverse_invoice": {"correct_history"},
    "attest_cutover_step": {"manage_future", "regenerate", "correct_history"},
    "run_records": {"view", "regenerate", "correct_history"},
    "post_charge": {"manage_future"},
    "backfill_charges": {"regenerate"},
    "post_rent": {"regenerate"},
    "ingest_stripe_event": {"regenerate"},
    "replay_stripe_events": {"regenerate"},
    "reverse_charge": {"correct_history"},
    "grant_permission": set(),
    "revoke_permission": set(),
}


@dataclass(frozen=True)
class Routine:
    """A routine that has to ask for a permission on a tenant."""

    name: str
    schema: str
    is_procedure: bool
    arguments: tuple[tuple[str, str], ...]

    @property
    def callers(self) -> set[str]:
        """The permissions of which one suffices."""
        return CALLERS[self.name] if self.is_procedure else CALLERS.get(self.name, {"view"})

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
    return [
        Routine(name, schema, is_procedure, tuple(map(tuple, arguments)))
        for name, schema, is_procedure, arguments in rows
    ]
