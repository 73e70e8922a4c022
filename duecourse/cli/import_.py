"""``duecourse import``."""

from pathlib import Path

import click
from rich.progress import Progress

from duecourse import output
from duecourse.book_files import find_files
from duecourse.books import Summary, import_books
from duecourse.cli._session import Session, options, pass_session
from duecourse.config import load

_COUNTS = ("read", "new", "updated", "already_there")
_LABELS = {
    "tenants": "tenants",
    "left_out": "lines of invoices deleted here, left out",
    "quarantined": "ledger rows in quarantine",
    "details_with_exclusive_end": "details whose end was exclusive already",
    "cycles_not_at_midnight": "cycles that did not begin or end at midnight UTC",
    "references_not_at_midnight": "anchor references that were not midnight UTC",
    "quarantined_payments": "payments in quarantine",
}


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
    """Load the books of FOLDER, CSV files with a header.

    Books of contracts go to the tables of billing, rent books to those of ledger. All of it in
    one transaction: when one line cannot be read, nothing is written. Clients, contracts, lines,
    units and tenancies are brought up to date; invoices, ledger rows, payments and charges that
    are there already stay as they are; invoices that were deleted here are left out. Ledger rows
    that break a rule, and payments of an unknown unit or an invalid period, are kept, quarantined.
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
        (table, *(counts[name] for name in _COUNTS)) for table, counts in summary["tables"].items()
    ]
    output.show_table(("table", *(name.replace("_", " ") for name in _COUNTS)), rows)
    for name, label in _LABELS.items():
        if name in summary:
            click.echo(f"{label}: {_text(summary[name])}")
    if dry_run:
        click.echo("dry run: nothing was written")


def _text(found: int | dict[str, int]) -> str:
    if isinstance(found, int):
        return str(found)
    return ", ".join(f"{count} {reason}" for reason, count in found.items()) or "none"
