"""The sample books, native and rent, in a database that the tests of a module share."""

from pathlib import Path

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import Config
from duecourse.database import connect
from tests.conftest import ROOT

OWNER = "a1de0000-0000-4000-8000-000000000002"


def load(dsn: str, folder: Path) -> None:
    """Import both."""
    with connect(dsn) as connection:
        for name in ("sample", "sample_rent"):
            files, _ = find_files(connection, Config(), ROOT / "duecourse" / name)
            import_books(connection, Config(), files, rejects=folder / "rejects.csv")
