"""``duecourse resume``."""

from typing import Any

import click

from duecourse.cli._control import control
from duecourse.cli._resume import go_on
from duecourse.errors import ExitStatus


@click.command()
@control
@click.pass_context
def resume(
    ctx: click.Context, /, run_key: str, operation: str | None, **arguments: Any
) -> ExitStatus:
    """Resume a run that was paused, interrupted, locked or failed, as its record says.

    Where its own call still lives, that one goes on; else this command goes on with it, as
    duecourse run OPERATION --resume KEY does, which can also change how fast it goes.

    \b
    duecourse resume cutover-1
    """
    return go_on(ctx, operation, run_key, arguments)
