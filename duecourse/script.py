"""Texts of several statements, and how they are sent.

A server that spreads a table over others takes what changes it by itself alone; all else goes
together, so that an apply is not as slow as the way to the server is long.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

import psycopg

from duecourse.database import Connection

#: What a semicolon may stand in, and one that ends a statement.
_PART = re.compile(
    r"""--[^\n]* | /\*.*?\*/ | [eE]'(?:[^'\\]|''|\\.)*' | '(?:[^']|'')*' | "(?:[^"]|"")*"
    | (?<![\w$])(?P<tag>\$\w*\$).*?(?P=tag) | (?P<end>;)""",
    re.VERBOSE | re.DOTALL,
)

_BEFORE = r"(?:\s|--[^\n]*(?:\n|\Z))*"
_NOTHING = re.compile(_BEFORE)
_OBJECT = "(?:FUNCTION|PROCEDURE|VIEW|TYPE)"
#: What changes no table.
_TOGETHER = re.compile(
    rf"{_BEFORE}(?:CREATE (?:OR REPLACE )?{_OBJECT}|COMMENT ON {_OBJECT}|REVOKE ALL ON {_OBJECT})\b"
)


class Message(NamedTuple):
    """What is sent at once, and the place in its text at which it begins."""

    text: str
    place: int


def messages(text: str) -> Iterator[Message]:
    """Yield what is to be sent of a text: what may change a table alone, the rest as it comes."""
    start = place = 0
    ends = [part.end() for part in _PART.finditer(text) if part["end"]]
    for end in (*ends, len(text)):
        if not _TOGETHER.match(text, place, end) and not _NOTHING.fullmatch(text, place, end):
            if start < place:
                yield Message(text[start:place], start)
            yield Message(text[place:end], place)
            start = end
        place = end
    if not _NOTHING.fullmatch(text, start):
        yield Message(text[start:], start)


def run(connection: Connection, text: str, name: str | None = None) -> None:
    """Run a text, in the caller's transaction; with a name an error is noted with it and a line."""
    for message in messages(text):
        try:
            connection.execute(message.text.encode())
        except psycopg.Error as error:
            blank = len(message.text) - len(message.text.lstrip())
            position = int(error.diag.statement_position or blank + 1) - 1
            line = text.count("\n", 0, message.place + position) + 1
            if name:
                error.add_note(f"{name}, line {line} as rendered")
            raise
