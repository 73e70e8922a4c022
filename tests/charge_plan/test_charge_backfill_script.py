"""The charge backfill as a psql script for the tables that the books were exported from."""

import re
from typing import Any

import psycopg
import pytest

from tests.charge_plan.scripts import (
    CHANGES,
    HARMLESS,
    PAYMENTS,
    assert_refused_after,
    befall,
    ends,
    scene,
    script,
)
from tests.charges.owner import Owner
from tests.conftest import Database
from tests.profiles.comparison import answer
from tests.rent import OWNER
from tests.scripts import carry_out, refused

PLAN = "plan_charge_backfill({})"
SCRIPT = "charge_backfill_script({})"


def test_after_a_change_nothing_is_written(undone: Database) -> None:
    text, given = script(undone, SCRIPT), scene(undone, PLAN)
    assert_refused_after(undone, text, {**PAYMENTS, **CHANGES}, given)


def test_what_decides_nothing_may_change(undone: Database) -> None:
    text, given = script(undone, SCRIPT), scene(undone, PLAN)
    for change in HARMLESS:
        befall(undone, change, given)
    carry_out(undone, text)


def test_the_amount_rule_decides(undone: Database) -> None:
    """As a plan of another rule is another."""
    by_rule = [
        script(undone, f"charge_backfill_script({{}}, '{rule}')")
        for rule in ("unit_rent_first", "sum_of_payments")
    ]
    assert by_rule[0] == script(undone, SCRIPT) != by_rule[1]
    carry_out(undone, by_rule[1])
    planned = (
        "SELECT p.tenant_user_id, p.unit_id, p.billing_period, p.amount_cents"
        f" FROM ledger.plan_charge_backfill('{OWNER}', 'sum_of_payments') AS p"
        " WHERE p.action = 'create'"
    )
    made = (
        "SELECT tenant_user_id, unit_id::text, billing_period, amount_cents::bigint"
        " FROM public.charges WHERE created_at = now() AT TIME ZONE 'UTC'"
    )
    assert answer(undone, made) == answer(undone, planned)


def test_after_a_rent_that_was_taken_back_the_next_is_another(undone: Database) -> None:
    """Else the script of the next one would take it for carried out."""
    given, once = scene(undone, PLAN), script(undone, SCRIPT)
    pair = (
        "INSERT INTO {} ({}charge_id, tenant_user_id, unit_id, type, description, amount_cents,"
        " billing_period, {}) VALUES ({}'00000000-0000-4000-8000-00000000000{}', {renter},"
        " {unit}, 'rent', 'Rent', {}, {period}, {})"
    )
    for number, cents, reverses in (
        (1, 5, "NULL"),
        (2, -5, "'00000000-0000-4000-8000-000000000001'"),
    ):
        ours = ("ledger.charges", "tenant, currency, effective_on, ", "reverses_charge_id")
        theirs = ("public.charges", "", "created_by")
        values = f"'{OWNER}', 'USD', '2026-11-20', "
        for place, told, what in ((ours, values, reverses), (theirs, "", "NULL")):
            statement = pair.format(*place, told, number, cents, what, **given)
            if place is theirs:
                statement = statement.replace("charge_id", "id")
            undone.execute(statement.encode())
    again = script(undone, SCRIPT)
    made = [{line for line in text.splitlines() if "'Rent for " in line} for text in (once, again)]
    assert [len(lines - other) for lines, other in (made, made[::-1])] == [1, 1]
    refused(undone, once)
    carry_out(undone, again)


def test_a_script_that_was_edited_writes_nothing(undone: Database) -> None:
    text = script(undone, SCRIPT)
    shorter = re.sub(r"(INTO pg_temp.duecourse_new VALUES\n).*\n", r"\1", text, count=1)
    assert len(shorter) < len(text)
    refused(undone, shorter, "not as it was written")


def test_what_a_trigger_takes_away_is_missed(undone: Database) -> None:
    text = script(undone, SCRIPT)
    undone.execute(
        """
        CREATE FUNCTION public.nothing() RETURNS trigger LANGUAGE plpgsql
        AS 'BEGIN RETURN NULL; END';
        CREATE TRIGGER nothing BEFORE INSERT ON public.charges
        FOR EACH ROW EXECUTE FUNCTION public.nothing()
        """
    )
    refused(undone, text, "0 rows were inserted, not ")


def test_names_and_texts_of_any_kind(undone: Database) -> None:
    renter = "it's \\ :key $duecourse$ {source}|"
    for place, column in (("ledger.payments", "unit_id"), ("public.payments", "unit_id::text")):
        undone.execute(
            f"UPDATE {place} SET tenant_user_id = %s WHERE {column} ="
            " (SELECT max(unit_id) FROM ledger.payments)".encode(),
            (renter,),
        )
    text = script(
        undone, "charge_backfill_script({}, p_source_schema => 'My \"Rents\" {{source}}')"
    )
    undone.execute('ALTER SCHEMA public RENAME TO "My ""Rents"" {source}"')
    carry_out(undone, text)
    [(made,)] = undone.execute(
        'SELECT count(*) FROM "My ""Rents"" {source}".charges WHERE tenant_user_id = %s',
        (renter,),
    )
    assert made > 0


@pytest.mark.parametrize(
    ("columns", "unit", "told"),
    [
        ({"currency": "EUR"}, "00000000-0000-4000-8000-000000000001", "5000 EUR"),
        ({"amount_cents": 2147483648}, "00000000-0000-4000-8000-000000000001", "2147483648 USD"),
        ({}, "u-1", "100000 USD"),
    ],
)
def test_what_their_tables_cannot_hold(
    owner: Owner, columns: dict[str, Any], unit: str, told: str
) -> None:
    if unit != "u-1":
        owner.unit(unit, None)
    columns = {"unit_id": unit, "amount_cents": 5000, **columns}
    owner.payment(**columns)
    with pytest.raises(psycopg.Error) as raised:
        owner.select("charge_backfill_script")
    diag = raised.value.diag
    assert diag.sqlstate == "DC001"
    assert diag.message_detail == f"the charge of renter r-1, unit {unit}, 2026-05 is {told}"
    assert (diag.message_hint or "").startswith("The tables of a rental application hold dollars")


def test_the_script_writes_what_the_run_writes(copied: Database) -> None:
    text = script(copied, SCRIPT)
    before = ends(copied)
    assert before[0] == before[1]
    carry_out(copied, text)
    copied.execute("CALL ledger.backfill_charges(p_tenant => %s)", (OWNER,))
    native, theirs = ends(copied)
    assert native == theirs
    assert (theirs - before[1]).total() == 1746
    refused(copied, text, "carried out before")
    left = script(copied, SCRIPT)
    assert left.endswith("\n\\echo 0 charges inserted")
    refused(copied, left)
