"""``duecourse stripe``: events into the inbox, and those that wait there once more."""

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import BinaryIO
from uuid import UUID

import click

from duecourse import output, stripe_inbox, surface
from duecourse.cli._progress import LineProgress
from duecourse.cli._session import Session, options, pass_session
from duecourse.errors import DuecourseError
from duecourse.files import private

_OUTCOMES = ("applied", "stale", "unmatched", "ignored", "duplicate", "rejected", "unreadable")


@click.group()
@options()
def stripe() -> None:
    """Receive Stripe events into the charge ledger."""


@stripe.command()
@click.argument("tenant", type=click.UUID)
@click.argument("file", type=click.File("rb"))
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the lines go, as they are, that are not kept in the inbox, instead of to a file "
    "named for FILE in the current folder: events.jsonl to events-rejects.jsonl.",
)
@options()
@pass_session
def ingest(session: Session, tenant: UUID, file: BinaryIO, rejects: Path | None) -> None:
    """Receive the Stripe events of FILE, one JSON object a line; - is standard input.

    Each event is a transaction of its own: interrupt it when you like, the same command again finds
    duplicates and goes on. Lines that hold no JSON, and events that are rejected, are named on
    standard error and kept in the file of rejects; after the former the exit status is 1.
    """
    rejects = rejects or Path(f"{Path(file.name).stem.strip('<>')}-rejects.jsonl")
    if rejects.exists() and os.path.samestat(os.fstat(file.fileno()), rejects.stat()):
        raise click.UsageError(f"{rejects} is FILE itself; name another with --rejects")
    counts: Counter[str] = Counter(dict.fromkeys(_OUTCOMES, 0))
    with ExitStack() as stack:
        connection = stack.enter_context(session.connection())
        progress = stack.enter_context(LineProgress("events", file))
        kept: BinaryIO | None = None
        for received in stripe_inbox.ingest(connection, tenant, file):
            counts[received.outcome] += 1
            progress.advance(len(received.raw))
            if received.reason is None:
                continue
            progress.tell(f"line {received.number}: {received.outcome}, {received.reason}")
            kept = kept or stack.enter_context(private(rejects, "wb"))
            kept.write(received.raw.rstrip(b"\n") + b"\n")
    if session.format == "json":
        output.show_json({"lines": counts.total(), **counts})
    else:
        output.show_table(("outcome", "events"), [*counts.items(), ("all", counts.total())])
    if unreadable := counts["unreadable"]:
        rejected = f", and {counts['rejected']} more were rejected" if counts["rejected"] else ""
        raise DuecourseError(
            f"{unreadable} {'line' if unreadable == 1 else 'lines'} could not be read{rejected}",
            f"correct {rejects} and ingest that file; the other events are received",
        )


@stripe.command()
@click.argument("tenant", type=click.UUID)
@click.option("--payment", "payment_key", metavar="KEY", help="Only this payment intent.")
@options()
@pass_session
def replay(session: Session, tenant: UUID, payment_key: str | None) -> None:
    """Apply the events that wait in the inbox, as far as their payments are there by now."""
    given = {"tenant": tenant, "payment_key": payment_key}
    with session.connection() as connection:
        result = surface.call(connection, "ledger.replay_stripe_events", given)
    if session.format == "json":
        output.show_json(result)
    else:
        output.show_fields(
            {
                "payments settled": result["o_payments"],
                "events that wait": result["o_waiting_events"],
            }
        )
