"""Scripts of plans: carried out as psql does it, and refused."""

import re

import pytest
from psycopg.errors import ObjectNotInPrerequisiteState
from psycopg.pq import TransactionStatus

from tests.conftest import Database


def carry_out(database: Database, text: str) -> None:
    """Do what psql would, which stops at the first error; in a transaction, as a part of it."""
    lines = text.split("\n")
    of_psql = [line for line in lines if line.startswith("\\")]
    assert of_psql[0] == "\\set ON_ERROR_STOP on"
    assert all(re.match(r"\\(set|echo) ", line) for line in of_psql)
    kept = [line for line in lines if line not in of_psql]
    assert (kept.count("BEGIN;"), kept.count("COMMIT;")) == (1, 1)
    if database.info.transaction_status == TransactionStatus.INTRANS:
        kept = [line for line in kept if line not in ("BEGIN;", "COMMIT;")]
        with database.transaction():
            database.execute("\n".join(kept).encode())
        return
    try:
        database.execute("\n".join(kept).encode())
    finally:
        database.rollback()


def refused(database: Database, text: str, match: str = "not as they were planned from") -> None:
    """Assert that a script says that nothing was changed, and what hinders it."""
    with pytest.raises(ObjectNotInPrerequisiteState, match=match) as told:
        carry_out(database, text)
    assert (told.value.diag.message_hint or "").endswith(": nothing was changed.")
