"""Books that are kept packed: gzipped CSV files with a manifest, and the answers to expect."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from psycopg.conninfo import make_conninfo

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import Config
from duecourse.database import connect

_DATA = Path(__file__).parent / "data"


@dataclass(frozen=True)
class Packed:
    """A folder of tests/data."""

    name: str

    def read(self, name: str) -> Any:
        """Return a JSON file of the books."""
        with gzip.open(_DATA / self.name / f"{name}.gz", "rt", encoding="utf-8") as file:
            return json.load(file)

    def tables(self) -> Iterator[tuple[str, str]]:
        """Yield each table and the text of its CSV file, in the order in which they are read."""
        for file in sorted((_DATA / self.name).glob("*.csv.gz")):
            table = file.name.partition("_")[2].removesuffix(".csv.gz")
            yield table, gzip.decompress(file.read_bytes()).decode()

    def unpack(self, folder: Path) -> Path:
        """Write the folder that ``duecourse import`` reads."""
        folder.mkdir(exist_ok=True)
        packed = _DATA / self.name
        for file in [*packed.glob("*.csv.gz"), packed / "manifest.json.gz"]:
            (folder / file.stem).write_bytes(gzip.decompress(file.read_bytes()))
        return folder

    def load(
        self, *, host: str, port: int, user: str, dbname: str, password: str | None, **_: object
    ) -> None:
        """Import the books, in which every line can be read: a loader of pytest-postgresql."""
        dsn = make_conninfo(host=host, port=port, user=user, dbname=dbname, password=password)
        with TemporaryDirectory() as name, connect(dsn) as connection:
            folder = self.unpack(Path(name))
            files, warnings = find_files(connection, Config(), folder)
            assert warnings == []
            import_books(connection, Config(), files, rejects=folder / "rejects.csv")
