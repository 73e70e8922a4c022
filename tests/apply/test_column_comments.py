"""Every column of every table says what it holds."""

import psycopg
import pytest

from duecourse.config import Config

_SILENT = """
    SELECT format('%%I.%%I', c.relname, a.attname)
    FROM pg_attribute AS a
    JOIN pg_class AS c ON c.oid = a.attrelid
    WHERE c.relnamespace = ANY (%s::regnamespace[]) AND c.relkind IN ('r', 'p')
        AND NOT c.relispartition AND c.relname !~ 'yoyo' AND a.attnum > 0 AND NOT a.attisdropped
        AND col_description(c.oid, a.attnum) IS NULL
"""


@pytest.mark.parametrize("fixture", ["shared_dsn", "shared_alga_dsn", "shared_rental_dsn"])
def test_every_column_has_a_comment(request: pytest.FixtureRequest, fixture: str) -> None:
    with psycopg.connect(request.getfixturevalue(fixture)) as connection:
        assert connection.execute(_SILENT, [Config().schemas]).fetchall() == []
