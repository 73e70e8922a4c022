"""A run that writes nothing: what it would do, told by the procedure itself."""

import json
from dataclasses import dataclass
from uuid import UUID

import click
from psycopg.errors import Diagnostic

from duecourse import output, surface
from duecourse.changes import Counts
from duecourse.database import Connection
from duecourse.operations import Operation


@dataclass(frozen=True)
class Planned:
    """What a run would do to the books of a tenant."""

    tenant: UUID
    plan_hash: str
    counts: Counts


def rehearse(
    connection: Connection, chosen: Operation, arguments: surface.Arguments
) -> tuple[surface.Row, list[Planned]]:
    """Call the procedure as a dry run; return its results, and what it told of each tenant."""
    told: list[Planned] = []

    def hear(notice: Diagnostic) -> None:
        try:
            counts = json.loads(notice.message_detail or "")
            tenant, plan_hash = counts.pop("tenant"), counts.pop("plan_hash")
        except (ValueError, TypeError, KeyError):
            click.echo(output.visible(notice.message_primary or ""), err=True)
        else:
            told.append(Planned(UUID(tenant), plan_hash, counts))

    if arguments["tenant"] is not None:
        surface.judge(connection, arguments["tenant"])
    connection.add_notice_handler(hear)
    try:
        result = surface.call(connection, chosen.procedure, {**arguments, "dry_run": True})
    finally:
        connection.remove_notice_handler(hear)
    return result, told
