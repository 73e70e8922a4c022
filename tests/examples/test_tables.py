"""The README's tables invent nothing: what a routine does not say, nobody says for it."""

import re

import pytest

from tests.conftest import Database
from tests.examples.tables import procedures

DELETE = "billing.delete_invoice(uuid, uuid, text, text, bigint)"


def row_of(table: str, name: str) -> list[str]:
    """Return the cells of a routine's row."""
    [row] = re.findall(rf"^\| `{re.escape(name)}` \| (.*) \|$", table, re.MULTILINE)
    return str(row).split(" | ")


def test_every_procedure_says_what_a_second_call_does(shared_dsn: str) -> None:
    table = procedures(shared_dsn)
    for name in ("billing.delete_invoice", "billing.reverse_invoice"):
        assert row_of(table, name)[-1].startswith("a second call gives already_")
    assert row_of(table, "billing.invoiced_history")[1:] == ["view", "no", "none", "reads only"]


@pytest.mark.parametrize("comment", ["Commits: no. Locks: none. Idempotent.", "Idempotent: yes."])
def test_a_procedure_that_does_not_say_it(dsn: str, database: Database, comment: str) -> None:
    database.execute(f"COMMENT ON PROCEDURE {DELETE} IS '{comment}'".encode())
    with pytest.raises(LookupError, match=r"billing\.delete_invoice does not say"):
        procedures(dsn)
