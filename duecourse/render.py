"""Jinja templates to SQL text."""

import sys
from contextlib import suppress
from functools import cache
from importlib.metadata import version
from importlib.util import cache_from_source
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, TemplateError
from jinja2.bccache import Bucket, FileSystemBytecodeCache

from duecourse import beside, locate
from duecourse.config import Config, load
from duecourse.errors import DuecourseError

_OPTIONS: dict[str, Any] = {
    "undefined": StrictUndefined,
    "autoescape": False,
    "trim_blocks": True,
    "lstrip_blocks": True,
    "keep_trailing_newline": True,
    # All of them: in a cache that is smaller than an apply, each is compiled at each apply.
    "cache_size": -1,
}


def render(name: str, config: Config | None = None) -> str:
    """Return the SQL of a template, named by its path from the root.

    Variables are ``billing``, ``ledger`` and ``ops``, the schemas: identifiers, quoted already;
    ``checks``: the checks of verify/, each with its schema, ``database_checks`` those of them that
    are no matter of one tenant; ``purposes()``: what each object is for; ``engine``: ``citus`` on a
    cluster, else ``plain``; and how a database was adopted:

    ``profile``: its name, ``native`` without one; ``source``: the schema of the adopted tables, an
    identifier; ``ledger_table``: what is written as the ledger of service periods; ``adopted``: by
    our names (``billing.clients``) those of the tables that are not ours; ``refused``: by name, the
    routines that are not for here, each with the hint; ``guards``: whether ``ledger_table`` is
    guarded; ``unique_rents``: whether an index refuses further rents of a month; ``tenant``: the
    literal of the tenant that the adopted tables are of, where they know of one only.
    """
    config = config or load()
    try:
        text = _environment().get_template(name).render(config.variables)
    except TemplateError as error:
        raise DuecourseError(f"cannot render {name}: {error}", "correct the template") from error
    return beside.rewrite(text, config) if config.citus and beside.FILES.match(name) else text


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(locate.root()), bytecode_cache=_Compiled(), **_OPTIONS
    )


class _Compiled(FileSystemBytecodeCache):
    """Compiled templates, kept where Python keeps this module compiled, and as it does.

    Whoever may write there may change the package as well; whoever may not goes without.
    """

    def __init__(self) -> None:
        super().__init__(cache_from_source(__file__).removesuffix(".pyc"), "%s")
        self._compiler = f"{version('jinja2')} {_OPTIONS}"

    def get_cache_key(self, name: str, filename: str | None = None) -> str:
        return super().get_cache_key(name)

    def get_source_checksum(self, source: str) -> str:
        return super().get_source_checksum(f"{self._compiler} {source}")

    def load_bytecode(self, bucket: Bucket) -> None:
        with suppress(Exception):  # whatever is wrong with a file, the template is compiled anew
            super().load_bytecode(bucket)

    def dump_bytecode(self, bucket: Bucket) -> None:
        if not sys.dont_write_bytecode:
            with suppress(OSError):
                Path(self.directory).mkdir(parents=True, exist_ok=True)
                super().dump_bytecode(bucket)
