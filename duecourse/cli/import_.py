"""``duecourse import``."""

from pathlib import Path

import click
from rich.progress import Progress

from duecourse import output
from duecourse.books import Summary, find_files, import_books
from duecourse.cli._session import Session, options, pass_session
from duecourse.config import load

_COUNTS = ("read", "new", "updated", "already_there")


@click.command("import")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--dry-run", is_flag=True, help="Do it all, show the result, and take it back.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    default="duecourse-import-rejects.csv",
    show_default=True,
    help="Where the lines go that cannot be read, if there are any.",
)
@options()
@pass_session
def import_(session: Session, folder: Path, dry_run: bool, rejects: Path) -> None:
    """Load the books of FOLDER, CSV files with a header, into the tables of billing.

    All of it in one transaction: when one line cannot be read, nothing is written. Clients,
    contracts and lines are brought up to date; invoices and ledger rows that are there already
    stay as they are. Ledger rows that break a rule are kept, quarantined.
    """
    config = load()
    console = output.console(stderr=True)
    with (
        session.connection() as connection,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        files, warnings = find_files(connection, config, folder)
        for warning in warnings:
            click.echo(f"warning: {warning}", err=True)
        task = progress.add_task("mapping", total=None)
        summary = import_books(
            connection,
            config,
            files,
            rejects=rejects,
            dry_run=dry_run,
            open_file=lambda path: progress.open(path, "rb", description=path.name),
            on_tenant=lambda done, total: progress.update(task, completed=done, total=total),
        )
    if session.format == "json":
        output.show_json(summary)
    else:
        _show(summary, dry_run)


def _show(summary: Summary, dry_run: bool) -> None:
    rows = [
        (table, *(counts[name] for name in _COUNTS)) for table, counts in summary.tables.items()
    ]
    output.show_table(("table", *(name.replace("_", " ") for name in _COUNTS)), rows)
    click.echo(f"tenants: {summary.tenants}")
    quarantined = ", ".join(f"{count} {reason}" for reason, count in summary.quarantined.items())
    click.echo(f"ledger rows in quarantine: {quarantined or 'none'}")
    click.echo(f"details whose end was exclusive already: {summary.details_with_exclusive_end}")
    click.echo(
        f"cycles that did not begin or end at midnight UTC: {summary.cycles_not_at_midnight}"
    )
    if dry_run:
        click.echo("dry run: nothing was written")
