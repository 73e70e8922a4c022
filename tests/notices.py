"""What a routine tells while it works."""

import json
from typing import Any

from psycopg.errors import Diagnostic

from tests.conftest import Database


class Notices:
    """The notices of a connection: their messages, and their DETAIL as JSON."""

    def __init__(self, database: Database) -> None:
        self.messages: list[str] = []
        self.details: list[dict[str, Any]] = []
        database.execute("SET duecourse.notices = 'json'")
        database.add_notice_handler(self._note)

    def _note(self, notice: Diagnostic) -> None:
        self.messages.append(notice.message_primary or "")
        self.details.append(json.loads(notice.message_detail or "null"))
