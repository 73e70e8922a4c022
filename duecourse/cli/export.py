"""``duecourse export``."""

from pathlib import Path
from uuid import UUID

import click

from duecourse import output, profile
from duecourse.cli._progress import RowProgress
from duecourse.cli._session import Session, options, pass_session
from duecourse.export import export_books


@click.command()
@click.argument("profile_name", metavar="PROFILE", type=click.Choice(profile.names()))
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("--schema", "source", metavar="NAME", help="Where the tables are (default: public).")
@click.option(
    "--tenant",
    metavar="UUID",
    type=click.UUID,
    help="Of alga: only this tenant. Of rental: under which id the books are imported (default: as"
    " adopted, else one that is made from the name of the database).",
)
@options()
@pass_session
def export(
    session: Session, profile_name: str, folder: Path, source: str | None, tenant: UUID | None
) -> None:
    """Write the tables of another system, alga or rental, as books into FOLDER.

    For a copy: what it writes is what duecourse import reads elsewhere. Reads only, in one
    snapshot, and nothing of ours needs to be in that database. Refuses a folder that is not empty.

    \b
    duecourse export alga books/
    """
    with session.connection() as connection, RowProgress() as progress:
        rows = export_books(
            connection,
            profile_name,
            folder,
            source=source,
            tenant=tenant,
            on_rows=progress.show,
        )
    if session.format == "json":
        output.show_json({"folder": str(folder), "rows": rows})
        return
    output.show_table(("table", "rows"), rows.items())
    click.echo(f"next, for a database of its own: duecourse import {folder}")
