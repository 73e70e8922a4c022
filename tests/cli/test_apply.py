"""``duecourse apply`` in the terminal: where, what, how long; what it would do; a slow server."""

import json
import re
import socket
import time

from psycopg.conninfo import conninfo_to_dict

from duecourse.errors import ExitStatus
from duecourse.frozen import names
from duecourse.objects import object_paths
from tests.conftest import Command, Database


def place_of(dsn: str) -> str:
    """Return how a database is named to people."""
    found = conninfo_to_dict(dsn)
    return f"{found['dbname']} on {found['host']}:{found['port']} as {found['user']}"


def test_it_says_where_what_and_how_long(
    duecourse: Command, empty_dsn: str, empty_database: Database
) -> None:
    where, place = ("--dsn", empty_dsn), place_of(empty_dsn)
    migrations, objects = len(names()), len(object_paths())

    shown = duecourse("apply", *where, "--dry-run")
    assert shown.returncode == ExitStatus.DONE
    headline = f"{place}: {migrations} migrations and {objects} objects to apply"
    assert shown.stdout.startswith(
        f"-- {headline}\n\n-- ==== migrations/0001.ops.sql.j2: migration\n"
    )
    assert shown.stdout.count("\n-- ==== ") == migrations + objects
    assert empty_database.execute("SELECT to_regnamespace('ops')").fetchone() == (None,)

    first, *lines, end = duecourse("apply", *where).stdout.splitlines()
    assert first == headline
    assert [line.split()[0] for line in lines] == [*names(), str(objects)]
    assert all(re.search(r" ok +\d+ ms$| ok +[\d.]+ s$", line) for line in lines)
    assert lines[-1].startswith(f"  {objects} objects in one transaction")
    assert re.fullmatch(
        r"done in [\d.]+ s; next: duecourse import, or duecourse verify "
        r"\(names: --verbose\)",
        end,
    )
    assert duecourse("apply", *where).stdout == f"{place}: nothing to apply\n"
    assert duecourse("apply", *where, "--dry-run").stdout == f"-- {place}: nothing to apply\n"

    empty_database.execute("DROP FUNCTION billing.escalation_reasons")
    waiting = json.loads(duecourse("apply", *where, "--dry-run", "--format", "json").stdout)
    [[path, text]] = waiting["texts"].items()
    assert (waiting["migrations"], [item["path"] for item in waiting["objects"]]) == ([], [path])
    assert "FUNCTION billing.escalation_reasons(" in text
    told = duecourse("apply", *where, "--verbose").stdout.splitlines()
    assert told[0] == f"{place}: 1 object to apply"
    assert told[1].startswith("  1 object in one transaction ")
    assert told[2] == f"    drifted   {path}"
    assert re.fullmatch(r"done in [\d.]+ s; next: duecourse verify", told[3])


def test_it_waits_for_a_server_that_starts(duecourse: Command) -> None:
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        port = unheard.getsockname()[1]
        begun = time.monotonic()
        late = duecourse("apply", "--dsn", f"host=127.0.0.1 port={port}", "--wait", "1")
        assert 1 <= time.monotonic() - begun < 10
    assert late.returncode == ExitStatus.ERROR
    assert "Connection refused" in late.stderr
    assert "(for 1 s) — check --dsn" in late.stderr
