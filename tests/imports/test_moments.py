"""Times of books mean the same whatever the session's time zone: their own zone, or else UTC."""

from duecourse import render
from tests.conftest import Database

#: What books say, and what it is in UTC.
TIMES = {
    "2026-07-20": "2026-07-20 00:00:00",
    "2026-07-20 09:00:00": "2026-07-20 09:00:00",
    "2026-07-20T09:00:00.5": "2026-07-20 09:00:00.5",
    "2026-07-20 09:00 PM": "2026-07-20 21:00:00",
    "20 July 2026 09:00": "2026-07-20 09:00:00",
    "2026-07-20 09:00:00+02": "2026-07-20 07:00:00",
    "2026-07-20 09:00-05:30": "2026-07-20 14:30:00",
    "20260720T090000+02": "2026-07-20 07:00:00",
    "2026-07-20T09:00:00Z": "2026-07-20 09:00:00",
    "2026-07-20T09:00:00z": "2026-07-20 09:00:00",
    "2026-07-20 09:00:00 UTC": "2026-07-20 09:00:00",
    "2026-07-20 09:00:00 EST": "2026-07-20 14:00:00",
    "2026-07-20 09:00 AM EST": "2026-07-20 14:00:00",
    "2026-07-20 09:00:00 Europe/Berlin": "2026-07-20 07:00:00",
}
_MACRO = '{% from "sql/macros/moments.sql.j2" import read_moment %}{{ read_moment("t.told") }}'


def test_a_time_is_of_its_own_zone_or_utc(database: Database) -> None:
    moment = render._environment().from_string(_MACRO).render()
    database.execute("SET timezone = 'America/New_York'")
    query = f"""
        SELECT t.told, ({moment} AT TIME ZONE 'UTC')::text
        FROM unnest(%s::text[]) AS t (told)"""
    found = database.execute(query.encode(), ([*TIMES],)).fetchall()
    assert dict(found) == TIMES
