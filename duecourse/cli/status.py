"""``duecourse status``."""

import difflib

import click

from duecourse import __version__, migrate, output
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection, where
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import Status
from duecourse.objects import State
from duecourse.profile import Adoption


@click.command()
@click.option("--all", "everything", is_flag=True, help="List what is applied or new, too.")
@click.option(
    "--diff",
    "wanted",
    metavar="NAME",
    help="Show as text what is otherwise in what is so named: an object, a table, a file.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 when anything differs.")
@options()
@pass_session
def status(
    session: Session, everything: bool, wanted: str | None, detailed_exitcode: bool
) -> ExitStatus:
    """Show what is applied, pending, edited or drifted; reads only and takes no lock.

    \b
    new       not applied yet            changed   applied from another text
    reworded  only its comments changed  drifted   changed in the database by hand
    removed   its file is gone           edited    not the text that was applied
    missing   gone from the database     not ours  in the database, but not by apply

    \b
    duecourse status --detailed-exitcode
    duecourse status --diff billing.due_work
    """
    with session.connection() as connection:
        found = migrate.status(connection)
        opening = _opening(connection)
    pending = [item for item in found.objects if item.state is not State.APPLIED]
    if session.format == "json":
        output.show_json(found)
    elif wanted is not None:
        _show_diff(found, wanted)
    else:
        click.echo(opening)
        if found.adoption:
            click.echo(f"adopted     {_how(found.adoption)}")
        if found.engine and found.engine.told:
            click.echo(f"engine      {found.engine.told}")
        click.echo(
            f"migrations  {len(found.applied)} applied, {len(found.pending)} pending"
            + (f", {len(found.edited)} edited since" if found.edited else "")
        )
        click.echo(
            f"objects     {len(found.objects) - len(pending)} applied, {len(pending)} to apply"
        )
        count = len(found.differences)
        click.echo(f"drift       {count or 'no'} difference{'' if count == 1 else 's'}")
        if found.locked_by:
            click.echo(f"yoyo's lock is held by {found.locked_by}")
        _show_rows(found, everything)
    to_move = found.engine is not None and found.engine.is_pending
    changes = bool(found.pending or found.edited or pending or found.differences or to_move)
    return ExitStatus.CHANGES_PENDING if detailed_exitcode and changes else ExitStatus.DONE


def _opening(connection: Connection) -> str:
    version = connection.info.parameter_status("server_version")
    return f"{where(connection)}, PostgreSQL {version}, duecourse {__version__}"


def _how(adoption: Adoption) -> str:
    options = {
        "guards": adoption.guards,
        "indexes": adoption.indexes,
        "unique rents": adoption.unique_rents,
    }
    chosen = [name for name, is_on in options.items() if is_on]
    return ", ".join([f"{adoption.profile}, schema {adoption.source}", *chosen])


def _show_rows(found: Status, everything: bool) -> None:
    rows = [("migration", "applied", name, "") for name in found.applied if everything]
    # All of them, where nothing is applied yet, are told by their number.
    waiting = found.pending if found.applied or everything else []
    rows += [("migration", "pending", name, "duecourse apply") for name in waiting]
    # What has drifted is told by its object.
    quiet = (State.DRIFTED,) if everything else (State.DRIFTED, State.APPLIED, State.NEW)
    rows += [
        ("object", item.state, item.path, "" if item.state is State.APPLIED else "duecourse apply")
        for item in found.objects
        if item.state not in quiet
    ]
    rows += [("catalog", item.state, item.identity, item.repair) for item in found.differences]
    rows += [("migration", item.state, item.name, item.repair) for item in found.edited]
    if rows:
        output.show_table(("kind", "state", "name", "repair"), rows)


def _show_diff(found: Status, wanted: str) -> None:
    """Print what differs in the objects of a name, as `diff -u` does."""
    texts = [
        item
        for item in [*found.differences, *found.edited]
        if wanted in item.identity or wanted == item.path
    ]
    if not texts:
        raise DuecourseError(f"nothing differs in {wanted!r}", "duecourse status names what does")
    for item in texts:
        lines = difflib.unified_diff(
            item.recorded.splitlines(),
            item.live.splitlines(),
            f"{item.identity} as applied",
            f"{item.identity} as it is",
            lineterm="",
        )
        click.echo("\n".join(lines))
