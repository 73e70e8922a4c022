"""The README's sessions and tables, from the real thing: ``python -m tests.examples.readme``.

A block of ``console`` is typed into a shell in the checkout, one of ``sql`` into psql; the prompts
are ``$`` and ``=#``, and ``>`` and ``-#`` where a command goes on. All blocks of a kind are one
session: the shell starts on an empty database, psql on one with the sample books. What stands
between ``<!-- name -->`` and ``<!-- /name -->`` is a table of that name.
"""

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psycopg
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse import embedded
from tests.conftest import ROOT
from tests.examples.tables import TABLES

README = ROOT / "README.md"

_MARK = "-- the next command --"
_BLOCK = re.compile(r"^```(console|sql)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_TABLE = re.compile(r"(<!-- (\w+) -->\n).*?(<!-- /\2 -->)", re.DOTALL)
_PROMPTS = {"console": ("$ ", "> "), "sql": ("=# ", "-# ")}


def regenerate(text: str, shell_dsn: str, psql_dsn: str) -> str:
    """Return a README with its sessions and tables made again.

    ``shell_dsn`` is an empty database, ``psql_dsn`` one with the sample books; both are written.
    """
    text = _TABLE.sub(lambda found: f"{found[1]}{TABLES[found[2]](psql_dsn)}\n{found[3]}", text)
    blocks = [(kind, commands_of(kind, block)) for kind, block in _BLOCK.findall(text)]
    outputs = {
        "console": _type_into_shell(
            shell_dsn, [c for k, cs in blocks if k == "console" for c in cs]
        ),
        "sql": _type_into_psql(psql_dsn, [c for k, cs in blocks if k == "sql" for c in cs]),
    }
    return _BLOCK.sub(lambda found: _filled(found[1], found[2], outputs[found[1]]), text)


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


def _filled(kind: str, block: str, outputs: Iterator[str]) -> str:
    first, more = _PROMPTS[kind]
    lines = [f"```{kind}"]
    for command in commands_of(kind, block):
        lines += (first + command.replace("\n", f"\n{more}")).splitlines()
        lines += [line.rstrip() for line in next(outputs).strip("\n").splitlines()]
    return "\n".join([*lines, "```"])


def _type_into_shell(dsn: str, commands: list[str]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for name in ("duecourse", "migrations"):
            (Path(folder) / name).symlink_to(ROOT / name)
        tools = Path(folder) / "bin"
        tools.mkdir()
        command = tools / "duecourse"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m duecourse "$@"\n')
        command.chmod(0o755)
        script = "\n".join(f"{command}\necho '{_MARK}'" for command in commands)
        path = os.pathsep.join([str(tools), str(embedded.binaries()), os.environ["PATH"]])
        settings = {"DATABASE_URL": dsn, "PATH": path, "PYTHONPATH": str(ROOT)}
        yield from _outputs(["bash", "-c", script], "", cwd=folder, **settings)


def _type_into_psql(dsn: str, commands: list[str]) -> Iterator[str]:
    script = "\n".join(f"{command}\n\\echo {_MARK}" for command in commands)
    client = str(embedded.binaries() / "psql")
    yield from _outputs([client, "-X", "-d", dsn], script)


def _outputs(command: list[str], script: str, cwd: str = "/", **settings: str) -> Iterator[str]:
    done = subprocess.run(
        command,
        input=script,
        cwd=cwd,
        env={**os.environ, **settings},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=True,
        text=True,
    )
    yield from done.stdout.split(f"{_MARK}\n")


def prepare(dsn: str) -> None:
    """Apply everything to a database and import the sample books."""
    samples = (["import", str(ROOT / "duecourse" / name)] for name in ("sample", "sample_rent"))
    for arguments in (["apply"], *samples):
        subprocess.run(
            [sys.executable, "-m", "duecourse", *arguments, "--dsn", dsn],
            cwd=ROOT,
            check=True,
            capture_output=True,
        )


def _main() -> None:
    with embedded.serve(durable=False) as server:
        shell_dsn, psql_dsn = (_new_database(server.dsn, name) for name in ("shell", "psql"))
        prepare(psql_dsn)
        text = regenerate(README.read_text(encoding="utf-8"), shell_dsn, psql_dsn)
    README.write_text(text, encoding="utf-8")


def _new_database(dsn: str, name: str) -> str:
    with psycopg.connect(dsn, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    return make_conninfo(dsn, dbname=name)


if __name__ == "__main__":
    _main()
