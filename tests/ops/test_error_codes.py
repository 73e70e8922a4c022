"""The SQLSTATEs of the package: each named once, with the exit status of the command line."""

import re

from duecourse.errors import ExitStatus
from tests.conftest import Database


def test_each_code_has_a_name_an_exit_status_and_a_meaning(database: Database) -> None:
    rows = database.execute("SELECT * FROM ops.error_codes()").fetchall()
    codes = [code for code, *_ in rows]
    assert codes == sorted(set(codes))
    assert all(re.fullmatch(r"DC\d{3}", code) for code in codes)
    assert len({condition for _, condition, *_ in rows}) == len(rows)
    assert {status for _, _, status, _ in rows} <= {*ExitStatus}
    assert all(meaning for *_, meaning in rows)
