"""``duecourse status``."""

import click

from duecourse import migrate, output
from duecourse.cli._session import Session, options, pass_session
from duecourse.errors import ExitStatus
from duecourse.objects import State


@click.command()
@click.option("--all", "everything", is_flag=True, help="List what is applied, too.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when something is pending.")
@options()
@pass_session
def status(session: Session, everything: bool, detailed_exitcode: bool) -> ExitStatus:
    """Show what is applied, pending or drifted; reads only and takes no lock.

    \b
    new       not applied yet            changed   applied from another text
    reworded  only its comments changed  drifted   changed in the database by hand
    removed   its file is gone           edited    not the text that was applied
    """
    with session.connection() as connection:
        found = migrate.status(connection)
    pending = [item for item in found.objects if item.state is not State.APPLIED]
    if session.format == "json":
        output.show_json(found)
    else:
        rows = [("migration", "applied", name, "") for name in found.applied if everything]
        rows += [("migration", "pending", name, "") for name in found.pending]
        rows += [("migration", "edited", name, "") for name in found.edited]
        rows += [
            ("object", item.state, item.path, ", ".join(item.drift))
            for item in (found.objects if everything else pending)
        ]
        if rows:
            output.show_table(("kind", "state", "name", "drifted"), rows)
        click.echo(
            f"{len(found.applied)} migrations applied, {len(found.pending)} pending, "
            f"{len(found.edited)} edited since; "
            f"{len(found.objects) - len(pending)} objects applied, {len(pending)} to apply"
        )
        if found.locked_by:
            click.echo(f"yoyo's lock is held by {found.locked_by}")
    changes = bool(found.pending or found.edited or pending)
    return ExitStatus.CHANGES_PENDING if detailed_exitcode and changes else ExitStatus.DONE
