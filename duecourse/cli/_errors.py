"""Whatever goes wrong ends as one line: what is wrong, with its value, and what to do."""

import difflib
import os
import re
import sys
from collections.abc import Iterable

import click
import psycopg

from duecourse.errors import DuecourseError, ExitStatus, from_database_error
from duecourse.output import visible

_UNKNOWN_COMMAND = re.compile(r"No such command '(.*)'\.")
_UNKNOWN_CHOICE = re.compile(r"'(.*?)' is not one of ")


def report(error: Exception) -> int:
    """Say in one line what is wrong and what to do; return the exit status."""
    status = ExitStatus.ERROR
    match error:
        case BrokenPipeError():
            # Whoever read our output has left; there is nobody to tell, and nothing to flush to.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return status
        case DuecourseError():
            line, status = str(error), error.exit_status
        case psycopg.Error():
            known = from_database_error(error)
            line, status = str(known), known.exit_status
        case click.UsageError():
            line = f"{error.format_message()}{_guess(error)} — {_advice(error)}"
        case click.Abort():
            line = "interrupted — what is committed is kept; run the same command again"
        case click.ClickException():
            line = error.format_message()
        case OSError():
            line = f"{error.filename or 'input or output'}: {error.strerror or error} — see --help"
        case _:
            line = f"{type(error).__name__}: {error} — run again with --debug and report it"
    text = click.style(f"error: {visible(' '.join(line.split()))}", fg="red")
    click.echo(text, err=True, color=False if os.environ.get("NO_COLOR") else None)
    return status


def did_you_mean(text: str, known: Iterable[str]) -> str:
    """Return the question whether the nearest of what is known was meant; empty if none is near."""
    near = difflib.get_close_matches(text, list(known), n=1)
    return f" Did you mean {near[0]!r}?" if near else ""


def _guess(error: click.UsageError) -> str:
    """Return what a name that is none may have been meant to be."""
    command = error.ctx.command if error.ctx else None
    unknown = _UNKNOWN_COMMAND.match(error.message)
    if unknown and isinstance(command, click.Group) and error.ctx is not None:
        return did_you_mean(unknown[1], command.list_commands(error.ctx))
    if isinstance(error, click.BadParameter) and error.param is not None:
        offered = error.param.type
        found = _UNKNOWN_CHOICE.match(error.message)
        if found and isinstance(offered, click.Choice):
            return did_you_mean(found[1], map(str, offered.choices))
    return ""


def _advice(error: click.UsageError) -> str:
    """Return what to do: what helps more than the command's help, or that."""
    match error:
        case click.MissingParameter(param=click.Parameter(name="tenant")):
            return (
                "duecourse tenants lists them; to name one for all commands: DUECOURSE_TENANT, or "
                'tenant = "…" in duecourse.toml'
            )
    path = error.ctx.command_path if error.ctx else "duecourse"
    return f"see: {path} --help"
