"""Planning over lines in memory."""

import io
import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest

from duecourse.config import Config
from duecourse.database import connect
from duecourse.offline import Fault, answers

Plan = Callable[[str, Iterable[bytes]], list[Any]]


@pytest.fixture
def plan(dsn: str) -> Iterator[Plan]:
    """Give a function from an operation and lines to answers and faults, in order."""
    with connect(dsn) as connection:

        def answer(operation: str, lines: Iterable[bytes]) -> list[Any]:
            source = io.BytesIO(b"\n".join(lines))
            return [
                given if isinstance(given, Fault) else json.loads(given)
                for given in answers(connection, Config(), operation, source)
            ]

        yield answer
