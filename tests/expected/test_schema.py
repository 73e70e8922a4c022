"""The schema is the one that was reviewed: a change of it is a change of ``schema.sql``."""

from tests.expected.schema import EXPECTED, schema_of


def test_the_schema_is_as_expected(dsn: str) -> None:
    """After a change ``python -m tests.expected.schema`` writes the file; look at its diff."""
    assert schema_of(dsn) == EXPECTED.read_text(encoding="utf-8")
