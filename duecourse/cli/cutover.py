"""``duecourse cutover``."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from time import sleep
from typing import Any

import click
from rich.live import Live

from duecourse import output, surface
from duecourse.cli._cutover import Cutover
from duecourse.cli._scope import TENANT_VARIABLE, as_of, every_row, integer, settled
from duecourse.cli._session import Session, options, pass_session
from duecourse.errors import ExitStatus
from duecourse.paging import paged


class _ShowByDefault(click.Group):
    """A group in which ``cutover TENANT`` means ``cutover show TENANT``."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        asks_for_help = {*args[:1]} & {*ctx.help_option_names}
        if not asks_for_help and not {*args} & {*self.commands}:
            args = ["show", *args]
        return super().parse_args(ctx, args)


@click.group(cls=_ShowByDefault)
@options()
def cutover() -> None:
    """Show how far a tenant's cutover is, and attest what no data can show.

    "duecourse cutover TENANT" is short for "duecourse cutover show TENANT".
    """


@cutover.command()
@click.argument(
    "tenant", metavar="TENANT", envvar=TENANT_VARIABLE, required=False, callback=settled
)
@as_of
@every_row("Show what has passed, too.")
@click.option(
    "--watch", is_flag=True, help="Look again and again until Ctrl-C; piped, print what changed."
)
@click.option(
    "--every",
    metavar="SECONDS",
    type=click.FloatRange(min=0.1),
    default=5.0,
    show_default=True,
    help="How often to look, with --watch.",
)
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 2 while something is left.")
@options()
@pass_session
def show(
    session: Session,
    /,
    everything: bool,
    watch: bool,
    every: float,
    detailed_exitcode: bool,
    **arguments: Any,
) -> ExitStatus:
    """Show what is left of the steps and the checklist of a cutover, and what leads on.

    Reads only. What has passed is counted; --all shows it. JSON also holds the escalated rows.

    \b
    Exit status, for a pipeline that waits for the cutover:
    6 when something is escalated, as a person has to look;
    else 2 with --detailed-exitcode until all 16 items are passed;
    else 0.

    \b
    duecourse cutover show "Alder Row"
    duecourse cutover "Alder Row" --watch
    """
    tenant = arguments["tenant"]
    with session.books(arguments) as connection:
        look = partial(Cutover.read, connection, arguments, tenant)
        if watch:
            seen = _watch(session, look, every, everything=everything)
        else:
            seen = look()
            with paged(wanted=session.may_page):
                _print(session, seen, everything=everything)
    return seen.exit_status(detailed=detailed_exitcode)


@cutover.command()
@click.argument("tenant")
@click.argument("step", type=integer)
@click.option("--note", metavar="TEXT", required=True, help="What you saw that makes it true.")
@options()
@pass_session
def attest(session: Session, /, **arguments: Any) -> None:
    """Vouch for STEP 1, 7, 8 or 9, which no data can show.

    Recorded with your role and the time; the latest attestation of a step counts. Steps 7 and 8
    have to be attested after their invoice was generated, and step 9 after the others.

    \b
    duecourse cutover attest "Alder Row" 7 --note "both were watched"
    """
    with session.books(arguments) as connection:
        result = surface.call(connection, "attest_cutover_step", arguments)
    if session.format == "json":
        attested = {name.removeprefix("o_"): value for name, value in result.items()}
        output.show_json({**arguments, **attested})
    else:
        click.echo(
            f"step {arguments['step']} attested by {result['o_attested_by']} "
            f"at {result['o_attested_at']:%Y-%m-%d %H:%M:%S %Z}"
        )


def _watch(
    session: Session, look: Callable[[], Cutover], seconds: float, *, everything: bool
) -> Cutover:
    """Redraw the screen, or print what changed, until Ctrl-C; return what was seen last."""
    seen = look()
    console = output.console()
    with suppress(KeyboardInterrupt):
        if session.format == "table" and console.is_terminal:
            with Live(seen.glance(), console=console, auto_refresh=False) as screen:
                while True:
                    sleep(seconds)
                    seen = look()
                    screen.update(seen.glance(), refresh=True)
        shown = None
        while True:
            if seen != shown:
                _print(session, seen, everything=everything, as_line=True)
                shown = seen
            sleep(seconds)
            seen = look()
    return seen


def _print(session: Session, seen: Cutover, *, everything: bool, as_line: bool = False) -> None:
    if session.format == "table":
        seen.show(everything=everything)
    else:
        click.echo(output.to_json(seen.document(), indent=None if as_line else 2))
