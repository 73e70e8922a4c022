"""The command: lines from a file or standard input, answers out, faults on standard error."""

import json
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, Command, Database

GOOD = '{"id": "é", "input": {"from": "generated", "to": "billed"}}\n'
ANSWER = {"id": "é", "output": {"allowed": True, "from_is_terminal": False}}


def parsed(output: str) -> list[object]:
    return [json.loads(line) for line in output.splitlines()]


def test_a_file_is_answered_line_by_line(duecourse: Command, dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(GOOD + '{"from": "billed", "to": "locked"}\n', encoding="utf-8")
    done = duecourse("offline", "transitions", "--input", file, "--dsn", dsn, encoding="utf-8")
    assert (done.returncode, done.stderr) == (0, "")
    assert parsed(done.stdout) == [
        ANSWER,
        {"id": None, "output": {"allowed": False, "from_is_terminal": True}},
    ]


def test_bad_lines_are_named_and_the_others_answered(duecourse: Command, dsn: str) -> None:
    given = f"{GOOD}{{nope}}\n{GOOD}[]\n{GOOD}"
    done = duecourse("offline", "transitions", "--dsn", dsn, input=given, encoding="utf-8")
    assert done.returncode == 1
    assert parsed(done.stdout) == [ANSWER] * 3
    second, fourth, summary = done.stderr.splitlines()
    assert second.startswith("line 2: invalid input syntax for type json")
    assert fourth.startswith("line 4: the input cannot be read ([] is not a JSON object)")
    assert summary.startswith("error: 2 lines could not be read")


def test_nothing_in_nothing_out(duecourse: Command, dsn: str) -> None:
    done = duecourse("offline", "parity", "--input", "-", "--dsn", dsn, input="")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_what_stops_the_command_is_one_line(
    duecourse: Command, dsn: str, database: Database
) -> None:
    database.execute("DROP SCHEMA billing CASCADE")
    for arguments, server, words in [
        (["transitions"], dsn, "duecourse apply"),
        (["transitions"], "host=127.0.0.1 port=1", "--dsn"),
        (["transitions", "--input", "no-such-file"], dsn, "no-such-file"),
        (["transition"], dsn, "'transitions'"),
    ]:
        done = duecourse("offline", *arguments, "--dsn", server, input=GOOD, encoding="utf-8")
        assert (done.returncode, done.stdout) == (1, "")
        [line] = done.stderr.splitlines()
        assert line.startswith("error: ")
        assert words in line


def test_a_reader_may_leave_early(dsn: str, tmp_path: Path) -> None:
    file = tmp_path / "cases.jsonl"
    file.write_text(GOOD * 5_000, encoding="utf-8")
    command = [sys.executable, "-m", "duecourse", "offline", "transitions", "--dsn", dsn]
    with (
        file.open("rb") as given,
        subprocess.Popen(
            command, cwd=ROOT, stdin=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        ) as process,
    ):
        assert process.stdout is not None
        assert process.stderr is not None
        assert json.loads(process.stdout.readline()) == ANSWER
        process.stdout.close()
        assert process.stderr.read() == b""
