"""``duecourse cancel``."""

from typing import Any

import click

from duecourse.cli._control import ask, control
from duecourse.cli._session import Session, pass_session


@click.command()
@control
@pass_session
def cancel(session: Session, /, **arguments: Any) -> None:
    """Cancel a run: its call ends before the next batch, wherever it was made.

    Whoever may start the run may cancel it. What is committed is kept, and its key is used up.

    \b
    duecourse cancel cutover-1 --reason "of the wrong day"
    """
    ask(session, "cancel", arguments)
