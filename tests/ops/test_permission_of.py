"""The permission that a routine takes, as assert_permission names it."""

import pytest

from tests.conftest import Database


@pytest.mark.parametrize(
    ("routine", "permission"),
    [
        ("backfill_service_periods", "regenerate"),
        ("due_work", "view"),
        ("check_row_overlap", "view"),
        ("attest_cutover_step", None),  # one of several
        ("grant_permission", None),  # the owner
        ("plan_batch", None),
        (None, None),
    ],
)
def test_permission_of(
    shared_database: Database, routine: str | None, permission: str | None
) -> None:
    found = shared_database.execute("SELECT ops.permission_of(%s)", [routine]).fetchone()
    assert found == (permission,)
