"""``duecourse report``."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click

from duecourse import __version__, checks, output, pages, surface, tenants
from duecourse.adopted import config_of
from duecourse.check_files import describe
from duecourse.checks import Outcome
from duecourse.cli import _timelines
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session
from duecourse.cli.balances import BALANCE
from duecourse.database import Connection
from duecourse.files import write_whole
from duecourse.objects import declared
from duecourse.pages import timeline

#: With more schedules only the clients are open of whom there is something to look at.
_SMALL = 200
#: How many findings of a check are listed.
_SHOWN = 100


@click.command()
@scope(part=False)
@click.option(
    "--out",
    metavar="FILE",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The page that is written, whole or not at all.",
)
@options()
@pass_session
def report(session: Session, /, out: Path, **arguments: Any) -> None:
    """Write the books of a tenant as one page of HTML; reads only.

    It draws what was billed, is due, is generated and would be made or replaced by "plan
    regenerate", tells gaps, overlaps and what is left for people, balances, and what the checks
    find. The page needs no network, and can be printed.

    \b
    duecourse report --tenant "Alder Row" --out alder-row.html
    """
    with session.reading(arguments) as connection:
        values = _values(connection, arguments)
    write_whole({out: pages.lines("report", **values)})
    schedules, failed = len(values["books"].schedules), values["looked"].failed
    if session.format == "json":
        output.show_json({"out": out, "schedules": schedules, "failed": failed})
    else:
        told = f"{output.counted(schedules, 'schedule')}, {output.counted(failed, 'check')} failed"
        click.echo(f"{out}: {told}")


def _values(connection: Connection, arguments: dict[str, Any]) -> dict[str, Any]:
    """Return what the page tells; inside a snapshot."""
    tenant = arguments["tenant"]
    name = tenants.names(connection, [tenant])[tenant]
    books = _timelines.read(connection, arguments)
    balances = list(surface.select(connection, "ledger.balances", arguments))
    known = declared(config_of(connection).profile)
    [looked] = checks.look(connection, known, {tenant: name}, arguments["as_of"], checks.Wanted())
    axis = timeline.axis((each.timeline for each in books.schedules), arguments["as_of"])
    plans = _timelines.plans(connection, arguments)
    parts = {"schedules": books.schedules, "plan": plans, "balances": balances, "checks": known}
    return {
        "version": __version__,
        "made_at": datetime.now(UTC),
        "tenant": name,
        "tenant_id": tenant,
        "as_of": arguments["as_of"],
        "database": f"{connection.info.dbname} on {connection.info.host}:{connection.info.port}",
        "sections": [(part, part.capitalize()) for part in ("totals", *filter(parts.get, parts))],
        "totals": list(_totals(books, balances, looked)),
        "books": books,
        "is_small": len(books.schedules) <= _SMALL,
        "axis": axis,
        "plans": plans,
        "balances": [[row[column] for column in BALANCE.values()] for row in balances],
        "balance_columns": tuple(BALANCE),
        "looked": looked,
        "bad": looked.of(*list(Outcome)[: list(Outcome).index(Outcome.OK)]),
        "shown": _SHOWN,
        "describe": describe,
    }


def _totals(
    books: _timelines.Books, balances: list[surface.Row], looked: checks.Report
) -> Iterator[tuple[str, int]]:
    """Yield what there is, by name; the kinds of periods as the timelines have them."""
    if books.schedules:
        yield "schedules", len(books.schedules)
        yield "schedules left for people", sum(bool(each.reasons) for each in books.schedules)
        for kind, (name, _) in timeline.OF_BOOKS.items():
            if kind != "people":
                yield f"{name}{'s' if kind in ('gap', 'overlap') else ''}", books.count(kind)
        yield "due without a row", books.unserved
    if balances:
        yield "accounts", len(balances)
        yield "accounts that owe", sum(row["balance_cents"] > 0 for row in balances)
    yield "checks that failed", looked.failed
