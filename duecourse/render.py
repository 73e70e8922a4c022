"""Jinja templates to SQL text."""

from functools import cache

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError

from duecourse import locate
from duecourse.config import Config, load
from duecourse.errors import DuecourseError


def render(name: str, config: Config | None = None) -> str:
    """Return the SQL of a template, named by its path from the root.

    The schemas are the variables ``billing``, ``ledger`` and ``ops``: identifiers, quoted already;
    ``checks`` names the checks of verify/, each with its schema.
    """
    names = (config or load()).identifiers
    try:
        return _environment().get_template(name).render(names)
    except TemplateError as error:
        raise DuecourseError(f"cannot render {name}: {error}", "correct the template") from error


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PrefixLoader(
            {name: FileSystemLoader(locate.folder(name)) for name in locate.FOLDERS}
        ),
        undefined=StrictUndefined,
        autoescape=False,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        # All of them: in a cache that is smaller than an apply, each is compiled at each apply.
        cache_size=-1,
    )
    environment.globals["checks"] = locate.checks()
    return environment
