"""``duecourse pause``."""

from typing import Any

import click

from duecourse.cli._control import ask, control
from duecourse.cli._session import Session, pass_session


@click.command()
@control
@pass_session
def pause(session: Session, /, **arguments: Any) -> None:
    """Pause a run: its call ends before the next batch, wherever it was made.

    Whoever may start the run may pause it. It goes on by: duecourse resume KEY

    \b
    duecourse pause cutover-1 --reason "the replica is behind"
    """
    ask(session, "pause", arguments)
