"""Lives of one obligation whose assignments, anchors and cadences changed, with their answers."""

import pytest

from tests.conftest import Database
from tests.plan.lives import Life, lives, load, run
from tests.plan.stories import story
from tests.service_periods.books import Row

LIVES = lives()


@pytest.fixture(scope="module")
def lived(shared_database: Database) -> dict[str, Row]:
    """Return what became of each."""
    load(shared_database, LIVES)
    return run(shared_database, LIVES)


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.id)
def test_a_life(lived: dict[str, Row], life: Life) -> None:
    if told := story(life, lived[life.id]):
        pytest.fail(told, pytrace=False)
