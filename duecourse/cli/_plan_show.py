"""``duecourse plan show``."""

from pathlib import Path
from typing import Any

import click

from duecourse import output, plan_file
from duecourse.cli import _plan_view
from duecourse.cli._session import Session, options, pass_session


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rows", is_flag=True, help="Show the rows that change, too.")
@options()
@pass_session
def show(session: Session, file: Path, rows: bool) -> None:
    """Show a saved plan; no database is needed.

    A file that was edited since it was saved is refused.

    \b
    duecourse plan show plan.json
    duecourse plan show plan.json --rows --format json
    """
    head = plan_file.load(file)
    units: list[dict[str, Any]] = head.pop("rows")
    if session.format == "json":
        for text in output.json_document(head, units if rows else ()):
            click.echo(text, nl=False)
    else:
        _plan_view.show(head, units, rows=rows)
