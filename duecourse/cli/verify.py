"""``duecourse verify``."""

from collections.abc import Collection
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID

import click

from duecourse import check_files, check_table, checks, surface
from duecourse.adopted import config_of
from duecourse.cli._errors import did_you_mean
from duecourse.cli._prove import prove
from duecourse.cli._scope import as_of, tenant
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.objects import Check, checks_anywhere, declared
from duecourse.tenants import ALL

_FILES = "|".join(check_files.FORMATS)
_SEVERITY = click.Choice(["error", "warning"])


def _file(text: str) -> tuple[str, Path]:
    """Read ``FORMAT=FILE``."""
    form, _, name = text.partition("=")
    path = Path(name)
    if form not in check_files.FORMATS or not name:
        raise click.BadParameter(f"{text!r} is not {_FILES}, then = and a file.")
    if path.is_dir() or not path.parent.is_dir():
        raise click.BadParameter(f"{name!r} is not a file that can be written.")
    return form, path


def _complete_check(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [name for name in checks_anywhere() if name.startswith(incomplete)]


@click.command()
@tenant(
    every=True,
    required=False,
    whose="Whose books; all: every tenant's, and the database; without: the database itself",
)
@click.option("--database", "alone", is_flag=True, help="The database itself, and no tenant.")
@as_of
@click.option(
    "--check",
    "chosen",
    metavar="NAME",
    multiple=True,
    shell_complete=_complete_check,
    help="Only this check.",
)
@click.option(
    "--skip",
    "skipped",
    metavar="NAME",
    multiple=True,
    shell_complete=_complete_check,
    help="Not this check.",
)
@click.option(
    "--severity",
    type=_SEVERITY,
    default="warning",
    show_default=True,
    help="Look at findings of at least this severity.",
)
@click.option(
    "--fail-on",
    type=_SEVERITY,
    default="error",
    show_default=True,
    help="Fail (3) from this severity on.",
)
@click.option(
    "--out",
    "files",
    metavar="FORMAT=FILE",
    type=_file,
    multiple=True,
    help=f"Write a file, too: {_FILES}. Repeatable.",
)
@click.option(
    "--record", is_flag=True, help="Record it, so that later one sees since when a check fails."
)
@click.option(
    "--prove",
    "proved",
    is_flag=True,
    help="Plant a fault for each check, in books of its own and in a transaction that is taken"
    " back, and show that it is found. Locks tables for moments.",
)
@click.option("--yes", is_flag=True, help="Prove also while other sessions are connected.")
@click.option("--all", "everything", is_flag=True, help="Show every finding, warnings too.")
@options("tap", "junit")
@pass_session
def verify(
    session: Session,
    /,
    alone: bool,
    files: tuple[tuple[str, Path], ...],
    record: bool,
    proved: bool,
    yes: bool,
    everything: bool,
    tenant: str | None,
    as_of: date,
    **wanted: Any,
) -> ExitStatus:
    """Check the ledger and what surrounds it; reads only, but for --record and --prove.

    Without a tenant the database itself is checked: its guards, tables and routines, permissions,
    runs. All checks see one state of the database. Exits with 3 when a check finds an error, or
    cannot look; warnings are shown only.

    \b
    duecourse verify --tenant "Alder Row"
    duecourse verify --tenant all --out junit=verify.xml
    duecourse verify --database
    """
    asked = checks.Wanted(**wanted)
    _refuse_unknown(asked, checks_anywhere())
    if proved:
        with session.connection() as connection:
            return prove(session, connection, asked, yes=yes)
    whose: dict[str, Any] = {"tenant": None if alone else tenant}
    with session.books(whose) as connection:
        known = declared(config_of(connection).profile)
        _refuse_unknown(asked, [check.name for check in known])
        every = tenant == ALL and not alone
        if whose["tenant"] is None and not every:
            _refuse_of_tenants(asked, known)
        looked_at = _looked_at(connection, whose["tenant"], every=every)
        found = checks.reports(connection, known, looked_at, as_of, asked)
        for report in found if record else ():
            checks.record(connection, report)
    check_files.write(found, dict(files))
    if session.format == "table":
        check_table.show(found, everything=everything)
    else:
        click.echo(check_files.FORMATS[session.format](found), nl=False)
    failed = any(report.failed for report in found)
    return ExitStatus.VERIFICATION_FAILED if failed else ExitStatus.DONE


def _refuse_unknown(asked: checks.Wanted, known: Collection[str]) -> None:
    for name in (*asked.chosen, *asked.skipped):
        if name not in known:
            raise click.UsageError(
                f"there is no check {name!r}.{did_you_mean(name, known)}"
                f" There are: {', '.join(known)}"
            )


def _refuse_of_tenants(asked: checks.Wanted, known: Collection[Check]) -> None:
    of_tenants = {check.name for check in known if not check.of_database}
    for name in asked.chosen:
        if name in of_tenants:
            raise click.UsageError(f"{name} looks at a tenant: name one, or --tenant all")


def _looked_at(
    connection: Connection, tenant: UUID | None, *, every: bool
) -> dict[UUID | None, str]:
    """Return whom to look at, and by what name; None is the database itself."""
    database: dict[UUID | None, str] = {None: f"database {connection.info.dbname}"}
    with surface.snapshot(connection):
        # Refuses who may look at nothing, and where nothing was applied.
        [viewed] = surface.select(connection, "ops.all_tenants", {"permission": "view"})
        if tenant is None and not every:
            return database
        text = "" if tenant is None else str(tenant)
        found = surface.select(connection, "ops.find_tenants", {"text": text})
        names = {row["tenant"]: row["tenant_name"] for row in found}
    if tenant is not None:
        return {tenant: names.get(tenant, str(tenant))}
    return database | {each: names[each] for each in viewed["all_tenants"]}
