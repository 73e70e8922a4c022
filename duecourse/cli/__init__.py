"""The command line: a file a command, found by its name and imported when it is used."""

import os
import pkgutil
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click
import psycopg

from duecourse import __version__
from duecourse.cli._session import Session, options
from duecourse.errors import DuecourseError, ExitStatus, from_database_error
from duecourse.output import visible


class _Commands(click.Group):
    """Every module of this package is the command of its name, unless it starts with ``_``."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        modules = (module.name for module in pkgutil.iter_modules(__path__))
        names = (name.rstrip("_") for name in modules if not name.startswith("_"))
        return sorted(name.replace("_", "-") for name in names)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in self.list_commands(ctx):
            return None
        module = f"{cmd_name}_" if cmd_name == "import" else cmd_name.replace("-", "_")
        command: click.Command = getattr(import_module(f"{__name__}.{module}"), module)
        return command


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    invoke_without_command=True,
)
@click.version_option(__version__, prog_name="duecourse")
@options()
@click.pass_context
def main(ctx: click.Context) -> None:
    """Find which service periods are missing or stale, show the plan, repair them, verify.

    The connection follows libpq: --dsn, else DATABASE_URL, else the PG* variables. Schema names
    come from duecourse.toml (or the file that DUECOURSE_CONFIG names).

    \b
    Exit status: 0 done or nothing to do, 1 error, 2 changes pending (with --detailed-exitcode),
    3 verification failed, 4 lock busy, 5 plan stale, 6 refused or escalated, 130 interrupted.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def start(arguments: list[str] | None = None) -> NoReturn:
    """Run the command line and exit; whatever goes wrong ends as one line."""
    signal.signal(signal.SIGTERM, _terminate)
    session = Session()
    try:
        status = main.main(arguments, prog_name="duecourse", standalone_mode=False, obj=session)
        sys.stdout.flush()
    except Exception as error:
        if session.debug:
            raise
        status = _report(error)
    sys.exit(status if isinstance(status, int) else ExitStatus.DONE)


def _report(error: Exception) -> int:
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
            path = error.ctx.command_path if error.ctx else "duecourse"
            line = f"{error.format_message()} — {_advice(error) or f'see: {path} --help'}"
        case click.Abort():
            line = "interrupted — what is committed is kept; run the same command again"
            status = ExitStatus.INTERRUPTED
        case click.ClickException():
            line = error.format_message()
        case OSError():
            line = f"{error.filename or 'input or output'}: {error.strerror or error} — see --help"
        case _:
            line = f"{type(error).__name__}: {error} — run again with --debug and report it"
    click.secho(f"error: {visible(' '.join(line.split()))}", fg="red", err=True)
    return status


def _advice(error: click.UsageError) -> str | None:
    """Return what helps more than the command's help."""
    match error:
        case click.MissingParameter(param=click.Parameter(name="tenant")):
            return (
                "duecourse tenants lists them; to name one for all commands: DUECOURSE_TENANT, or "
                'tenant = "…" in duecourse.toml'
            )
    return None


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Leave as after Ctrl-C, so that an embedded server is stopped."""
    raise KeyboardInterrupt
