"""The pager of a terminal, for what is longer than its screen."""

import io
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout

import click


class _Held(io.StringIO):
    """Keeps what is printed as it would be printed to the terminal."""

    def isatty(self) -> bool:
        return True


@contextmanager
def paged(*, wanted: bool = True) -> Iterator[None]:
    """Keep what the block prints, and show it in the pager if it is longer than the screen.

    Piped, or not wanted, all of it is printed at once. PAGER chooses the program.
    """
    if not (wanted and sys.stdout.isatty() and sys.stdin.isatty()):
        yield
        return
    held = _Held()
    try:
        with redirect_stdout(held):
            yield
    except BaseException:
        click.echo(held.getvalue(), nl=False)
        raise
    text = held.getvalue()
    if text.count("\n") < shutil.get_terminal_size().lines:
        click.echo(text, nl=False)
    else:
        os.environ.setdefault("LESS", "-R")
        click.echo_via_pager(text, color=True)
