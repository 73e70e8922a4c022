"""Schedules as people call them: by their client and their line."""

from collections.abc import Iterable, Iterator

from duecourse import surface
from duecourse.database import Connection

_NAMES = ("client_name", "contract_line_name")


def named(
    connection: Connection, tenant: object, rows: Iterable[surface.Row]
) -> Iterator[surface.Row]:
    """Yield rows of schedules with the names of their client and line; inside a snapshot."""
    found = surface.select(connection, "schedule_names", {"tenant": tenant})
    names = {row["obligation_id"]: {name: row[name] for name in _NAMES} for row in found}
    unknown = dict.fromkeys(_NAMES)
    for row in rows:
        yield {**row, **names.get(row["obligation_id"], unknown)}


def line(row: surface.Row) -> str:
    """Return ``client: line``; a line that is gone has only its id."""
    if row["contract_line_name"] is None:
        return f"line {row['obligation_id']}"
    return ": ".join(filter(None, (row["client_name"], row["contract_line_name"])))
