"""``duecourse import``."""

from pathlib import Path
from typing import Any

import click
from rich.progress import Progress

from duecourse import output
from duecourse.adopted import config_of, refuse_adopted
from duecourse.book_files import find_files
from duecourse.books import DIFFERENCES_HEADER, Summary, import_books, write_differences
from duecourse.cli._session import Session, options, pass_session
from duecourse.sample_books import SAMPLES

#: The counts of a table, under the names of their columns.
_COUNTS = {
    "read": "read",
    "new": "new",
    "updated": "updated",
    "differing": "differing",
    "already_there": "the same",
}
_DUPLICATES = ("file", "line", "charge_id", "duplicates_charge_id")
_SHOWN = 20
_LABELS = {
    "tenants": "tenants",
    "left_out": "lines of invoices deleted here, left out",
    "quarantined": "ledger rows in quarantine",
    "details_with_exclusive_end": "details whose end was exclusive already",
    "cancelled_details": "details of cancelled invoices that no row is linked to, left uncounted",
    "cycles_not_at_midnight": "cycles that did not begin or end at midnight UTC",
    "references_not_at_midnight": "anchor references that were not midnight UTC",
    "quarantined_payments": "payments in quarantine",
}


@click.command("import")
@click.argument(
    "folder", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path)
)
@click.option(
    "--sample",
    is_flag=False,
    flag_value="books",
    type=click.Choice(list(SAMPLES)),
    help="Instead of FOLDER the books that are shipped: of contracts, or rent books (rent).",
)
@click.option("--dry-run", is_flag=True, help="Do it all, show the result, and take it back.")
@click.option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    default="duecourse-import-rejects.csv",
    show_default=True,
    help="Where the lines go that cannot be read, if there are any.",
)
@click.option(
    "--differences",
    type=click.Path(dir_okay=False, path_type=Path),
    default="duecourse-import-differences.csv",
    show_default=True,
    help="Where the columns go in which lines differ from rows that are there, if there are any.",
)
@options()
@pass_session
def import_(
    session: Session,
    folder: Path | None,
    sample: str | None,
    dry_run: bool,
    rejects: Path,
    differences: Path,
) -> None:
    """Load the books of FOLDER, CSV files with a header.

    Books of contracts go to the tables of billing, rent books to those of ledger. All of it in
    one transaction: when one line cannot be read, nothing is written. Clients, contracts, lines,
    units and tenancies are brought up to date, and payments that have succeeded, failed or been
    refunded since; invoices, ledger rows and charges that are there already stay as they are;
    invoices that were deleted here are left out. Ledger rows that break a rule, and payments of
    an unknown unit or an invalid period, are kept, quarantined; rents charged twice are kept, too.

    The books are compared with what is there: each line that differs from its row is counted and
    named with its columns, updated or kept as it is (differing), except where what was done here
    explains it. Kept ones are a warning; the exit status is 0 all the same.

    \b
    duecourse import books/ --dry-run
    duecourse import --sample
    """
    if (folder is None) == (sample is None):
        raise click.UsageError("name either FOLDER or --sample")
    folder = folder or SAMPLES[str(sample)]
    console = output.console(stderr=True)
    with (
        session.connection() as connection,
        Progress(console=console, transient=True, disable=not console.is_terminal) as progress,
    ):
        config = config_of(connection)
        refuse_adopted(config, "its tables are the books; import into another database")
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
    found = write_differences(summary, differences)
    if session.format == "json":
        output.show_json(summary)
    else:
        _show(summary, found, differences)
        if dry_run:
            click.echo("dry run: nothing was written")
    if kept := sum(counts.get("differing", 0) for counts in summary["tables"].values()):
        click.echo(
            f"warning: lines that differ from rows that stay as they are: {kept:,};"
            f" see {differences}",
            err=True,
        )


def _show(summary: Summary, found: list[tuple[Any, ...]], differences: Path) -> None:
    counted = [name for name in _COUNTS if any(name in c for c in summary["tables"].values())]
    rows = [
        (table, *(counts[name] for name in counted)) for table, counts in summary["tables"].items()
    ]
    output.show_table(("table", *(_COUNTS[name] for name in counted)), rows)
    for name, label in _LABELS.items():
        if name in summary:
            click.echo(f"{label}: {_text(summary[name])}")
    if found:
        output.show_table(DIFFERENCES_HEADER, found[:_SHOWN])
        if (more := len(found) - _SHOWN) > 0:
            click.echo(f"and {more:,} more; all of them: {differences}")
    if twice := summary.get("duplicate_rents"):
        click.echo(f"rents kept that stand beside another of their period: {len(twice):,}")
        output.show_table(_DUPLICATES, [tuple(r[c] for c in _DUPLICATES) for r in twice[:_SHOWN]])


def _text(found: int | dict[str, int]) -> str:
    if isinstance(found, int):
        return str(found)
    return ", ".join(f"{count} {reason}" for reason, count in found.items()) or "none"
