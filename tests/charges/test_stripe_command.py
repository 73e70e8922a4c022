"""``duecourse stripe``: files and streams of events, what is not kept, and replays."""

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from tests.charges.stripe_events import intent, refund
from tests.charges.stripe_inbox import Inbox
from tests.conftest import Command, Database
from tests.rent import RENT

REJECTS = "events-rejects.jsonl"


@pytest.fixture
def inbox(shared_database: Database) -> Inbox:
    """Return the empty inbox of a tenant of the test's own."""
    return Inbox(shared_database)


def write(file: Path, *lines: Any) -> Path:
    """Write lines: bytes as they are, all else as JSON."""
    texts = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in lines]
    file.write_bytes(b"\n".join(texts))
    return file


def test_a_file_is_received_once(
    duecourse: Command, shared_dsn: str, inbox: Inbox, tmp_path: Path
) -> None:
    file = write(tmp_path / "events.jsonl", b"\xef\xbb\xbf", intent("pi_1"), b"", refund("pi_1", 5))
    command = ("stripe", "ingest", inbox.tenant, file, "--dsn", shared_dsn)
    first = duecourse(*command)
    assert (first.returncode, first.stderr) == (0, "")
    assert [line.split() for line in first.stdout.splitlines()] == [
        ["outcome", "events"],
        ["applied", "2"],
        ["stale", "0"],
        ["unmatched", "0"],
        ["ignored", "0"],
        ["foreign", "0"],
        ["duplicate", "0"],
        ["rejected", "0"],
        ["unreadable", "0"],
        ["all", "2"],
    ]
    again = json.loads(duecourse(*command, "--format", "json").stdout)
    assert (again["lines"], again["duplicate"]) == (2, 2)
    assert inbox.payment("pi_1")["refunded_cents"] == 5
    assert not (tmp_path / REJECTS).exists()


def test_what_is_not_kept_is_named_and_can_be_corrected(
    duecourse: Command, shared_dsn: str, inbox: Inbox, tmp_path: Path
) -> None:
    lines: list[Any] = [
        b"{",
        intent("pi_1"),
        b'{"id": "evt_\\u0000"}',
        {"id": "evt_1"},
        b"\xff",
        b'"\x00"',
        b'{"id": "evt_1", "created": 1e999999}',
    ]
    file = write(tmp_path / "events.jsonl", *lines)
    result = duecourse("stripe", "ingest", inbox.tenant, file, "--dsn", shared_dsn)
    assert result.returncode == 1
    *named, last = result.stderr.splitlines()
    assert [line.partition(",")[0] for line in named] == [
        "line 1: unreadable",
        "line 3: unreadable",
        "line 4: rejected",
        "line 5: unreadable",
        "line 6: unreadable",
        "line 7: unreadable",
    ]
    assert last.startswith(
        f"error: 5 lines could not be read, and 1 more were rejected — correct {REJECTS} and"
    )
    rejects = tmp_path / REJECTS
    kept = [line for line in file.read_bytes().split(b"\n") if b"pi_1" not in line]
    assert rejects.read_bytes().split(b"\n") == [*kept, b""]
    command = ("stripe", "ingest", inbox.tenant, rejects, "--dsn", shared_dsn)
    duecourse(*command)
    assert (tmp_path / "events-rejects-rejects.jsonl").read_bytes() == rejects.read_bytes()
    itself = duecourse(*command, "--rejects", rejects)
    assert itself.returncode == 1
    assert "is FILE itself" in itself.stderr
    assert len(rejects.read_bytes().split(b"\n")) == 7


def test_a_stream_is_received_and_replayed(
    duecourse: Command, shared_dsn: str, inbox: Inbox
) -> None:
    events = "\n".join(json.dumps(each) for each in (refund("pi_1", 5), refund("pi_2", 5)))
    command = ("stripe", "ingest", inbox.tenant, "-", "--format", "json", "--dsn", shared_dsn)
    assert json.loads(duecourse(*command, input=events).stdout)["unmatched"] == 2
    replay = ("stripe", "replay", inbox.tenant, "--dsn", shared_dsn)
    assert json.loads(duecourse(*replay, "--format", "json").stdout) == {
        "o_payments": 0,
        "o_waiting_events": 2,
    }
    inbox.ingest(intent("pi_1"))
    result = duecourse(*replay, "--payment", "pi_1")
    assert [line.split() for line in result.stdout.splitlines()] == [
        ["payments", "settled", "1"],
        ["events", "that", "wait", "1"],
    ]


