"""revert: asked in a terminal, told in a line, as JSON, and refused by name."""

import json

from duecourse.errors import ExitStatus
from tests.cli.test_consent import answered
from tests.conftest import Command, Database
from tests.service_periods.books import Books, fill


def test_a_run_is_taken_back(duecourse: Command, dsn: str, database: Database) -> None:
    books = Books(database)
    fill(books, 2)
    books.call(run_key="k")
    whose = ("revert", "k", "--tenant", f"Tenant {books.number}")
    info = database.info
    no = answered(dsn, "n\n", *whose, "--reason", "wrong day")
    asked = f"Take back 14 rows of run k (done) in {info.dbname} on {info.host}? [y/N] "
    assert no.stderr.replace("\n", "") == f"{asked}error: not agreed to; nothing was written"
    assert (no.returncode, len(books.live())) == (ExitStatus.ERROR, 14)
    dry = duecourse(*whose, "--dry-run", "--dsn", dsn)
    assert dry.stdout == "run k: 14 rows would be taken back; nothing was written\n"
    without = duecourse(*whose, "--dsn", dsn)
    assert (without.returncode, without.stderr) == (
        ExitStatus.ERROR,
        "error: say why: --reason TEXT — see: duecourse revert --help\n",
    )

    books.perform("archive_service_period", record_id=books.ledger()[0]["record_id"], reason="x")
    refused = duecourse(*whose, "--reason", "wrong day", "--dsn", dsn)
    assert refused.returncode == ExitStatus.REFUSED
    assert refused.stderr.startswith(
        "error: later work depends on what the run did (run k of backfill_service_periods: row "
    )
    books.call(run_key="again")
    yes = answered(dsn, "y\n", "revert", "again", *whose[2:], "--reason", "wrong day")
    assert (yes.returncode, yes.stdout) == (0, "run again: 1 row taken back\n")
    told = duecourse("revert", "again", *whose[2:], "--reason", "wrong day", "--format", "json",
                     "--dsn", dsn)  # fmt: skip
    assert json.loads(told.stdout) == {"run_key": "again", "status": "reverted", "rows": 0}
