"""docs/architecture.md names every folder, and none that is not there."""

import re

from tests.conftest import ROOT

TEXT = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
OBJECTS = ("procedures", "sql", "verify")
TOPS = ("docs", "duecourse", "migrations", "procedures", "sql", "tests", "verify")


def test_each_folder_is_named_and_no_other() -> None:
    files = (file for top in TOPS for file in (ROOT / top).rglob("*") if file.is_file())
    folders = {
        f"{file.parent.relative_to(ROOT)}/" for file in files if "__pycache__" not in file.parts
    }
    named = {
        name
        for cell in re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)
        for name in re.findall(r"`([\w/]+/)`", cell)
    }
    mirrored = {f"tests/{name.split('/')[-2]}/" for name in named if name.split("/")[0] in OBJECTS}
    assert named - folders == set()
    assert folders - named - mirrored == set()
