"""Rent that tenancies lack as a psql script for the tables that the books were exported from."""

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
from tests.conftest import Database
from tests.rent import OWNER
from tests.scripts import carry_out, refused

PLAN = "plan_rent({}, '2026-11-20')"
SCRIPT = "rent_script({}, '2026-11-20')"


def test_after_a_change_nothing_is_written(undone: Database) -> None:
    text, given = script(undone, SCRIPT), scene(undone, PLAN)
    assert_refused_after(undone, text, CHANGES, given)


def test_what_decides_nothing_may_change(undone: Database) -> None:
    """Payments among it: rent is owed whether or not it is paid."""
    text, given = script(undone, SCRIPT), scene(undone, PLAN)
    coming = [change for change in PAYMENTS.values() if change.startswith("INSERT")]
    for change in (*HARMLESS, *coming, "DELETE FROM payments WHERE status = 'succeeded'"):
        befall(undone, change, given)
    carry_out(undone, text)


def test_months_that_have_begun(undone: Database) -> None:
    """Those through another day are another plan."""
    through = script(undone, "rent_script({}, '2026-11-20', '2027-01-02')")
    assert len(through) > len(script(undone, SCRIPT))
    carry_out(undone, through)
    [(last,)] = undone.execute("SELECT max(billing_period) FROM public.charges")
    assert last == "2027-01"


def test_the_script_writes_what_the_run_writes(copied: Database) -> None:
    text = script(copied, SCRIPT)
    before = ends(copied)
    assert before[0] == before[1]
    carry_out(copied, text)
    copied.execute("CALL ledger.post_rent(p_tenant => %s, p_as_of => '2026-11-20')", (OWNER,))
    native, theirs = ends(copied)
    assert native == theirs
    assert (theirs - before[1]).total() > 100
    refused(copied, text, "carried out before")
    left = script(copied, SCRIPT)
    assert left.endswith("\n\\echo 0 charges inserted")
    refused(copied, left)
