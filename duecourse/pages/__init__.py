"""Pages of HTML that need nothing else: styles within, no script, nothing from the network."""

import unicodedata
from collections.abc import Iterator

from jinja2 import Environment, PackageLoader, StrictUndefined

from duecourse import output
from duecourse.pages.timeline import MARKS, OF_BOOKS, OF_PLAN

#: Signs that turn the direction of what follows them.
_TURNING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")


def lines(template: str, **values: object) -> Iterator[str]:
    """Yield the text of a page piece by piece."""
    environment = Environment(
        loader=PackageLoader("duecourse", "pages"),
        autoescape=True,
        finalize=_safe,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["count"] = output.counted
    environment.globals |= {
        "MARKS": MARKS,
        "OF_BOOKS": OF_BOOKS,
        "OF_PLAN": OF_PLAN,
    }
    made = environment.get_template(f"{template}.html.j2").stream(values)
    made.enable_buffering(200)
    return iter(made)


def _safe(value: object) -> object:
    """Return a value in which no sign is one that HTML forbids, or that hides another."""
    if not isinstance(value, str) or hasattr(value, "__html__") or value.isprintable():
        return "" if value is None else value
    return "".join(map(_visible, value))


def _visible(sign: str) -> str:
    is_hidden = sign in _TURNING or unicodedata.category(sign) in ("Cc", "Cs")
    return repr(sign)[1:-1] if is_hidden and sign not in "\n\t" else sign
