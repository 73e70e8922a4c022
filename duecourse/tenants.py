"""Whose books are meant: a tenant by its id, its name, or by how one of these begins."""

from contextlib import suppress
from uuid import UUID

from duecourse import surface
from duecourse.database import Connection
from duecourse.errors import DuecourseError

#: What stands for every tenant where that is offered.
ALL = "all"

_LISTED = "duecourse tenants lists them"
_SHOWN = 5


def resolve(connection: Connection, text: str) -> UUID:
    """Return the id of the one tenant that a text means; an id is taken as it is."""
    with suppress(ValueError):
        return UUID(text)
    with surface.snapshot(connection):
        found = list(surface.select(connection, "ops.find_tenants", {"text": text}))
    match found:
        case [row]:
            tenant: UUID = row["tenant"]
            return tenant
        case []:
            raise DuecourseError(f"no tenant has a name or id that begins with {text!r}", _LISTED)
    named = ", ".join(f"{row['tenant_name']} ({row['tenant']})" for row in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN:,} more" if found[_SHOWN:] else ""
    raise DuecourseError(
        f"{text!r} may be {len(found):,} tenants: {named}{more}",
        "write more of the name, or the id",
    )
