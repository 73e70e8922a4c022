"""What help shows: every public routine, the call to copy, the meaning of each argument."""

import re

import pytest

from tests.conftest import Database
from tests.examples.reference import public_routines


def test_every_public_routine_is_there(shared_dsn: str, shared_database: Database) -> None:
    shown = shared_database.execute("SELECT routine, needs, purpose, call FROM ops.help()")
    rows = {routine: rest for routine, *rest in shown.fetchall()}
    assert list(rows) == sorted(
        f"{each.schema}.{each.name}" for each in public_routines(shared_dsn)
    )
    assert rows["billing.verify"] == [
        "view",
        "Everything that the checks find in a tenant's books, in their order; of one ledger, or of"
        " all.",
        "SELECT * FROM billing.verify(p_tenant => :'tenant', p_as_of => :'as_of');",
    ]


def test_every_argument_has_a_meaning(shared_database: Database) -> None:
    shown = shared_database.execute(
        "SELECT argument, purpose FROM ops.help('') WHERE argument IS NOT NULL"
    ).fetchall()
    assert len(shown) > 300
    assert [argument for argument, meaning in shown if not meaning] == []


def test_every_meaning_is_of_an_argument(shared_database: Database) -> None:
    spare = shared_database.execute(
        "SELECT parameter_name FROM ops.parameter_meanings()"
        " EXCEPT SELECT substring(argument FROM '[po]_\\w+') FROM ops.help('')"
    ).fetchall()
    assert spare == []


def test_a_call_is_copied_with_what_it_cannot_do_without(shared_database: Database) -> None:
    def call(routine: str) -> object:
        shown = shared_database.execute(
            "SELECT call FROM ops.help(%s) WHERE routine = %s", [routine, routine]
        )
        return shown.fetchone()

    assert call("billing.skip_service_period") == (
        "CALL billing.skip_service_period(p_tenant => :'tenant', p_record_id => :'record_id',"
        " p_reason => :'reason');",
    )
    assert call("billing.backfill_service_periods") == (
        "CALL billing.backfill_service_periods(p_tenant => :'tenant', p_as_of => :'as_of');",
    )
    assert call("ops.help") == ("SELECT * FROM ops.help();",)


def test_a_topic_is_a_part_of_a_name(shared_database: Database) -> None:
    shown = shared_database.execute("SELECT routine, argument FROM ops.help('Retire_')").fetchall()
    assert shown == [
        ("billing.retire_schedule", None),
        (None, "p_tenant uuid"),
        (None, "p_schedule_key text DEFAULT NULL"),
        (None, "p_as_of date DEFAULT NULL"),
        (None, "p_reason text DEFAULT NULL"),
        (None, "INOUT o_superseded bigint DEFAULT NULL"),
        (None, "INOUT o_kept bigint DEFAULT NULL"),
    ]


def test_a_topic_that_is_no_name_is_a_part_of_a_purpose(shared_database: Database) -> None:
    shown = shared_database.execute(
        "SELECT routine FROM ops.help('cheque') WHERE routine IS NOT NULL"
    ).fetchall()
    assert shown == [("ledger.record_payment",), ("ledger.refund_payment",)]


def test_nothing_on_a_topic(shared_database: Database) -> None:
    with pytest.raises(Exception, match="what an argument names is unknown") as raised:
        shared_database.execute("SELECT * FROM ops.help('nonesuch')")
    assert re.search("no public routine has 'nonesuch'", str(raised.value))
