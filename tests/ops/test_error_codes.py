"""The SQLSTATEs that the package raises: each once, and what the command line exits with."""

import re

from duecourse.errors import ExitStatus
from tests.conftest import Database


def test_each_code_has_a_name_an_exit_status_and_a_message(database: Database) -> None:
    rows = database.execute("SELECT * FROM ops.error_codes()").fetchall()
    codes = [code for code, *_ in rows]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"[0-9A-Z]{5}", code) for code in codes)
    assert len({condition for _, condition, *_ in rows}) == len(rows)
    assert {status for _, _, status, _ in rows} <= {*ExitStatus}
    assert all(message for *_, message in rows)
