"""Jinja templates to SQL text."""

from functools import cache

from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined, TemplateError

from duecourse import locate
from duecourse.config import Config, load
from duecourse.errors import DuecourseError


def render(name: str, config: Config | None = None) -> str:
    """Return the SQL of a template, named by its path from the root.

    Variables are ``billing``, ``ledger`` and ``ops``, the schemas: identifiers, quoted already;
    ``checks``: the checks of verify/, each with its schema; and how a database was adopted:

    ``profile``: its name, ``native`` without one; ``source``: the schema of the adopted tables, an
    identifier; ``ledger_table``: what is written as the ledger of service periods; ``adopted``: by
    our names (``billing.clients``) those of the tables that are not ours; ``refused``: by name, the
    routines that are not for here, each with the hint; ``guards``: whether ``ledger_table`` is
    guarded; ``unique_rents``: whether an index refuses further rents of a month; ``tenant``: the
    literal of the tenant that the adopted tables are of, where they know of one only.
    """
    variables = (config or load()).variables
    try:
        return _environment().get_template(name).render(variables)
    except TemplateError as error:
        raise DuecourseError(f"cannot render {name}: {error}", "correct the template") from error


@cache
def _environment() -> Environment:
    return Environment(
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
