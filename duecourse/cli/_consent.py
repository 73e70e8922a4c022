"""What a run was allowed to do: the plan that was saved and reviewed."""

from pathlib import Path
from typing import Any

import click

from duecourse import plan_file
from duecourse.cli._scope import is_given, option_of
from duecourse.operations import OPERATIONS


def read_plan(ctx: click.Context, file: Path, operation: str) -> dict[str, Any]:
    """Return the arguments of a saved plan, which options may not contradict."""
    planned = OPERATIONS[operation].planned
    for name in (*planned, "expected_plan_hash"):
        if is_given(ctx, name):
            raise click.UsageError(f"{option_of(ctx, name)} comes from the plan; leave it out", ctx)
    saved = plan_file.load(file, operation)
    arguments = {name: saved["arguments"].get(name) for name in planned}
    return arguments | {"expected_plan_hash": saved["plan_hash"]}
