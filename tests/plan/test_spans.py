"""Lives of one obligation whose assignments, anchors and cadences changed, with their answers."""

from collections.abc import Iterator

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from tests.conftest import Database, clone
from tests.plan.lives import Life, lives, load, run
from tests.plan.stories import story

LIVES = lives()


@pytest.fixture(scope="module")
def lived(applied_server: NoopExecutor) -> Iterator[Database]:
    """Yield a database that holds them all."""
    with clone(applied_server, "_lives") as dsn, psycopg.connect(dsn, autocommit=True) as database:
        load(database, LIVES)
        yield database


@pytest.mark.parametrize("life", LIVES, ids=lambda life: life.id)
def test_a_life(lived: Database, life: Life) -> None:
    if told := story(life, run(lived, life)):
        pytest.fail(told, pytrace=False)
