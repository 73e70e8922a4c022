"""A standby serves what reads: every reading, plan, dry run and check, and the commands of them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest

from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.cli.sample import OWNER, load
from tests.conftest import Command, Database
from tests.settings.sample import cli
from tests.standby.pair import Pair
from tests.test_readings import READINGS, Scene

#: Each with ``p_dry_run``.
DRY_RUNS = (
    "billing.backfill_service_periods(p_tenant => %(tenant)s, p_as_of => %(as_of)s",
    "billing.regenerate_service_periods(p_tenant => %(tenant)s, p_as_of => %(as_of)s",
    "billing.replenish_service_periods(p_tenant => %(tenant)s, p_as_of => %(as_of)s",
    "billing.repair_invoice_linkage(p_tenant => %(tenant)s, p_as_of => %(as_of)s",
    "ledger.backfill_charges(p_tenant => %(tenant)s",
    "ledger.post_rent(p_tenant => %(tenant)s, p_as_of => %(as_of)s",
)
SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
COMMANDS = (
    ("status",),
    ("plan", "backfill", *SCOPE, "--rows"),
    ("plan", "linkage", *SCOPE),
    ("coverage", *SCOPE),
    ("verify", *SCOPE, "--format", "json"),
    ("verify", "--tenant", OWNER, "--as-of", AS_OF, "--format", "json"),
    ("due-work", *SCOPE),
    ("escalations", *SCOPE),
    ("cutover", TENANT, "--as-of", AS_OF),
    ("balances", "--tenant", OWNER),
    ("orphans", "--tenant", OWNER),
    ("runs", "--all"),
    ("run", "backfill", *SCOPE, "--dry-run"),
)
#: What a command says of the server and of the moment.
VARYING = re.compile(r"books on [^\s:]+:\d+|\b[\d.]+ m?s\b|\"seconds\": [\d.]+")


@dataclass
class Books:
    """Books on both servers: how to connect to them, and a scene of the readings on each."""

    dsn: str
    standby_dsn: str
    primary: Scene
    standby: Scene


@pytest.fixture(scope="module")
def books(pair: Pair, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Books]:
    """Write the sample books, a run of them, and a scene of all readings; let them arrive."""
    dsn, standby_dsn = pair.another("books")
    load(dsn, tmp_path_factory.mktemp("books"))
    with psycopg.connect(dsn, autocommit=True) as primary:
        primary.execute(
            "CALL billing.backfill_service_periods(%s, %s, p_run_key => 'k', p_max_batches => 1)",
            (TENANT, AS_OF),
        )
        scene = Scene(primary)
        pair.catch_up()
        with psycopg.connect(standby_dsn, autocommit=True) as standby:
            yield Books(dsn, standby_dsn, scene, scene.at(standby))


def test_readings(books: Books) -> None:
    for reading in READINGS:
        rows = books.primary.read(reading)
        assert rows, reading
        assert books.standby.read(reading) == rows, reading


def said(database: Database, run: str) -> list[object]:
    """Return what a dry run gives and tells."""
    told: list[object] = []

    def hear(notice: psycopg.errors.Diagnostic) -> None:
        told.append((notice.severity, notice.message_primary, notice.message_detail))

    given = {"tenant": OWNER if run.startswith("ledger") else TENANT, "as_of": AS_OF}
    database.add_notice_handler(hear)
    rows = database.execute(f"CALL {run}, p_dry_run => true)".encode(), given).fetchall()
    database.remove_notice_handler(hear)
    return [rows, *told]


def test_dry_runs(books: Books) -> None:
    for run in DRY_RUNS:
        rows = said(books.primary.database, run)
        assert len(rows) > 1
        assert said(books.standby.database, run) == rows


def test_commands(books: Books) -> None:
    for command in COMMANDS:
        status, text = cli(*command, "--dsn", books.dsn)
        assert text
        there = cli(*command, "--dsn", books.standby_dsn)
        assert (there[0], VARYING.sub("?", there[1])) == (status, VARYING.sub("?", text)), command


def test_the_report(books: Books, tmp_path: Path) -> None:
    pages = []
    for dsn in (books.dsn, books.standby_dsn):
        cli("report", *SCOPE, "--out", tmp_path / "page.html", "--dsn", dsn)
        pages.append((tmp_path / "page.html").read_text(encoding="utf-8"))
    assert "<html" in pages[0]
    assert VARYING.sub("?", pages[1]) == VARYING.sub("?", pages[0])


@pytest.mark.parametrize(
    "command",
    [
        ("run", "backfill", *SCOPE, "--yes"),
        ("apply",),
        ("import", str(SAMPLE)),
        ("grant", "postgres", "view", "--tenant", "all"),
    ],
    ids=lambda command: command[0],
)
def test_what_cannot_be_done_there(
    books: Books, duecourse: Command, command: tuple[str, ...]
) -> None:
    done = duecourse(*command, "--dsn", books.standby_dsn)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    what, _, advice = done.stderr.strip().partition(" — ")
    assert re.search("takes no writes|read-only transaction|during recovery", what)
    host = psycopg.conninfo.conninfo_to_dict(books.standby_dsn)["host"]
    # Apply looks before it writes, and names the server in its first line.
    named = "" if command[0] == "apply" else f"{host}:5432 is a standby: "
    assert advice == f"{named}connect to the primary"
