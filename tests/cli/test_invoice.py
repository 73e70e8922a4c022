"""invoice, period and linkage on the sample books: what the procedures do, by name and window."""

import json
import re

import pytest

from duecourse.errors import ExitStatus
from duecourse.sample_books import AS_OF, TENANT
from tests.cli.sample import load
from tests.conftest import Command, Database

WHOSE = ("--tenant", "alder")
WHEN = ("--as-of", AS_OF)
JSON = ("--format", "json")
WHY = ("--reason", "a trial")


@pytest.fixture(scope="module", autouse=True)
def _books(shared_dsn: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    load(shared_dsn, tmp_path_factory.mktemp("books"))


@pytest.fixture
def of(typed: Command, shared_dsn: str) -> Command:
    """Return the command line on these books."""
    return lambda *arguments: typed(*arguments, *WHOSE, "--dsn", shared_dsn)


def records(database: Database, *, state: str = "generated") -> list[str]:
    """Return live rows of Help desk in that state, the first days first."""
    rows = database.execute(
        "SELECT record_id FROM billing.recurring_service_periods WHERE lifecycle_state = %s"
        " AND obligation_id = '11000000-0000-4000-8000-000000000001'"
        " ORDER BY service_period_start",
        [state],
    )
    return [str(record) for (record,) in rows]


def test_the_checklist_leads_on_by_commands(of: Command, typed: Command, shared_dsn: str) -> None:
    shown = typed("cutover", "alder", *WHEN, "--dsn", shared_dsn).stdout
    commands = re.findall(r"^    (duecourse .*|psql .*)$", shown, re.M)
    assert any(command.startswith("duecourse invoice generate ") for command in commands)
    assert "CALL " not in shown
    assert TENANT not in shown
    assert max(map(len, commands)) < 160


def test_an_invoice_from_preview_to_history(of: Command, shared_database: Database) -> None:
    # A window that two lines share, of which one is wanted.
    due = json.loads(of("due-work", *WHEN, "--due-only", *JSON).stdout)
    one = next(row for row in due if row["can_generate"])
    client, line = one["client_name"], one["contract_line_name"]
    window = f"{one['invoice_window_start']}..{one['invoice_window_end']}"
    asked = (client[:6].lower(), window, *WHEN, "--line", line[:6].upper())
    shown = of("invoice", "preview", *asked)
    assert shown.stdout.splitlines()[0].startswith("1 line, ")
    [made] = json.loads(of("invoice", "preview", *asked, *JSON).stdout)
    assert made["execution_identity_key"] == one["execution_identity_key"]

    done = of("invoice", "generate", *asked, "--number", "TRIAL-1")
    assert re.fullmatch(r"generated: invoice [0-9a-f-]{36}\n", done.stdout), done
    again = of("invoice", "generate", *asked)
    assert f"nothing due in the window is of a line {line[:6].lower()!r}" in again.stderr
    listed = of("invoice", "history", client).stdout.splitlines()
    assert listed[0].split() == ["number", "window", "status", "total", "rows"]
    assert [row.split()[0] for row in listed[1:]].count("TRIAL-1") == 1
    gone = of("invoice", "delete", "TRIAL-1", *WHY)
    assert re.fullmatch(r"deleted: invoice [0-9a-f-]{36}, ledger rows due again: 1\n", gone.stdout)
    assert re.search(r"^TRIAL-1 .* deleted ", of("invoice", "history", client).stdout, re.M)

    made_again = json.loads(of("invoice", "generate", *asked, *JSON).stdout)
    assert made_again["status"] == "generated"
    back = json.loads(of("invoice", "reverse", made_again["invoice_id"], *WHY, *JSON).stdout)
    assert back == {"status": "reversed", "rows": 1}


def test_what_an_invoice_refuses(of: Command) -> None:
    done = of("invoice", "generate", "Bramble", "2027-09", *WHEN)
    assert (done.returncode, done.stdout) == (ExitStatus.REFUSED, "refused: not_yet_due\n")
    for arguments, message in [
        (("generate", "Bramble", "2026-13"), "'2026-13' is no window such as 2026-09 or"),
        (("generate", "Nobody", "2026-09"), "no client has a name or id that begins with 'Nobody'"),
        (
            ("preview", "Bramble", "2026-09", "--line", "x"),
            "nothing due in the window is of a line 'x'",
        ),
        (("delete", "NONE", *WHY), "there is no invoice of number 'NONE'"),
        (("reverse", "NONE"), "Missing option '--reason'"),
    ]:
        done = of("invoice", *arguments)
        assert (done.returncode, done.stdout) == (ExitStatus.ERROR, "")
        assert message in done.stderr
        assert done.stderr.count("\n") == 1


def test_a_period_is_changed(of: Command, shared_database: Database) -> None:
    first, second, third, fourth, *_ = records(shared_database)[-6:]
    done = of("period", "skip", first, *WHY)
    assert re.fullmatch(r"skip: done, record [0-9a-f-]{36}\n", done.stdout), done
    assert len(records(shared_database, state="skipped")) == 1
    done = of("period", "defer", second, "--to", "2027-08", *WHY, *JSON)
    now = json.loads(done.stdout)["record_id"]
    found = shared_database.execute(
        "SELECT invoice_window_start::text, invoice_window_end::text, reason_code"
        " FROM billing.recurring_service_periods WHERE record_id = %s",
        [now],
    ).fetchone()
    assert found is not None
    assert found[:2] == ("2027-08-01", "2027-09-01")
    done = of("period", "edit", third, "--invoice-window", "2027-08", *WHY)
    assert done.stdout.startswith("edit: done, record ")
    done = of("period", "archive", fourth, *WHY)
    assert done.stdout == f"archive: done, record {fourth}\n"
    done = of("period", "archive", fourth, *WHY)
    assert done.returncode == ExitStatus.REFUSED
    assert fourth in done.stderr


def test_linkage(of: Command) -> None:
    lines = of("linkage", *WHEN).stdout.splitlines()
    assert lines == [
        "2 rows with a broken or missing link, 1 to reopen, 1 to report",
        "line                                        period   problem           action",
        "Juniper Dental: Imaging (dangling link)     2026-09  dangling_linkage  reopen",
        "Juniper Dental: Booking (billed, unlinked)  2026-09  missing_linkage   report",
    ]
    rows = json.loads(of("linkage", *WHEN, *JSON).stdout)
    assert [row["contract_line_name"] for row in rows] == [
        "Imaging (dangling link)",
        "Booking (billed, unlinked)",
    ]
