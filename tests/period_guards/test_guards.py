"""Each rule of the ledger broken once: refused, and by the guard that is there for it."""

import re
from collections.abc import Callable
from datetime import date
from typing import NamedTuple
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.period_guards.scene import Scene
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, LEDGER, MARCH

MAY, JUNE = date(2025, 5, 1), date(2025, 6, 1)
NOBODY = UUID(int=99)


class Rule(NamedTuple):
    """What breaks a rule, and how it is refused."""

    guard: str
    sqlstate: str
    break_it: Callable[[Scene], object]
    detail: str = ""
    hint: str = ""


def check(name: str, break_it: Callable[[Scene], object]) -> Rule:
    return Rule(f"{name}_check", "23514", break_it, "Failing row contains .*")


SUPERSEDE_FIRST = "Supersede or archive one of the two first."
REVISE = "Supersede the row and insert a new revision instead."
LINEAGE = "Supersede the row that is replaced first, then insert its replacement."
DECLARED = (
    "See billing.lifecycle_transition_allowed; linkage is set when a row becomes billed"
    " and cleared when it goes from billed back to locked."
)

RULES = {
    # L1
    "an insert overlaps": Rule(
        "guard_insert", "23P01", lambda s: s.period(date(2025, 1, 20), FEBRUARY),
        r"schedule:\S+: row \S+ covers days from 2025-01-20, row \S+ until 2025-02-01",
        SUPERSEDE_FIRST),
    "an insert covers a day of an activity window": Rule(
        "guard_insert", "23P01", lambda s: s.split(date(2025, 4, 20), date(2025, 4, 19)),
        r"schedule:\S+: row \S+ covers days from 2025-04-19, row \S+ until 2025-04-20",
        SUPERSEDE_FIRST),
    "an insert shares a slot": Rule(
        "guard_insert", "23P01", lambda s: s.insert(period_key="period:2025-02-01:2025-03-01",
                                                    revision=2),
        r"schedule:\S+: rows \S+ and \S+ are both live in period:2025-02-01:2025-03-01",
        SUPERSEDE_FIRST),
    "a row leaves quarantine too early": Rule(
        "guard_release", "23P01", lambda s: s.update(s.quarantined, quarantine_reason=None),
        r"schedule:\S+: row \S+ covers days from 2025-01-01, row \S+ until 2025-02-01",
        SUPERSEDE_FIRST),
    # L2
    "billed without an invoice": check(
        "billed_is_linked", lambda s: s.update(s.locked, lifecycle_state="billed")),
    "linked without being billed": check(
        "billed_is_linked", lambda s: s.insert(**s.books.invoice(s.line))),
    "linked to a part": check(
        "linkage_whole", lambda s: s.insert(
            lifecycle_state="billed",
            **s.books.invoice(s.line) | {"invoice_charge_detail_id": None})),
    "linked to a charge of another invoice": Rule(
        "charge_fkey", "23503", lambda s: s.insert(
            lifecycle_state="billed",
            **s.books.invoice(s.line) | {"invoice_id": s.books.invoice(s.line)["invoice_id"]}),
        r"Key \(tenant, invoice_id, invoice_charge_id\)=.* is not present .*"),
    "linked to a detail that does not exist": Rule(
        "detail_fkey", "23503", lambda s: s.insert(
            lifecycle_state="billed",
            **s.books.invoice(s.line) | {"invoice_charge_detail_id": NOBODY}),
        r"Key \(tenant, invoice_charge_id, invoice_charge_detail_id\)=.* is not present .*"),
    "a detail claimed twice": Rule(
        "one_claim_key", "23505", lambda s: s.insert(
            lifecycle_state="billed", **linkage_of(s, s.billed)),
        r"Key \(tenant, invoice_charge_detail_id\)=.* already exists.*"),
    # L3
    "a date changes": Rule(
        "guard_columns", "DC301", lambda s: s.update(s.generated, service_period_end=MARCH),
        r"row \S+, period:2025-01-01:2025-02-01", REVISE),
    "a state goes where it may not": Rule(
        "guard_transition", "DC302", lambda s: s.update(s.superseded, lifecycle_state="generated"),
        r"row \S+: from superseded \(unlinked\) to generated \(unlinked\)", DECLARED),
    "a billed row is linked anew": Rule(
        "guard_transition", "DC302", lambda s: s.update(s.billed, **s.books.invoice(s.line)),
        r"row \S+: from billed \(linked\) to billed \(linked\)", DECLARED),
    "a billed row is deleted": Rule(
        "guard_delete", "DC303", lambda s: s.delete(s.billed), r"row \S+ is billed",
        "Delete or reverse its invoice, or archive the row."),
    "a locked row is deleted": Rule(
        "guard_delete", "DC303", lambda s: s.delete(s.locked), r"row \S+ is locked",
        "Delete or reverse its invoice, or archive the row."),
    "the ledger is truncated": Rule(
        "guard_truncate", "DC303", lambda s: s.database.execute(f"TRUNCATE {LEDGER} CASCADE"),
        r"TRUNCATE .*", "Delete the rows that may go by name."),
    # L4
    "a replacement names a live row": Rule(
        "guard_insert", "DC304", lambda s: s.insert(supersedes_record_id=s.locked),
        r"row \S+ names \S+", LINEAGE),
    "a replacement names a row of another obligation": Rule(
        "guard_insert", "DC304", lambda s: s.insert(
            obligation_id=s.books.line().obligation, supersedes_record_id=s.superseded),
        r"row \S+ names \S+", LINEAGE),
    "a replacement names nothing": Rule(
        "guard_insert", "DC304", lambda s: s.insert(supersedes_record_id=NOBODY),
        r"row \S+ names \S+", LINEAGE),
    "a replaced row is deleted": Rule(
        "guard_delete", "DC303", lambda s: s.delete(s.superseded),
        r"row \S+ is replaced by row \S+", "Delete or reverse its invoice, or archive the row."),
    "a row replaces itself": check(
        "supersedes_other", lambda s: s.insert(record_id=NOBODY, supersedes_record_id=NOBODY,
                                               lifecycle_state="superseded")),
    # Shape
    "an id twice": Rule(
        "pkey", "23505", lambda s: s.insert(record_id=s.locked),
        r"Key \(tenant, record_id\)=.* already exists\."),
    "a revision twice": Rule(
        "revision_key", "23505", lambda s: s.insert(
            period_key="period:2025-01-01:2025-02-01", lifecycle_state="superseded"),
        r"Key \(tenant, hashtextextended\(schedule_key, .* revision\)=.* already exists\."),
    "revision 0": check("revision", lambda s: s.insert(revision=0)),
    "an unknown state": check("lifecycle_state", lambda s: s.insert(lifecycle_state="open")),
    "an unknown type": check("obligation_type", lambda s: s.insert(obligation_type="line")),
    "an unknown family": check("charge_family", lambda s: s.insert(charge_family="rent")),
    "an unknown cadence": check("cadence_owner", lambda s: s.insert(cadence_owner="moon")),
    "an unknown position": check("due_position", lambda s: s.insert(due_position="never")),
    "an unknown provenance": check("provenance_kind", lambda s: s.insert(provenance_kind="me")),
    "an unknown quarantine": check("quarantine", lambda s: s.insert(quarantine_reason="dull")),
    "an empty service period": check(
        "service_period", lambda s: s.insert(service_period_end=APRIL)),
    "a service period without end": check(
        "service_period", lambda s: s.insert(service_period_end="infinity")),
    "a service period without start": check(
        "service_period", lambda s: s.insert(service_period_start="-infinity",
                                            quarantine_reason="overlap")),
    "an empty invoice window": check(
        "invoice_window", lambda s: s.insert(invoice_window_end=APRIL)),
    "an invoice window without end": check(
        "invoice_window", lambda s: s.insert(invoice_window_end="infinity")),
    "half an activity window": check(
        "activity_window", lambda s: s.insert(activity_window_start=APRIL)),
    "an activity window outside": check(
        "activity_window", lambda s: s.insert(activity_window_start=APRIL,
                                              activity_window_end=JUNE)),
    "half a whole period": check("whole_period", lambda s: s.insert(whole_period_start=MARCH)),
    "a whole period of which the row is all": check(
        "whole_period", lambda s: s.insert(whole_period_start=APRIL, whole_period_end=MAY)),
    "a whole period elsewhere": check(
        "whole_period", lambda s: s.insert(whole_period_start=date(2025, 4, 2),
                                           whole_period_end=JUNE)),
}  # fmt: skip


