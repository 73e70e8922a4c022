"""Results to the terminal: tables with colours there, plain columns when piped, or JSON."""

import json
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from itertools import islice
from typing import Any

import click
from rich import box
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

SHOWN_ROWS = 200

#: How wide a table of long texts is when piped; others are as wide as their rows.
FOLDED_WIDTH = 100

_PIPED_WIDTH = 10_000


def console(*, stderr: bool = False) -> Console:
    """Return a console; when piped it neither colours nor wraps, but for `flexible` tables."""
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        return Console(stderr=stderr, highlight=False)
    return Console(stderr=stderr, highlight=False, width=_PIPED_WIDTH, no_color=True)


def table(
    columns: Sequence[str],
    rows: Iterable[Iterable[object]],
    title: str | None = None,
    *,
    flexible: bool = False,
) -> Table:
    """Return rows under their column names; ``flexible``: only the last column gives way."""
    made = Table(*columns, title=title, title_justify="left", pad_edge=False)
    made.box = box.SIMPLE_HEAD if sys.stdout.isatty() else None
    for column in made.columns:
        column.overflow = "fold"
    if flexible:
        made.expand = True
        made.width = None if sys.stdout.isatty() else FOLDED_WIDTH
        made.columns[-1].ratio = 1
    for row in rows:
        made.add_row(*map(_cell, row))
    return made


def show_table(
    columns: Sequence[str], rows: Iterable[Iterable[object]], title: str | None = None
) -> None:
    """Print rows under their column names."""
    show(table(columns, rows, title))


def show_rows(
    form: str,
    columns: Sequence[str],
    rows: Iterator[dict[str, Any]],
    cells: Callable[[dict[str, Any]], Iterable[object]] | None = None,
) -> None:
    """Print rows: as JSON all of them whole, as a table some columns of the first.

    ``cells`` makes what stands under the columns from a row; without it, they name columns of it.
    """
    if form == "json":
        for text in json_array(rows):
            click.echo(text, nl=False)
        return
    cells = cells or (lambda row: [row[name] for name in columns])
    show_table(columns, map(cells, islice(rows, SHOWN_ROWS)))
    if more := sum(1 for _ in rows):
        click.echo(f"and {more:,} more; all of them: --format json")


def folded(text: str, width: int = FOLDED_WIDTH) -> str:
    """Return a long text in lines that break between words; those after the first are indented."""
    return textwrap.fill(
        text,
        width,
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def show_fields(fields: Mapping[str, object], title: str | None = None) -> None:
    """Print one row as lines of name and value."""
    made = Table(
        "", "", title=title, title_justify="left", box=None, show_header=False, pad_edge=False
    )
    for name, value in fields.items():
        made.add_row(name, _cell(value))
    show(made)


def show(shown: RenderableType) -> None:
    """Print a table or a text; when piped, without the blanks that fill its lines."""
    target = console()
    if target.is_terminal:
        target.print(shown)
        return
    with target.capture() as captured:
        target.print(shown)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def show_json(value: object) -> None:
    """Print a value as JSON."""
    click.echo(to_json(value, indent=2))


def json_array(rows: Iterable[object]) -> Iterator[str]:
    """Yield the text of a JSON array piece by piece, a row a line."""
    before = "[\n"
    for row in rows:
        yield before + to_json(row)
        before = ",\n"
    yield "[\n]\n" if before == "[\n" else "\n]\n"


def json_document(
    head: Mapping[str, object], rows: Iterable[object], tail: Mapping[str, object] | None = None
) -> Iterator[str]:
    """Yield the text of a JSON object piece by piece: ``rows`` after the head; then the tail."""
    yield to_json(head, indent=2).removesuffix("\n}") + ',\n  "rows": '
    yield from json_array(rows)
    for name, value in (tail or {}).items():
        yield f",  {to_json(name)}: {to_json(value)}\n"
    yield "}\n"


def to_json(value: object, indent: int | None = None) -> str:
    """Return a value as JSON; dates, ids and intervals as their text."""
    return json.dumps(value, ensure_ascii=False, indent=indent, default=_plain)


def _plain(value: object) -> object:
    return asdict(value) if is_dataclass(value) and not isinstance(value, type) else str(value)


def visible(text: str) -> str:
    """Return a text in which nothing steers a terminal: control characters become escapes."""
    return "".join(
        sign if sign in "\n\t" or unicodedata.category(sign) != "Cc" else repr(sign)[1:-1]
        for sign in text
    )


def _cell(value: Any) -> Text:
    """Return a value as text in which nothing is taken for markup, nor by the terminal."""
    match value:
        case Text():
            return value if visible(value.plain) == value.plain else Text(visible(value.plain))
        case None | [] | {}:
            return Text()
        case bool():
            return Text("yes" if value else "no")
        case [str(), *_]:
            return Text(visible(", ".join(value)))
        case list() | dict():
            return Text(to_json(value))
        case _:
            return Text(visible(str(value)))
