"""``duecourse plan show``."""

from pathlib import Path
from typing import Any

import click

from duecourse import output, plan_file
from duecourse.cli import _plan_page, _plan_view
from duecourse.cli._session import Session, options, pass_session
from duecourse.files import write_whole


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--rows", is_flag=True, help="Show the rows that change, too.")
@click.option(
    "--out",
    metavar="FILE",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it as one page of HTML, whole or not at all.",
)
@options("html")
@pass_session
def show(session: Session, file: Path, rows: bool, out: Path | None) -> None:
    """Show a saved plan; no database is needed.

    A file that was edited since it was saved is refused. As a page of HTML, for a ticket, it needs
    no network and can be printed.

    \b
    duecourse plan show plan.json
    duecourse plan show plan.json --rows --format json
    duecourse plan show plan.json --out plan.html
    """
    head = plan_file.load(file)
    units: list[dict[str, Any]] = head.pop("rows")
    if out is not None:
        write_whole({out: _plan_page.lines(head, units)})
    if session.format == "html":
        for text in _plan_page.lines(head, units):
            click.echo(text, nl=False)
    elif session.format == "json":
        for text in output.json_document(head, units if rows else ()):
            click.echo(text, nl=False)
    elif out is None:
        _plan_view.show(head, units, rows=rows)
