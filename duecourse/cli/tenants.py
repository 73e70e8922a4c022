"""``duecourse tenants``."""

from collections.abc import Iterator
from functools import partial

import click

from duecourse import output, surface
from duecourse.cli._session import Session, options, pass_session

_COLUMNS = ("tenant", "id", "books", "escalated", "last run")


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
        output.show_rows(session.format, _COLUMNS, iter(found), partial(_cells, whole=ids))
    else:
        click.echo(
            f"no tenant of whom {login} may see something; first: duecourse import FOLDER, or"
            f" duecourse grant {login} view --tenant all"
        )


def _cells(row: surface.Row, *, whole: bool) -> Iterator[object]:
    tenant = str(row["tenant"])
    yield row["tenant_name"]
    yield tenant if whole else tenant[:8]
    kinds = ("schedule", "account")
    yield ", ".join(output.counted(n, kind) for kind in kinds if (n := row[f"{kind}s"]))
    yield row["open_escalations"]
    if (began := row["last_started_at"]) is None:
        yield None
    else:
        what = row["last_run_key"] if whole else row["last_status"]
        yield output.mark(f"{began:%Y-%m-%d} {what}")
