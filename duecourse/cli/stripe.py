"""``duecourse stripe``: events into the inbox, those that wait there, and how they are read."""

import os
from collections import Counter
from contextlib import ExitStack
from pathlib import Path
from typing import Any, BinaryIO

import click
from psycopg.types.json import Jsonb

from duecourse import output, stripe_inbox, surface
from duecourse.cli._progress import LineProgress
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection
from duecourse.errors import DuecourseError
from duecourse.files import private

_OUTCOMES = (
    "applied",
    "stale",
    "unmatched",
    "ignored",
    "foreign",
    "duplicate",
    "rejected",
    "unreadable",
)


@click.group()
@options()
def stripe() -> None:
    """Receive Stripe events into the charge ledger."""


@stripe.command()
@click.argument("tenant")
@click.argument("file", type=click.File("rb"))
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Where the lines go, as they are, that are not kept in the inbox, instead of to a file "
    "named for FILE in the current folder: events.jsonl to events-rejects.jsonl.",
)
@options()
@pass_session
def ingest(session: Session, /, file: BinaryIO, rejects: Path | None, **arguments: Any) -> None:
    """Receive the Stripe events of FILE, one JSON object a line; - is standard input.

    Each event is a transaction of its own: interrupt it when you like, the same command again finds
    duplicates and goes on. Lines that hold no JSON, and events that are rejected, are named on
    standard error and kept in the file of rejects; after the former the exit status is 1.

    \b
    duecourse stripe ingest "Mill Street" events.jsonl
    """
    rejects = rejects or Path(f"{Path(file.name).stem.strip('<>')}-rejects.jsonl")
    if rejects.exists() and os.path.samestat(os.fstat(file.fileno()), rejects.stat()):
        raise click.UsageError(f"{rejects} is FILE itself; name another with --rejects")
    counts: Counter[str] = Counter(dict.fromkeys(_OUTCOMES, 0))
    with ExitStack() as stack:
        connection = stack.enter_context(session.books(arguments))
        progress = stack.enter_context(LineProgress("events", file))
        kept: BinaryIO | None = None
        for received in stripe_inbox.ingest(connection, arguments["tenant"], file):
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
@click.argument("tenant")
@click.option("--payment", "payment_key", metavar="KEY", help="Only this payment intent.")
@options()
@pass_session
def replay(session: Session, /, **arguments: Any) -> None:
    """Apply the events that wait in the inbox, as far as their payments are there by now.

    \b
    duecourse stripe replay "Mill Street"
    """
    with session.books(arguments) as connection:
        result = surface.call(connection, "ledger.replay_stripe_events", arguments)
    if session.format == "json":
        output.show_json(result)
    else:
        output.show_fields(
            {
                "payments settled": result["o_payments"],
                "events that wait": result["o_waiting_events"],
            }
        )


@stripe.command()
@click.argument("tenant")
@click.option(
    "--metadata-key",
    "keys",
    multiple=True,
    metavar="KEY=NAME",
    help="Under which NAME metadata have tenant_id, unit_id or billing_period.",
)
@click.option("--livemode/--test", default=None, help="Apply only events of this mode.")
@click.option("--account", metavar="ID", help="Apply only events of this connected account.")
@click.option("--clear", is_flag=True, help="Forget what was set before.")
@options()
@pass_session
def settings(
    session: Session,
    /,
    keys: tuple[str, ...],
    livemode: bool | None,
    account: str | None,
    clear: bool,
    **arguments: Any,
) -> None:
    """Show how the Stripe events of TENANT are read, or set it; what is not given stays.

    Events that were received before stay what they are; those that wait are read by the settings of
    the day with duecourse stripe replay.

    \b
    duecourse stripe settings "Mill Street" --metadata-key unit_id=flat
    """
    named = dict(_split(key) for key in keys)
    with session.books(arguments) as connection:
        there = _settings(connection, arguments)
        if clear or named or livemode is not None or account is not None:
            kept = {} if clear else there
            surface.call(
                connection,
                "ledger.set_stripe_settings",
                {
                    **arguments,
                    "metadata_keys": Jsonb({**kept.get("metadata_keys", {}), **named}),
                    "livemode": kept.get("livemode") if livemode is None else livemode,
                    "account": kept.get("account") if account is None else account,
                },
            )
            there = _settings(connection, arguments)
    if session.format == "json":
        output.show_json(there)
        return
    modes = {None: "both", True: "live", False: "test"}
    output.show_fields(
        {
            **{f"metadata: {key}": name for key, name in there["metadata_keys"].items()},
            "mode": modes[there["livemode"]],
            "account": {None: "any", "": "none"}.get(there["account"], there["account"]),
        }
    )


def _settings(connection: Connection, arguments: surface.Arguments) -> surface.Row:
    with surface.snapshot(connection):
        [row] = surface.select(connection, "ledger.read_stripe_settings", arguments)
    return row


def _split(key: str) -> tuple[str, str]:
    name, equals, value = key.partition("=")
    if not equals:
        raise click.UsageError(f"--metadata-key {key}: write KEY=NAME")
    return name, value
