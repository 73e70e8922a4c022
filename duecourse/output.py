"""Results to the terminal: tables with colours there, plain columns when piped, or JSON."""

import json
import os
import re
import sys
import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, is_dataclass
from decimal import Decimal
from itertools import islice
from typing import Any

import click
from rich import box
from rich.cells import cell_len
from rich.console import Console, RenderableType
from rich.table import Table
from rich.text import Text

SHOWN_ROWS = 200

#: How wide tables and sentences are when piped, unless COLUMNS says otherwise.
PIPED_WIDTH = 80

#: How wide a sentence is at most.
_FOLDED_WIDTH = 100

#: What a column keeps of its width when others need the room.
_LEAST_WIDTH = 12

#: Columns that are copied, so that nothing of them is cut.
_KEPT = re.compile(r"(^|[ _])(id|key|command|window|period|file|table)$")
_UNBOUND = 10_000

#: The colour of what a state means: the first of these whose words are in it.
_STYLES = {
    "red": re.compile(r"\b(failed|error|missing|no rows|gaps?|overlaps?|short|blocked|stale)\b"),
    "yellow": re.compile(r"\b(escalated|warning|due|action needed|partial|paused|interrupted)\b"),
    "green": re.compile(r"\b(ok|done|passed)\b"),
}


def available() -> int:
    """Return how many columns there are: of the terminal, of COLUMNS, or of a page."""
    if sys.stdout.isatty():
        return Console().width
    given = os.environ.get("COLUMNS", "")
    return int(given) if given.isdecimal() and int(given) else PIPED_WIDTH


def console(*, stderr: bool = False) -> Console:
    """Return a console; when piped it neither colours nor wraps."""
    stream = sys.stderr if stderr else sys.stdout
    if stream.isatty():
        return Console(stderr=stderr, highlight=False)
    return Console(stderr=stderr, highlight=False, width=_UNBOUND, no_color=True)


def mark(words: str) -> Text:
    """Return a state in the colour of what it means."""
    style = next((name for name, meant in _STYLES.items() if meant.search(words)), "")
    return Text(visible(words), style=style)


def table(
    columns: Sequence[str], rows: Iterable[Iterable[object]], title: str | None = None
) -> Table:
    """Return rows under their column names, each in one line that fits the width.

    Where they do not fit, the widest columns of words are cut, if that is enough; ids, dates and
    numbers never are.
    """
    values = [list(row) for row in rows]
    cells = [[_cell(value) for value in row] for row in values]
    widths = [
        max([cell_len(name), *(row[place].cell_len for row in cells)])
        for place, name in enumerate(columns)
    ]
    made = Table(*columns, title=title, title_justify="left", pad_edge=False, show_edge=False)
    made.box = box.SIMPLE_HEAD if sys.stdout.isatty() else None
    for place, kept in _shortened(columns, values, widths).items():
        for row in cells:
            row[place].truncate(kept, overflow="ellipsis")
    for place, column in enumerate(made.columns):
        column.overflow = "fold"
        if values and all(type(row[place]) in (int, Decimal) for row in values):
            column.justify = "right"
    for row in cells:
        made.add_row(*row)
    return made


def _shortened(
    columns: Sequence[str], values: list[list[object]], widths: list[int]
) -> dict[int, int]:
    """Return to what width which columns of words are cut so that a line fits, if it can."""
    kept = {
        place: widths[place]
        for place, name in enumerate(columns)
        if not _KEPT.search(name)
        and all(isinstance(row[place], str | Text | list | None) for row in values)
    }
    gap = 3 if sys.stdout.isatty() else 2
    excess = sum(widths) + gap * (len(widths) - 1) - available()
    for _ in range(excess):
        widest = max(kept, key=lambda place: kept[place], default=0)
        if kept.get(widest, 0) <= max(_LEAST_WIDTH, cell_len(columns[widest])):
            return {}
        kept[widest] -= 1
    return kept


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
    *,
    total: str | None = None,
) -> None:
    """Print rows: as JSON all of them whole, as a table some columns of the first.

    ``cells`` makes what stands under the columns from a row; without it, they name columns of it.
    ``total`` is said before the table.
    """
    if form == "json":
        for text in json_array(rows):
            click.echo(text, nl=False)
        return
    cells = cells or (lambda row: [row[name] for name in columns])
    if total is not None:
        show(Text(folded(total), style="bold"))
    shown = list(islice(rows, SHOWN_ROWS))
    if shown or total is None:
        show_table(columns, map(cells, shown))
    if more := sum(1 for _ in rows):
        click.echo(f"and {more:,} more; all of them: --format json")


def counted(number: int, thing: str) -> str:
    """Return how many there are of a thing."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def folded(text: str, width: int | None = None) -> str:
    """Return a long text in lines that break between words; those after the first are indented."""
    return textwrap.fill(
        text,
        width or min(available(), _FOLDED_WIDTH),
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
