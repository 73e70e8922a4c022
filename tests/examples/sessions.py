"""The sessions of README.md and docs/, typed into the real thing.

A block of ``console`` is typed into a shell in the checkout, one of ``sql`` into psql; the prompts
are ``$`` and ``=#``, and ``>`` and ``-#`` where a command goes on. The blocks of a page are one
session, in the order in which they stand there: one shell and one psql, both on a database that is
empty when the page begins; where a comment of the page says so, it holds the demo's books in the
tables of another system. A block of the console in which somebody answers ``y`` or ``n`` is typed
into a terminal.
"""

import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import psycopg
from psycopg import sql

from duecourse import postgres
from tests.conftest import ROOT
from tests.profiles.loading import load_alga, sample

_MARK = "-- the next command --"
_BLOCK = re.compile(r"^```(console|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PROMPTS = {"console": ("$ ", "> "), "sql": ("=# ", "-# ")}
_ANSWER = re.compile(r"\[y/N\] ([yn])$", re.MULTILINE)
_ROLE = re.compile(r"CREATE ROLE (\w+)")
#: What is of the server and of the moment, and what the pages have in its place.
_VARYING = (
    (
        re.compile(r"\S+ on \S+:\d+ as \w+(?=:|, |$)", re.MULTILINE),
        "books on db1:5432 as billing_owner",
    ),
    (re.compile(r"\S+ on \S+(?=:  )"), "books on db1"),
    (re.compile(r" ok +[\d.]+ m?s$", re.MULTILINE), " ok    38 ms"),
    (re.compile(r"^done in [\d.]+ s;", re.MULTILINE), "done in 2.3 s;"),
)
_THEIRS = "<!-- The page begins with the tables of alga. -->"


def pages() -> list[Path]:
    """Return the pages that people write: README.md, and docs/ but for its reference."""
    return [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]


def retyped(
    text: str, dsn: str, duecourse: Sequence[str] = (sys.executable, "-m", "duecourse")
) -> str:
    """Return a page with the output that its commands have now, on an empty database."""
    with ExitStack() as stack:
        stack.enter_context(_without_roles(_ROLE.findall(text), dsn))
        if _THEIRS in text:
            with psycopg.connect(dsn) as connection:
                load_alga(connection, books=sample())
        shell, psql = map(stack.enter_context, (_shell(dsn, duecourse), _psql(dsn)))
        types = {
            "console": _Shell(shell, "{{ {}\n}} <{stdin}\necho '{}'\n"),
            "sql": _Shell(psql, "{}\n\\echo {}\n"),
        }
        return _BLOCK.sub(lambda found: _filled(found[1], found[2], types[found[1]]), text)


def commands_of(kind: str, block: str) -> list[str]:
    """Return the commands of a session, those over several lines as one text."""
    first, more = _PROMPTS[kind]
    commands: list[str] = []
    for line in block.splitlines():
        if line.startswith(first):
            commands.append(line.removeprefix(first))
        elif line.startswith(more):
            commands[-1] += "\n" + line.removeprefix(more)
    return commands


class _Shell:
    """A process that reads commands, and how one is written so that the end of its output shows."""

    def __init__(self, process: "subprocess.Popen[str]", form: str) -> None:
        self._process = process
        self._form = form

    def type(self, command: str, stdin: str = os.devnull) -> str:
        """Return what a command prints, errors included."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(self._form.format(command, _MARK, stdin=stdin))
        self._process.stdin.flush()
        seen = ""
        while not seen.endswith(f"{_MARK}\n"):
            line = self._process.stdout.readline()
            if not line:
                raise EOFError(f"{command}\n{seen}")
            seen += line
        return seen.removesuffix(f"{_MARK}\n")


def _filled(kind: str, block: str, shell: _Shell) -> str:
    first, more = _PROMPTS[kind]
    lines = [f"```{kind}"]
    answers = _ANSWER.findall(block)
    with _terminal(answers) as stdin:
        for command in commands_of(kind, block):
            lines += (first + command.replace("\n", f"\n{more}")).splitlines()
            seen = shell.type(command, stdin).strip("\n")
            for varying, instead in _VARYING:
                seen = varying.sub(instead, seen)
            # The terminal, not the command, shows what is typed.
            for answer in answers:
                seen = seen.replace("[y/N] ", f"[y/N] {answer}\n", 1)
            lines += [line.rstrip() for line in seen.splitlines()]
    return "\n".join([*lines, "```"])


@contextmanager
def _terminal(answers: list[str]) -> Iterator[str]:
    """Yield the name of a terminal in which answers were typed; without any there is none."""
    if not answers:
        yield os.devnull
        return
    here, there = pty.openpty()
    try:
        os.write(here, "".join(f"{answer}\n" for answer in answers).encode())
        yield os.ttyname(there)
    finally:
        os.close(here)
        os.close(there)


@contextmanager
def _shell(dsn: str, duecourse: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    """Yield a shell in a folder with what the pages need of the checkout."""
    with TemporaryDirectory() as folder:
        for name in ("duecourse", "migrations"):
            (Path(folder) / name).symlink_to(ROOT / name)
        tools = Path(folder) / "bin"
        tools.mkdir()
        command = tools / "duecourse"
        command.write_text(f'#!/bin/sh\nexec {shlex.join(duecourse)} "$@"\n')
        command.chmod(0o755)
        path = os.pathsep.join([str(tools), str(postgres.binaries()), os.environ["PATH"]])
        settings = {"DATABASE_URL": dsn, "PATH": path, "PYTHONPATH": str(ROOT)}
        with _process(["bash"], folder, **settings) as process:
            yield process


@contextmanager
def _psql(dsn: str) -> "Iterator[subprocess.Popen[str]]":
    with _process([str(postgres.binaries() / "psql"), "-X", "-d", dsn], "/") as process:
        yield process


@contextmanager
def _process(command: list[str], folder: str, **settings: str) -> "Iterator[subprocess.Popen[str]]":
    with subprocess.Popen(
        command,
        cwd=folder,
        env={**os.environ, **settings},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        yield process


@contextmanager
def _without_roles(names: list[str], dsn: str) -> Iterator[None]:
    """Drop the roles that a page makes, before it and after it: the server keeps them."""
    roles = [sql.Identifier(name) for name in names]
    with psycopg.connect(dsn, autocommit=True) as connection:
        for role in roles:
            connection.execute(sql.SQL("DROP ROLE IF EXISTS {}").format(role))
        try:
            yield
        finally:
            for role in roles:
                connection.execute(sql.SQL("DROP OWNED BY {0}; DROP ROLE {0}").format(role))
