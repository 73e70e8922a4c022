"""A tenant with an error and a warning, waivers of its own, and what is said of them."""

from datetime import date
from typing import Any

import psycopg

from tests.service_periods.books import AS_OF, Row
from tests.verify.scene import Scene

NEXT_DAY = AS_OF + date.resolution


class Waived(Scene):
    """A scene that reaches too short, and in whose billing cycles there is a gap."""

    def waive(self, check: str | None = "coverage", **arguments: Any) -> None:
        """Waive a check, up to the day of reckoning."""
        given = {"tenant": self.tenant, "check_name": check, "reason": "agreed", "until": AS_OF}
        self.call_ops("waive_check", **{**given, **arguments})

    def end(self, check: str = "coverage", **arguments: Any) -> int:
        """End a waiver; return how many were."""
        [(rows,)] = self.call_ops(
            "end_waiver", **{"tenant": self.tenant, "check_name": check, **arguments}
        )
        return int(rows)

    def record(self, *results: tuple[str, str], **arguments: Any) -> int:
        """Record outcomes by check; return how many."""
        told = [
            {"check_name": name, "outcome": outcome, "errors": 0, "warnings": 1, "waived": 2}
            for name, outcome in results
        ]
        given = {"tenant": self.tenant, "as_of": AS_OF, "results": psycopg.types.json.Jsonb(told)}
        [(rows,)] = self.call_ops("record_checks", **{**given, **arguments})
        return int(rows)

    def call_ops(self, procedure: str, **arguments: Any) -> list[tuple[Any, ...]]:
        """Call a procedure of ops."""
        named = ", ".join(f"p_{name} => %({name})s" for name in arguments)
        cursor = self.database.execute(f"CALL ops.{procedure}({named})".encode(), arguments)
        return cursor.fetchall() if cursor.description else []

    def waivers(self, tenant: object = "", as_of: date = AS_OF) -> list[Row]:
        """Return the waivers of the tenant, or of the one given."""
        cursor = self.database.cursor(row_factory=psycopg.rows.dict_row)
        whose = self.tenant if tenant == "" else tenant
        return cursor.execute("SELECT * FROM ops.waivers(%s, %s)", (whose, as_of)).fetchall()

    def history(self) -> dict[str, Row]:
        """Return what was recorded last, by check."""
        cursor = self.database.cursor(row_factory=psycopg.rows.dict_row)
        rows = cursor.execute("SELECT * FROM ops.verify_history(%s)", (self.tenant,)).fetchall()
        return {row["check_name"]: row for row in rows}
