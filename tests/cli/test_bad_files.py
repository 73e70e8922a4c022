"""Files that the command line reads: what is wrong with one is said in one line."""

import json
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from duecourse import plan_file
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.sample_books import SAMPLE, TENANT
from tests.conftest import Command
from tests.settings.sample import SCOPE, cli

COMMANDS = [
    ("apply",),
    ("status",),
    ("render",),
    ("import", SAMPLE),
    ("plan", "backfill", *SCOPE),
    ("run", "backfill", *SCOPE),
    ("verify", *SCOPE),
    ("due-work", *SCOPE),
    ("cutover", TENANT),
    ("grant", "postgres", "view", "--tenant", TENANT),
    ("stripe", "replay", TENANT),
]


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (None, "cannot read "),
        (b"[schemas", "is not TOML: "),
        (b"\xff", "is not TOML: "),
        (b"[schemas]\nbills = 'b'", "has the unknown setting 'bills'"),
        (b"[schemas]\nops = 5", "schema name 5 for 'ops' is not a text"),
        (b"[schemas]\nops = 'billing'", "the same name"),
    ],
)
def test_a_bad_configuration(
    shared_dsn: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    text: bytes | None,
    part: str,
) -> None:
    file = tmp_path / "duecourse.toml"
    if text is not None:
        file.write_bytes(text)
    monkeypatch.setenv("DUECOURSE_CONFIG", str(file))
    for command in COMMANDS:
        with pytest.raises(DuecourseError) as raised:
            cli(*command, "--dsn", shared_dsn)
        assert part in raised.value.message, command
        assert raised.value.hint
    # yoyo logs what its migrations raise, with the traceback.
    assert caplog.records == []


@pytest.mark.parametrize(
    ("name", "content", "part"),
    [
        ("manifest.json", b"[" * 100_000, "manifest.json is not a manifest of books"),
        ("manifest.json", '{"tables": "ä"}'.encode("latin-1"), "is not a manifest of books"),
        ("04_clients.csv", "tenant,client_id\n".encode("utf-16"), "line 1: is not UTF-8"),
        ("04_clients.csv", "tenant,größe\n".encode("latin-1"), "line 1: is not UTF-8"),
    ],
)
def test_bad_books(shared_dsn: str, tmp_path: Path, name: str, content: bytes, part: str) -> None:
    books = copytree(SAMPLE, tmp_path / "books")
    (books / name).write_bytes(content)
    with pytest.raises(DuecourseError) as raised:
        cli("import", books, "--dsn", shared_dsn)
    assert part in raised.value.message
    assert raised.value.hint


def test_a_saved_plan_is_the_one_that_was_made(dsn: str, tmp_path: Path) -> None:
    at = ("--dsn", dsn)
    cli("import", SAMPLE, *at)
    file, other = tmp_path / "plan.json", tmp_path / "other.json"
    cli("plan", "backfill", *SCOPE, "--out", file, *at)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    saved = json.loads(file.read_text())
    edits: tuple[Callable[[dict[str, Any]], object], ...] = (
        lambda plan: plan["summary"].update(schedules_written=1),
        lambda plan: plan["rows"].pop(),
        lambda plan: plan["rows"][1]["changes"][0].update(action="none"),
        lambda plan: plan["rows"][0]["kept"].popitem(),
        lambda plan: plan.update(tenant_name="x"),
        lambda plan: plan["arguments"].update(target_horizon_days=90),
        lambda plan: plan.update(plan_hash="0" * 32),
        lambda plan: plan.pop("checksum"),
    )
    for edit in edits:
        edited = json.loads(file.read_text())
        edit(edited)
        other.write_text(json.dumps(edited))
        with pytest.raises(DuecourseError) as raised:
            cli("run", "backfill", "--plan", other, *at)
        assert raised.value.message == f"{other} was edited since it was saved"
        assert raised.value.hint == "make one: duecourse plan backfill --out FILE"
    # Its layout may change.
    other.write_text(json.dumps(saved, indent=8))
    status, said = cli("run", "backfill", "--plan", other, *at)
    assert (status, "124 rows" in said) == (ExitStatus.REFUSED, True)


def test_no_byte_of_a_saved_plan_may_be_another(dsn: str, tmp_path: Path) -> None:
    """Whatever a byte becomes, the file says the same, or it is refused."""
    at = ("--dsn", dsn)
    cli("import", SAMPLE, *at)
    file, client = tmp_path / "plan.json", "c1000000-0000-4000-8000-000000000004"
    cli("plan", "backfill", *SCOPE, "--client", client, "--out", file, *at)
    text = file.read_bytes()
    saved = json.loads(text)
    del saved["checksum"]
    assert {**plan_file.load(file)} == saved
    kept = 0
    for place in range(len(text)):
        for byte in {text[place] ^ 1, text[place] ^ 32, ord("7")} - {text[place]}:
            file.write_bytes(text[:place] + bytes([byte]) + text[place + 1 :])
            with suppress(DuecourseError):
                assert plan_file.load(file) == saved
                kept += 1
    # Only blanks between values may be others.
    assert kept < text.count(b" ") + text.count(b"\n")


def test_a_plan_of_an_older_version(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_text('{"operation": "backfill", "arguments": {}, "plan_hash": "x", "rows": []}')
    with pytest.raises(DuecourseError) as raised:
        cli("plan", "show", file)
    assert raised.value.message == f"{file} was saved by another version of duecourse"
    assert raised.value.hint == "make one: duecourse plan backfill --out FILE"


@pytest.mark.parametrize("command", [("status",), ("plan", "backfill", *SCOPE), ("verify", *SCOPE)])
def test_only_apply_makes_an_embedded_server(tmp_path: Path, command: tuple[str, ...]) -> None:
    with pytest.raises(DuecourseError) as raised:
        cli(*command, "--embedded", tmp_path / "x")
    assert raised.value.message == f"there is no embedded server in {tmp_path / 'x'}"
    assert raised.value.hint == f"make one: duecourse apply --embedded {tmp_path / 'x'}"
    assert list(tmp_path.iterdir()) == []


def test_a_password_is_never_printed(duecourse: Command) -> None:
    for debug in ((), ("--debug",)):
        done = duecourse("status", "--dsn", "postgresql://u:S3cr3tPw%ZZ@host/books", *debug)
        assert done.returncode == ExitStatus.ERROR
        assert "S3cr3tPw" not in done.stderr + done.stdout
        assert "is not one that libpq understands" in done.stderr
