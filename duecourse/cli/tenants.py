"""``duecourse tenants``."""

from collections import Counter
from collections.abc import Callable, Iterator

import click

from duecourse import output, surface
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = ("tenant", "id", "books", "escalated", "last run")
#: How much of an id is shown, if that is enough to name it.
_SHOWN_DIGITS = 8


@click.command()
@click.option("--ids", is_flag=True, help="Show whole ids, and the key of the last run.")
@options()
@pass_session
def tenants(session: Session, ids: bool) -> None:
    """Show whose books are here, of whom you may see something; reads only.

    "escalated" counts the schedules and accounts that the latest run over all of them left for
    people. A name or id, or the beginning of one that only one tenant has, is what --tenant takes.

    \b
    duecourse tenants
    export DUECOURSE_TENANT="Alder Row"
    """
    with session.connection() as connection, surface.snapshot(connection):
        found = list(surface.select(connection, "ops.tenants", {}))
        login = connection.info.user
    if session.format == "json" or found:
        output.show_rows(session.format, _COLUMNS, iter(found), _cells(found, whole=ids))
    else:
        click.echo(
            f"no tenant of whom {login} may see something; first: duecourse import FOLDER, or"
            f" duecourse grant {login} view --tenant all"
        )


def _cells(found: list[surface.Row], *, whole: bool) -> Callable[[surface.Row], Iterator[object]]:
    """Return what makes the cells of a tenant: its id as short as one can type it."""
    begins = Counter(str(row["tenant"])[:_SHOWN_DIGITS] for row in found)

    def cells(row: surface.Row) -> Iterator[object]:
        tenant = str(row["tenant"])
        short = tenant[:_SHOWN_DIGITS]
        yield row["tenant_name"]
        yield tenant if whole or begins[short] > 1 else short
        counts = {name: row[name] for name in ("schedules", "accounts") if row[name]}
        yield ", ".join(f"{count:,} {name}" for name, count in counts.items())
        yield row["open_escalations"]
        if (began := row["last_started_at"]) is None:
            yield None
        else:
            what = row["last_run_key"] if whole else row["last_status"]
            yield f"{began:%Y-%m-%d %H:%M} {what}"

    return cells
