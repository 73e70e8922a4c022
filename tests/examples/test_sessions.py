"""Each page against the real thing; ``python -m tests.examples`` makes it right again."""

from pathlib import Path

import pytest

from tests.examples.sessions import commands_of, pages, retyped


@pytest.mark.parametrize("page", pages(), ids=lambda page: page.name)
def test_a_page_is_what_one_sees(
    page: Path, warm: list[str], request: pytest.FixtureRequest
) -> None:
    """Where a page does not show what its apply says, that has been done before."""
    text = page.read_text(encoding="utf-8")
    hidden = "$ duecourse apply >apply.txt" in text
    dsn = request.getfixturevalue("dsn" if hidden else "empty_dsn")
    assert retyped(text, dsn, warm) == text


def test_a_command_may_have_several_lines() -> None:
    assert commands_of("sql", "=# SELECT 1,\n-#     2;\n ?column?\n=# \\q\n") == [
        "SELECT 1,\n    2;",
        "\\q",
    ]


def test_a_session_that_ends_is_noticed(empty_dsn: str) -> None:
    with pytest.raises(EOFError, match="exit"):
        retyped("```console\n$ exit\n$ echo\n```", empty_dsn)


def test_blocks_of_a_page_are_one_session(empty_dsn: str) -> None:
    page = """
```console
$ x=1; psql "$DATABASE_URL" -qc 'CREATE TABLE seen (x integer)'
```
```sql
=# \\set x 2
=# INSERT INTO seen VALUES (:x);
INSERT 0 1
```
```console
$ psql "$DATABASE_URL" -Atc "SELECT x, $x FROM seen"
2|1
```
```sql
=# SELECT sum(x) = :x AS "?" FROM seen \\g (format=unaligned tuples_only)
t
```
"""
    assert retyped(page, empty_dsn) == page


def test_an_answer_is_typed_into_a_terminal(empty_dsn: str) -> None:
    page = """
```console
$ test -t 0 && printf 'Sure? [y/N] ' && read answer && echo "said $answer"
Sure? [y/N] n
said n
```
```console
$ test -t 0 || echo "no terminal"
no terminal
```
"""
    assert retyped(page, empty_dsn) == page