def linkage_of(scene: Scene, record: UUID) -> dict[str, object]:
    """Return what a row is linked to."""
    row = scene.row_of(record)
    return {
        name: row[name]
        for name in (
            "invoice_id",
            "invoice_charge_id",
            "invoice_charge_detail_id",
            "invoice_linked_at",
        )
    }


@pytest.mark.parametrize("name", RULES)
def test_a_broken_rule_is_refused(scene: Scene, name: str) -> None:
    rule = RULES[name]
    with scene.refused(rule.sqlstate) as raised:
        rule.break_it(scene)
    diagnosis = raised.value.diag
    assert re.fullmatch(rule.detail, diagnosis.message_detail or "", re.DOTALL)
    assert (diagnosis.message_hint or "") == rule.hint


@pytest.mark.parametrize("name", RULES)
def test_without_its_guard_nothing_refuses(scene: Scene, name: str) -> None:
    rule = RULES[name]
    drop(scene.database, f"recurring_service_periods_{rule.guard}")
    rule.break_it(scene)


def drop(database: Database, guard: str) -> None:
    """Drop a guard of the ledger: a trigger, an index or a constraint."""
    if "_guard_" in guard:
        database.execute(f"DROP TRIGGER {guard} ON {LEDGER}")
    elif guard.endswith(("_one_claim_key", "_revision_key")):
        database.execute(f"DROP INDEX billing.{guard}")
    else:
        database.execute(f"ALTER TABLE {LEDGER} DROP CONSTRAINT {guard} CASCADE")