def test_progress_is_told_by_the_thousand(
    duecourse: Command, shared_dsn: str, inbox: Inbox, tmp_path: Path
) -> None:
    file = write(tmp_path / "events.jsonl", *[intent("pi_1")] * 1_001)
    result = duecourse("stripe", "ingest", inbox.tenant, file, "--dsn", shared_dsn)
    assert result.stderr == "events: 1,000\n"


def test_an_unknown_tenant_is_an_error(duecourse: Command, shared_dsn: str, tmp_path: Path) -> None:
    file = write(tmp_path / "events.jsonl", intent("pi_1"))
    unknown = "00000000-0000-0000-0000-00000000dead"
    for command in (["ingest", unknown, file], ["replay", unknown]):
        result = duecourse("stripe", *command, "--dsn", shared_dsn)
        assert (result.returncode, result.stdout) == (1, "")
        assert result.stderr.startswith("error: the tenant is unknown (tenant 00000000")


@pytest.mark.parametrize("events_first", [True, False])
def test_an_import_before_or_after_the_events_ends_the_same(
    duecourse: Command, shared_dsn: str, inbox: Inbox, tmp_path: Path, events_first: bool
) -> None:
    books = RENT.unpack(tmp_path / "books")
    for file in books.glob("*.csv"):
        header = file.read_text(encoding="utf-8").splitlines()[0]
        file.write_text(f"{header}\n", encoding="utf-8")
    with (books / "04_payments.csv").open("a", encoding="utf-8") as payments:
        payments.write(
            f"{inbox.tenant},p-1,user_9,u-9,95000,USD,card,succeeded,2024-04,,pi_1,2024-04-02,0,,"
            "2024-04-01\n"
        )

    def import_books() -> None:
        result = duecourse("import", books, "--dsn", shared_dsn)
        assert (result.returncode, result.stderr) == (0, "")

    received = [refund("pi_1", 700), intent("pi_1", "processing"), intent("pi_1", amount=95_050)]
    for event in received if events_first else []:
        inbox.ingest(event)
    import_books()
    import_books()
    for event in received:
        inbox.ingest(event)
    row = inbox.payment("pi_1")
    # The newest word says whose it is, and the oldest when it was received.
    assert (row["payment_id"], row["tenant_user_id"], row["unit_id"]) == ("p-1", "user_1", "u-1")
    assert row["paid_on"] == date(2024, 4, 2)
    assert (row["status"], row["amount_cents"], row["refunded_cents"]) == ("succeeded", 95_050, 700)
    assert inbox.told() == inbox.payments()


def test_settings_are_shown_set_and_cleared(
    duecourse: Command, shared_dsn: str, inbox: Inbox
) -> None:
    command = ("stripe", "settings", inbox.tenant, "--dsn", shared_dsn)

    def shown(*options: str) -> list[str]:
        result = duecourse(*command, *options)
        assert (result.returncode, result.stderr) == (0, "")
        return [" ".join(line.split()) for line in result.stdout.splitlines()]

    defaults = [
        "metadata: unit_id unit_id",
        "metadata: tenant_id tenant_id",
        "metadata: billing_period billing_period",
        "mode both",
        "account any",
    ]
    assert shown() == defaults
    assert shown("--metadata-key", "tenant_id=tenantUserId", "--livemode") == [
        defaults[0],
        "metadata: tenant_id tenantUserId",
        defaults[2],
        "mode live",
        "account any",
    ]
    assert shown("--metadata-key", "unit_id=unit=Id", "--account", "acct_1") == [
        "metadata: unit_id unit=Id",
        "metadata: tenant_id tenantUserId",
        defaults[2],
        "mode live",
        "account acct_1",
    ]
    assert inbox.ingest(intent("pi_1")) == "foreign"
    shown_json = json.loads(duecourse(*command, "--format", "json").stdout)
    assert (shown_json["livemode"], shown_json["account"]) == (True, "acct_1")
    assert shown("--clear", "--test", "--account", "") == [
        *defaults[:3],
        "mode test",
        "account none",
    ]
    assert shown("--clear") == defaults
    wrong = duecourse(*command, "--metadata-key", "renter=user")
    assert wrong.returncode == 1
    assert "--metadata-key has other keys than tenant_id, unit_id, billing_period" in wrong.stderr
    assert "write KEY=NAME" in duecourse(*command, "--metadata-key", "renter").stderr
