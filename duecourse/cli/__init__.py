"""The command line: a file a command, found by its name and imported when it is used."""

import pkgutil
import signal
import sys
from importlib import import_module
from types import FrameType
from typing import NoReturn

import click

from duecourse import __version__
from duecourse.cli import _errors
from duecourse.cli._session import Session, options
from duecourse.errors import ExitStatus


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
        status = _errors.report(error)
    sys.exit(status if isinstance(status, int) else ExitStatus.DONE)


def _terminate(number: int, frame: FrameType | None) -> NoReturn:
    """Leave as after Ctrl-C, so that an embedded server is stopped."""
    raise KeyboardInterrupt