def test_every_guard_of_the_ledger_is_broken_here(shared_database: Database) -> None:
    rows = shared_database.execute(
        "SELECT conname FROM pg_constraint WHERE conrelid = %(ledger)s::regclass AND contype <> 'n'"
        " UNION SELECT tgname FROM pg_trigger WHERE tgrelid = %(ledger)s::regclass"
        " AND NOT tgisinternal"
        " UNION SELECT indexrelid::regclass::text FROM pg_index"
        " WHERE indrelid = %(ledger)s::regclass AND indisunique",
        {"ledger": LEDGER},
    )
    guards = {name.removeprefix("billing.") for (name,) in rows}
    assert guards == {f"recurring_service_periods_{rule.guard}" for rule in RULES.values()}


def test_what_a_row_must_have(scene: Scene) -> None:
    columns = scene.database.execute(
        "SELECT attname FROM pg_attribute WHERE attrelid = %s::regclass AND attnotnull"
        " AND attnum > 0",
        (LEDGER,),
    ).fetchall()
    for (column,) in columns:
        with scene.refused("23502"):
            scene.insert(**{column: None})


def test_two_rows_of_one_period_that_share_no_day(scene: Scene) -> None:
    scene.split(date(2025, 4, 20), date(2025, 4, 20))


def test_a_row_leaves_quarantine_when_its_days_are_free(scene: Scene) -> None:
    middle = date(2025, 4, 16)
    scene.period(APRIL, MAY, activity_window_start=APRIL, activity_window_end=middle)
    late = {"activity_window_start": middle, "activity_window_end": MAY}
    record = scene.period(date(2025, 4, 2), MAY, quarantine_reason="overlap", **late)
    scene.update(record, quarantine_reason=None)


@pytest.mark.parametrize("dates", [(JANUARY, JANUARY.replace(day=2)), (date(2024, 12, 1), JUNE)])
def test_no_overlap_whatever_its_shape(scene: Scene, dates: tuple[date, date]) -> None:
    with scene.refused("23P01"):
        scene.period(*dates)
