"""``duecourse render``."""

from dataclasses import replace
from pathlib import Path

import click

from duecourse import migrate, output
from duecourse.cli._session import Session, options, pass_session
from duecourse.config import load
from duecourse.errors import DuecourseError
from duecourse.profile import NATIVE, Adoption
from duecourse.render import render as render_text

_SUFFIX = ".sql.j2"


@click.command()
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option(
    "--out",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write a file for each into DIR instead.",
)
@click.option(
    "--profile",
    "profile_name",
    metavar="PROFILE",
    default=NATIVE.name,
    help="As in a database that was adopted by this profile.",
)
@options()
@pass_session
def render(session: Session, names: tuple[str, ...], out: Path | None, profile_name: str) -> None:
    """Print the SQL that is applied, in its order, without a database.

    NAME is a routine, a view, a migration or a file (plan_summary, sql/plan/plan_summary.sql.j2);
    without one, everything is rendered.

    \b
    duecourse render billing.plan_summary
    duecourse render --out rendered/
    """
    config = replace(load(), adoption=Adoption(profile_name))
    rendered = {
        path: render_text(path, config)
        for path in _chosen(names, [*migrate.migration_paths(), *config.object_paths])
    }
    if out is not None:
        for path, text in rendered.items():
            target = out / path.removesuffix(".j2")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text, encoding="utf-8")
        click.echo(f"{len(rendered)} files written to {out}")
    elif session.format == "json":
        output.show_json(rendered)
    else:
        click.echo("\n".join(rendered.values()), nl=False)


def _chosen(names: tuple[str, ...], paths: list[str]) -> list[str]:
    if not names:
        return paths
    chosen = []
    for name in names:
        found = [path for path in paths if name in (path, Path(path).name.removesuffix(_SUFFIX))]
        if not found:
            raise DuecourseError(f"there is nothing named {name}", "see: duecourse status --all")
        chosen += found
    return chosen
