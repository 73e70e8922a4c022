"""``duecourse offline``: plan over JSON Lines, without a look at stored data."""

import sys
from typing import BinaryIO

import click

from duecourse.cli._session import Session, options, pass_session
from duecourse.config import load
from duecourse.errors import DuecourseError
from duecourse.offline import OPERATIONS, Fault, answers
from duecourse.output import counted, visible

#: How many lines are named at the end.
_SHOWN = 5


@click.command(epilog=f"Operations: {', '.join(OPERATIONS)}.")
@click.argument("operation", metavar="OPERATION", type=click.Choice(OPERATIONS))
@click.option(
    "--input",
    "source",
    type=click.File("rb"),
    default="-",
    show_default=True,
    help="File of JSON Lines; - is standard input.",
)
@options()
@pass_session
def offline(session: Session, operation: str, source: BinaryIO) -> None:
    """Answer JSON Lines with the planner of the database; nothing is stored.

    A line in is an input object or {"id": …, "input": {…}}. A line out is
    {"id": …, "output": {…}}, in the same order; the id of a bare input is null. Blank lines count
    but have no answer. A line that cannot be read is named on standard error, the others are
    answered, and the exit status is 1.

    \b
    duecourse offline coverage --input cases.jsonl
    """
    target = sys.stdout.buffer
    faults: list[int] = []
    with session.connection() as connection:
        for given in answers(connection, load(), operation, source):
            if isinstance(given, Fault):
                faults.append(given.number)
                click.echo(f"line {given.number}: {visible(given.reason)}", err=True)
            else:
                target.write(given.encode() + b"\n")
    if faults:
        numbers = ", ".join(map(str, faults[:_SHOWN])) + (", …" if faults[_SHOWN:] else "")
        raise DuecourseError(
            f"{counted(len(faults), 'line')} could not be read ({numbers})",
            "correct and plan again; the others are answered",
        )
