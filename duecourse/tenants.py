"""Whose books are meant, and which client: by its id, its name, or by how one of these begins."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from duecourse import surface
from duecourse.database import Connection
from duecourse.errors import DuecourseError

#: What stands for every tenant where that is offered.
ALL = "all"

_SHOWN = 5


def settle(connection: Connection, arguments: dict[str, Any]) -> None:
    """Put ids in the place of the tenant and the client of a command; ids are taken as they are.

    The tenant becomes None when every one is meant.
    """
    if arguments["tenant"] in (None, ALL):
        arguments["tenant"] = None
    else:
        arguments["tenant"] = resolve(connection, str(arguments["tenant"]))
    if arguments.get("client_id") is not None:
        given = str(arguments["client_id"])
        arguments["client_id"] = _client(connection, arguments["tenant"], given)


def resolve(connection: Connection, text: str) -> UUID:
    """Return the id of the one tenant that a text means."""
    with suppress(ValueError):
        return UUID(text)
    found = _look(connection, "ops.find_tenants", {"text": text})
    return _only("tenant", text, found, ("tenant", "tenant_name"), "duecourse tenants lists them")


def _client(connection: Connection, tenant: UUID | None, text: str) -> UUID:
    with suppress(ValueError):
        return UUID(text)
    if tenant is None:
        raise DuecourseError(
            f"--client {text!r} is a name, and every tenant has its own",
            "name one tenant with --tenant, or the id of the client",
        )
    found = _look(connection, "find_clients", {"tenant": tenant, "text": text})
    listed = f"duecourse due-work --tenant {tenant} --search TEXT looks for names"
    return _only("client", text, found, ("client_id", "client_name"), listed)


def _look(connection: Connection, function: str, arguments: surface.Arguments) -> list[surface.Row]:
    with surface.snapshot(connection):
        return list(surface.select(connection, function, arguments))


def _only(
    kind: str, text: str, found: Sequence[surface.Row], columns: tuple[str, str], listed: str
) -> UUID:
    """Return the id of what alone was found; else say what it might be."""
    ids, names = columns
    match found:
        case [row]:
            meant: UUID = row[ids]
            return meant
        case []:
            raise DuecourseError(f"no {kind} has a name or id that begins with {text!r}", listed)
    candidates = ", ".join(f"{row[names]} ({row[ids]})" for row in found[:_SHOWN])
    more = f" and {len(found) - _SHOWN:,} more" if found[_SHOWN:] else ""
    raise DuecourseError(
        f"{text!r} may be {len(found):,} {kind}s: {candidates}{more}",
        "write more of the name, or the id",
    )


def names(connection: Connection, whose: Sequence[UUID]) -> dict[UUID, str]:
    """Return the names of tenants, as far as the login may know them; inside a snapshot."""
    text = str(whose[0]) if len(whose) == 1 else ""
    found = surface.select(connection, "ops.find_tenants", {"text": text})
    known = {row["tenant"]: row["tenant_name"] for row in found}
    return {tenant: known.get(tenant, str(tenant)) for tenant in whose}
