"""``duecourse apply``."""

import click

from duecourse import migrate, output
from duecourse.changes import counted
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import connect
from duecourse.database import wait as wait_for
from duecourse.errors import ExitStatus
from duecourse.frozen import template
from duecourse.objects import ObjectState, State
from duecourse.pending import Pending, banner, pending, to_apply


@click.command()
@click.option("--dry-run", is_flag=True, help="Print the SQL of what is pending, and do nothing.")
@click.option("--verbose", is_flag=True, help="Name every object.")
@click.option(
    "--wait",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=0,
    help="How long to wait for a server that does not answer yet.",
)
@click.option(
    "--lock-timeout",
    metavar="SECONDS",
    type=click.FloatRange(min=0),
    default=30,
    show_default=True,
    help="How long to wait for another who applies.",
)
@click.option("--remake", is_flag=True, help="Make tables that are gone anew, and empty.")
@options()
@pass_session
def apply(
    session: Session,
    dry_run: bool,
    verbose: bool,
    wait: float,
    lock_timeout: float,
    remake: bool,
) -> ExitStatus:
    """Bring the database to this version.

    Runs the pending migrations by yoyo, then re-creates in one transaction the views, routines,
    triggers and types whose text changed or that are no longer as they were applied. Safe to run
    again, at the same time as another apply, and after one that was killed.

    Where duecourse.toml asks for partitions of the ledger, it is moved into them; see
    docs/partitions.md. Nobody writes to it meanwhile. Where it asks for a cluster of Citus, the
    tables are distributed; see docs/citus.md.

    Tables that were changed by hand are named with the statement that repairs them, which is not
    run; then the exit status is 1.

    \b
    duecourse apply
    duecourse apply --lock-timeout 5
    """
    with session.server(create=not dry_run) as dsn:
        if wait:
            wait_for(dsn, wait)
        if dry_run:
            with connect(dsn) as connection:
                found, _ = pending(connection)
            _show_pending(session.format, found)
            return ExitStatus.DONE
        watch = None if session.format == "json" else _Told(verbose)
        done = migrate.apply(dsn, lock_timeout=lock_timeout, remake=remake, watch=watch)
    left = [found for found in done.differences if found.state != "not ours"]
    if session.format == "json":
        output.show_json(done)
    else:
        _show_end(done, verbose)
    return ExitStatus.ERROR if left or done.edited else ExitStatus.DONE


class _Told(migrate.Watch):
    """Tells in the terminal how far an apply is."""

    def __init__(self, verbose: bool) -> None:
        self._verbose = verbose

    def begins(self, place: str, migrations: int, objects: int) -> None:
        click.echo(f"{place}: {to_apply(migrations, objects)}")

    def migrated(self, migration: str, seconds: float) -> None:
        click.echo(f"  {migration:<31} ok {_took(seconds)}")

    def made(self, objects: list[ObjectState], seconds: float) -> None:
        if objects:
            click.echo(
                f"  {counted(len(objects), 'object') + ' in one transaction':<31} ok "
                f"{_took(seconds)}"
            )
        for item in objects if self._verbose else ():
            click.echo(f"    {item.state:<9} {item.path}")

    def moves(self, news: str) -> None:
        click.echo(f"    {news}")

    def moved(self, partitions: int, seconds: float) -> None:
        click.echo(f"  {f'the ledger in {partitions} partitions':<31} ok {_took(seconds)}")

    def distributes(self, place: str, tables: int) -> None:
        click.echo(f"{place}: {counted(tables, 'table')} to distribute")

    def distributed(self, tables: int, seconds: float) -> None:
        told = f"{counted(tables, 'table')} distributed"
        click.echo(f"  {told:<31} ok {_took(seconds)}")


def _show_end(done: migrate.Applied, verbose: bool) -> None:
    if done.migrations or done.objects or done.partitions or done.distributed:
        is_new = "0001.ops" in done.migrations
        steps = "duecourse import, or duecourse verify" if is_new else "duecourse verify"
        names = "" if verbose or not done.objects else " (names: --verbose)"
        click.echo(f"done in {done.seconds:.1f} s; next: {steps}{names}")
    for found in [*done.differences, *done.edited]:
        click.echo(f"left       {found.state:<9} {found.identity}: {found.repair}")


def _show_pending(form: str, found: Pending) -> None:
    if form == "json":
        output.show_json(found)
        return
    click.echo(f"-- {found.place}: {found.counted}")
    for path, what in _named(found).items():
        click.echo(f"\n{banner(path, what)}{found.texts.get(path, '')}", nl=False)
    if found.move:
        click.echo(f"\n{banner('duecourse.toml', found.moves)}{found.move};")


def _named(found: Pending) -> dict[str, str]:
    """Return the files in the order in which they are applied, each with what it is."""
    return {
        **{item.path: item.state for item in found.objects if item.state is State.REMOVED},
        **{template(name): "migration" for name in found.migrations},
        **{item.path: item.state for item in found.objects if item.state is not State.REMOVED},
    }


def _took(seconds: float) -> str:
    return f"{seconds * 1000:5.0f} ms" if seconds < 10 else f"{seconds:6.1f} s"
