"""``duecourse bundle``."""

from pathlib import Path

import click

from duecourse import output
from duecourse.bundle import bundle as bundle_of
from duecourse.bundle import undo as undo_of
from duecourse.cli._session import Session, options, pass_session


@click.command()
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the script into FILE instead.",
)
@click.option("--undo", is_flag=True, help="What takes back the last migration, or those after TO.")
@click.argument("to", required=False)
@options()
@pass_session
def bundle(session: Session, out: Path | None, undo: bool, to: str | None) -> None:
    """Print what apply would do as one script for psql, for a review and for whoever runs it.

    Reads the database, writes nothing and takes no lock. The script refuses another database, and
    one in which something else was applied since. Afterwards duecourse status says that all is
    applied; where it was interrupted, duecourse apply goes on.

    With --undo it is what duecourse rollback would do.

    \b
    duecourse bundle --out change.sql
    duecourse bundle --undo --out undo.sql
    """
    if to is not None and not undo:
        raise click.UsageError("TO goes with --undo")
    with session.connection() as connection:
        text = undo_of(connection, to) if undo else bundle_of(connection)
    if out is not None:
        out.write_text(text, encoding="utf-8")
        click.echo(f"{out}: run it with psql -X -f {out}")
    elif session.format == "json":
        output.show_json({"script": text})
    else:
        click.echo(text, nl=False)
