"""``duecourse apply``."""

import click

from duecourse import migrate, output
from duecourse.cli._session import Session, options, pass_session
from duecourse.errors import ExitStatus


@click.command()
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
def apply(session: Session, lock_timeout: float, remake: bool) -> ExitStatus:
    """Bring the database to this version.

    Runs the pending migrations by yoyo, then re-creates in one transaction the views, routines,
    triggers and types whose text changed or that are no longer as they were applied. Safe to run
    again, at the same time as another apply, and after one that was killed.

    Tables that were changed by hand are named with the statement that repairs them, which is not
    run; then the exit status is 1.
    """
    with session.server(create=True) as dsn:
        done = migrate.apply(dsn, lock_timeout=lock_timeout, remake=remake)
    left = [found for found in done.differences if found.state != "not ours"]
    if session.format == "json":
        output.show_json(done)
    else:
        for name in done.migrations:
            click.echo(f"migration  applied   {name}")
        for item in done.objects:
            click.echo(f"object     {item.state:<9} {item.path}")
        if not done.migrations and not done.objects:
            click.echo("nothing to apply")
        for found in [*done.differences, *done.edited]:
            click.echo(f"left       {found.state:<9} {found.identity}: {found.repair}")
    return ExitStatus.ERROR if left or done.edited else ExitStatus.DONE
