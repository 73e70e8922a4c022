"""due-work and cutover on the sample books."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from duecourse.errors import ExitStatus
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.cli.test_plan_and_run import SCOPE, WIDTH, Books
from tests.conftest import ROOT, Command, Database

NOW = ("--as-of", AS_OF)
Watch = subprocess.Popen[str]
NOBODY = "00000000-0000-0000-0000-000000000009"


@pytest.fixture
def books(duecourse: Command, dsn: str) -> Books:
    """Return the sample books, as they are after the import."""
    books = Books(duecourse, dsn)
    books("import", SAMPLE)
    return books


@contextmanager
def watching(dsn: str, *arguments: str, output: int = subprocess.PIPE) -> Iterator[Watch]:
    """Run ``cutover --watch``."""
    command = [sys.executable, "-m", "duecourse", "cutover", "--watch", TENANT, *NOW, "--dsn", dsn]
    with subprocess.Popen(
        [*command, "--every", "0.1", *arguments],
        env={**os.environ, "PYTHONPATH": str(ROOT), "TERM": "xterm"},
        stdout=output,
        text=True,
    ) as process:
        try:
            yield process
        finally:
            process.kill()


def test_due_work_page_by_page(books: Books) -> None:
    every = books.json("due-work", *SCOPE)
    assert len(every) > 5
    keys = [row["execution_identity_key"] for row in every]
    assert len(set(keys)) == len(keys)
    seen: list[object] = []
    after: tuple[object, ...] = ()
    while page := books.json("due-work", *SCOPE, "--limit", len(every) // 3, *after):
        seen += page
        after = ("--after", page[-1]["page_key"])
    assert seen == every
    table = books("due-work", *SCOPE, "--limit", 2).stdout.splitlines()
    assert table[0].startswith(f"page 1, as of {AS_OF}, latest windows first: ")
    assert table[1].split()[:2] == ["line", "window"]
    assert len(table) == 5
    assert table[-1] == "next page: the same command with --page 2"
    second = books("due-work", *SCOPE, "--limit", 2, "--page", 2).stdout.splitlines()
    assert second[0].startswith("page 2, ")
    four = books("due-work", *SCOPE, "--limit", 4).stdout.splitlines()
    seen_rows = [row[:20] for row in (*table[2:4], *second[2:4])]
    assert seen_rows == [row[:20] for row in four[2:6]]
    last = books("due-work", *SCOPE, "--limit", 2, "--after", every[-3]["page_key"])
    assert "next page" not in last.stdout
    both = ("--page", 2, "--after", every[1]["page_key"])
    refused = books("due-work", *SCOPE, *both, status=ExitStatus.ERROR)
    assert "--page counts from the first row; leave out --after" in refused.stderr


def test_due_work_that_is_asked_for(books: Books) -> None:
    every = books.json("due-work", *SCOPE)
    due = books.json("due-work", *SCOPE, "--due-only")
    assert due == [row for row in every if row["due_state"] == "due"] != every
    one = every[0]
    of_client = [row for row in every if row["client_id"] == one["client_id"]]
    assert books.json("due-work", *SCOPE, "--client", one["client_id"]) == of_client
    found = books.json("due-work", *SCOPE, "--search", one["client_name"].upper())
    assert of_client == [row for row in found if row["client_id"] == one["client_id"]]
    assert books.json("due-work", *SCOPE, "--search", "nobody") == []
    for wrong in (("--limit", 0), ("--limit", "many"), ("--after", "nowhere")):
        books("due-work", *SCOPE, *wrong, status=ExitStatus.ERROR)
    missing = [row for row in due if row["reason"]]
    shown = books("due-work", *SCOPE, "--due-only", "--limit", 1000).stdout
    assert shown.count("  missing row\n") == len(missing) > 0
    assert f"; {len(missing)} missing row" in shown.splitlines()[0]


def test_due_work_as_candidates(books: Books) -> None:
    rows = books.json("due-work", *SCOPE, "--candidates")
    members = sum(row["member_count"] for row in rows)
    assert members == len(books.json("due-work", *SCOPE))
    table = books("due-work", *SCOPE, "--candidates", "--limit", 1).stdout.splitlines()
    assert table[1].split()[:2] == ["client", "window"]
    assert table[-1].endswith(" --page 2")


def test_cutover(books: Books) -> None:
    found = books.json("cutover", TENANT, *NOW, status=ExitStatus.REFUSED)
    assert (found["tenant"], found["as_of"]) == (TENANT, AS_OF)
    assert [item["position"] for item in found["checklist"]] == list(range(1, 17))
    names = ("client_name", "contract_line_name")
    escalations = books.json("escalations", *SCOPE)
    assert found["escalations"] == [
        {key: value for key, value in row.items() if key not in names} for row in escalations
    ]
    shown = books("cutover", TENANT, *NOW, "--all", status=ExitStatus.REFUSED).stdout
    assert max(map(len, shown.partition("next:")[0].splitlines())) <= WIDTH
    unfolded = " ".join(shown.split())
    for item in found["checklist"]:
        assert f": {item['title']} {item['evidence']} " in unfolded
    assert f"what is escalated: duecourse escalations --tenant {TENANT} --as-of {AS_OF}" in shown
    again = books("cutover", "show", TENANT, *NOW, "--all", status=ExitStatus.REFUSED)
    assert again.stdout == shown
    shorter = books("cutover", TENANT, *NOW, status=ExitStatus.REFUSED).stdout
    assert "passed  " not in shorter
    assert shorter.splitlines()[0].endswith(" (all: --all)") or "(all: --all)" in shorter
    books("cutover", TENANT, *NOW, "--detailed-exitcode", status=ExitStatus.REFUSED)


def test_exit_status_without_escalations(books: Books, database: Database) -> None:
    database.execute("INSERT INTO billing.tenants VALUES (%s, 'Nobody')", [NOBODY])
    books("cutover", NOBODY)
    left = ("cutover", NOBODY, "--detailed-exitcode")
    books(*left, status=ExitStatus.CHANGES_PENDING)


def test_attest(books: Books, database: Database) -> None:
    note = ("--note", "both paths were watched")
    done = books("cutover", "attest", TENANT, 7, *note).stdout
    assert done.startswith(f"step 7 attested by {database.info.user} at 20")
    made = books.json("cutover", "attest", TENANT, 8, *note)
    shown = books("cutover", TENANT, *NOW, status=ExitStatus.REFUSED).stdout
    assert " ".join(shown.split()).count(f": {note[1]})") == 2
    items = books.json("cutover", TENANT, *NOW, status=ExitStatus.REFUSED)["checklist"]
    assert {items[7][name] for name in ("attested_by", "note")} == {database.info.user, note[1]}
    assert items[7]["attested_at"] == made["attested_at"]
    for wrong, message in [
        ((TENANT, 3, *note), "only steps 1, 7, 8 and 9 are attested"),
        ((TENANT, 7, "--note", " "), "--note is null or blank"),
        ((TENANT, 7), "Missing option '--note'"),
        (("attest", 7, *note), "no tenant has a name or id that begins with 'attest'"),
    ]:
        refused = books("cutover", "attest", *wrong, status=ExitStatus.ERROR)
        assert message in refused.stderr
        assert refused.stderr.count("\n") == 1


def test_usage(books: Books) -> None:
    assert "show TENANT" in books("cutover", "--help").stdout
    helped = books("cutover", "show", "--help").stdout
    assert "--watch" in helped
    assert "--every SECONDS" in helped
    for arguments in ((TENANT, "--help"), (TENANT, "-h"), (TENANT, *NOW, "--watch", "--help")):
        assert books("cutover", *arguments).stdout == helped
    assert "--note" in books("cutover", "attest", "--help").stdout
    missing = books("cutover", status=ExitStatus.ERROR)
    assert "Missing argument" in missing.stderr
    assert "duecourse tenants lists them" in missing.stderr
    books("cutover", NOBODY, status=ExitStatus.ERROR)


@pytest.mark.parametrize("form", ["table", "json"])
def test_watch_prints_what_changed(books: Books, dsn: str, form: str) -> None:
    with watching(dsn, "--format", form) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        books("cutover", "attest", TENANT, 1, "--note", "it is there")
        lines = iter(process.stdout.readline, "")
        again = next(line for line in lines if line[:10] == first[:10])
        process.send_signal(signal.SIGINT)
        rest = process.stdout.read()
        assert process.wait() == ExitStatus.REFUSED
    if form == "json":
        documents = [json.loads(text) for text in (first, again)]
        assert [item["checklist"][0]["status"] for item in documents] == ["not_started", "passed"]
        assert rest == ""
    else:
        assert ("0 passed" in first, "1 passed" in again) == (True, True)
        assert first[:10] not in rest


def test_watch_redraws_a_terminal(books: Books, dsn: str) -> None:
    terminal, output = pty.openpty()
    termios.tcsetwinsize(output, (40, 80))
    screen = ""
    with watching(dsn, output=output) as process:
        while "0 passed" not in screen:
            screen += os.read(terminal, 4096).decode()
        books("cutover", "attest", TENANT, 1, "--note", "it is there")
        while "1 passed" not in screen:
            screen += os.read(terminal, 4096).decode()
        process.send_signal(signal.SIGINT)
        assert process.wait() == ExitStatus.REFUSED
    os.close(output)
    os.close(terminal)
    assert "next: duecourse cutover attest" in screen
    assert "checklist 7" in screen
