"""What a name holds never steers the terminal."""

import pytest
from rich.text import Text

from duecourse import output
from duecourse.cli._errors import report
from duecourse.errors import DuecourseError

NAME = "a\x1b[31mb\x01\x9b2J\x7f"
SHOWN = "a\\x1b[31mb\\x01\\x9b2J\\x7f"


@pytest.mark.parametrize("cell", [NAME, [NAME], Text(NAME)])
def test_a_table(capsys: pytest.CaptureFixture[str], cell: object) -> None:
    output.show_table(("name",), [[cell]])
    output.show_fields({"name": cell})
    out = capsys.readouterr().out
    assert out.count(SHOWN) == 2
    assert set(out) & set(NAME) <= set("a[31mb2J")


def test_an_error(capsys: pytest.CaptureFixture[str]) -> None:
    report(DuecourseError(f"no {NAME}", "look"))
    assert capsys.readouterr().err == f"error: no {SHOWN} — look\n"


def test_text_that_steers_nothing_stays() -> None:
    assert output.visible("Łódź\t„a“\n🙂") == "Łódź\t„a“\n🙂"
