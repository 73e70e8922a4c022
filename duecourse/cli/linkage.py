"""``duecourse linkage``."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import click

from duecourse import output, surface, windows
from duecourse.cli import _schedules
from duecourse.cli._scope import ids_too, scope
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = ("line", "period", "problem", "action")


@click.command()
@scope()
@ids_too
@options()
@pass_session
def linkage(session: Session, /, ids: bool, **arguments: Any) -> None:
    """Show ledger rows whose link to an invoice is broken or missing; reads only.

    "action" is what duecourse run linkage does: reopen what is linked to nothing that exists, link
    again what can be proved, and only report the others. JSON also holds what proves it.

    \b
    duecourse linkage --tenant "Alder Row"
    duecourse run linkage --tenant "Alder Row"
    """
    with session.reading(arguments) as connection:
        tenant = arguments["tenant"]
        rows = _schedules.named(
            connection, tenant, surface.select(connection, "plan_linkage_repair", arguments)
        )
        if session.format == "json":
            output.show_rows("json", (), rows)
            return
        found = list(rows)
        counts = Counter(row["action"] for row in found)
        told = "".join(f", {count:,} to {action}" for action, count in sorted(counts.items()))
        output.show_rows(
            "table",
            [*_COLUMNS, "record_id"] if ids else _COLUMNS,
            iter(found),
            lambda row: [*_cells(row)][: len(_COLUMNS) + ids],
            total=f"{output.counted(len(found), 'row')} with a broken or missing link{told}",
        )


def _cells(row: surface.Row) -> Iterator[object]:
    live = row["captured_row"]
    yield _schedules.line(row)
    yield windows.of_texts(live["service_period_start"], live["service_period_end"])
    yield row["problem"]
    yield row["action"]
    yield row["record_id"]
