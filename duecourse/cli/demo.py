"""``duecourse demo``."""

import textwrap
import time
from contextlib import AbstractContextManager, ExitStack
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from duecourse import embedded, output
from duecourse.cli._progress import Progress
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import connect
from duecourse.demo import PSQL_VARIABLES, Demo, Outcome, Step

_WIDTH = 96


@click.command()
@options()
@pass_session
def demo(session: Session) -> None:
    """Show the main job on sample books: apply, import, assess, plan, repair, verify, run again.

    Runs on an embedded PostgreSQL that is gone afterwards, or stays in the folder of --embedded;
    touches no other database.

    \b
    duecourse demo
    duecourse demo --embedded books
    """
    if session.dsn is not None:
        raise click.UsageError("the demo has a server of its own; leave out --dsn")
    started = time.monotonic()
    console = output.console()
    told = []
    with ExitStack() as stack:
        with _spinner("starting PostgreSQL"):
            keep = session.embedded is not None
            server = stack.enter_context(embedded.serve(session.embedded, durable=keep))
        connection = stack.enter_context(connect(server.dsn))
        if session.format == "table":
            _open(console)
        for number, step in enumerate(Demo(server.dsn, connection).steps(), 1):
            if session.format == "table":
                _introduce(console, f"{number}. {step.title}", step)
            with Progress(connection, "backfill") if step.writes else _spinner(step.title):
                outcome = step.run()
            if session.format == "table":
                _conclude(console, outcome)
            told.append(_as_json(step, outcome))
    if session.format == "json":
        output.show_json(told)
        return
    left = f"its data stay in {session.embedded}" if session.embedded else "nothing is left behind"
    click.echo(f"Done in {time.monotonic() - started:.1f} s; the server is stopped, {left}.")


def _spinner(text: str) -> AbstractContextManager[Any]:
    return output.console(stderr=True).status(text)


def _open(console: Console) -> None:
    console.print("Each step shows what one would type: $ in a shell, =# in psql; there, after\n")
    _show_typed(console, "=#", PSQL_VARIABLES)
    console.print()


def _introduce(console: Console, title: str, step: Step) -> None:
    """Show what a step is for, and what one would type for it."""
    console.print(f"{title}\n{'─' * len(title)}", style="bold cyan")
    console.print(textwrap.fill(step.about, _WIDTH), markup=False)
    console.print()
    _show_typed(console, "$", step.command)
    _show_typed(console, "=#", step.sql)
    console.print()


def _show_typed(console: Console, prompt: str, lines: str) -> None:
    for line in lines.splitlines():
        console.print(Text.assemble(f"  {prompt} ", (line, "bold")), soft_wrap=True)


def _conclude(console: Console, outcome: Outcome) -> None:
    """Show what came out."""
    console.print("\n".join(textwrap.wrap(outcome.summary, _WIDTH)), style="green", markup=False)
    for table in outcome.tables:
        console.print()
        output.show_table(table.columns, table.rows)
    console.print()


def _as_json(step: Step, outcome: Outcome) -> dict[str, object]:
    return {
        "title": step.title,
        "about": step.about,
        "command": step.command,
        "sql": step.sql,
        "summary": outcome.summary,
        "tables": [
            [dict(zip(table.columns, row, strict=True)) for row in table.rows]
            for table in outcome.tables
        ],
    }
