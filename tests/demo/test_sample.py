"""The sample books: as their source makes them, and as a user may change them."""

import pytest

from duecourse.sample_books import AS_OF, SAMPLE, TENANT, line_names
from tests.demo import books
from tests.demo.sample import files, sample

FILES = files(sample())


@pytest.mark.parametrize("name", sorted(FILES))
def test_the_committed_file_is_what_its_source_makes(name: str) -> None:
    assert (SAMPLE / name).read_text(encoding="utf-8") == FILES[name]


def test_there_are_no_other_files() -> None:
    assert {file.name for file in SAMPLE.iterdir()} == FILES.keys()


def test_the_demo_asks_for_these_books() -> None:
    assert books.TENANT == TENANT
    assert books.START < AS_OF < books.HORIZON
    assert len(line_names()) == len(sample().tables["contract_lines"])
