"""What is told on the way is in words, and as JSON only to a session that asks for it."""

import pytest
from psycopg.errors import Diagnostic

from tests.conftest import Database


@pytest.mark.parametrize("level", ["NOTICE", "WARNING"])
@pytest.mark.parametrize("hint", [None, "do it"])
@pytest.mark.parametrize("asked", ["json", ""])
def test_tell(shared_database: Database, level: str, hint: str | None, asked: str) -> None:
    told: list[tuple[str | None, ...]] = []

    def note(notice: Diagnostic) -> None:
        told.append(
            (
                notice.severity_nonlocalized,
                notice.message_primary,
                notice.message_detail,
                notice.message_hint,
            )
        )

    shared_database.execute("SELECT set_config('duecourse.notices', %s, false)", [asked])
    shared_database.add_notice_handler(note)
    shared_database.execute(
        "SELECT ops.tell(%s, %s, '{\"rows\": 3}', %s)", [level, "100% of 3", hint]
    )
    shared_database.remove_notice_handler(note)
    assert told == [(level, "100% of 3", '{"rows": 3}' if asked else None, hint)]
