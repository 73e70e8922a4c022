"""``duecourse completion``."""

import click
from click.shell_completion import get_completion_class

from duecourse.cli._session import options
from duecourse.errors import DuecourseError

_VARIABLE = "_DUECOURSE_COMPLETE"


@click.command()
@click.argument("shell", metavar="SHELL", type=click.Choice(["bash", "zsh", "fish"]))
@options()
@click.pass_context
def completion(ctx: click.Context, shell: str) -> None:
    """Print what makes a shell complete commands, options, operations, checks and tenants.

    SHELL is bash, zsh or fish.

    \b
    eval "$(duecourse completion bash)"
    duecourse completion fish >~/.config/fish/completions/duecourse.fish
    """
    made = get_completion_class(shell)
    if made is None:
        raise DuecourseError(f"there is no completion for {shell}", "take bash, zsh or fish")
    click.echo(made(ctx.find_root().command, {}, "duecourse", _VARIABLE).source())
