"""Every item of the cutover checklist in each of its states, and what leads on from there."""

from datetime import date
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.guidance.checklist import (
    ACTION_NEEDED,
    ITEMS,
    NOT_STARTED,
    PASSED,
    Cutover,
)
from tests.permissions.roles import Roles
from tests.service_periods.books import APRIL, AS_OF, FEBRUARY, JANUARY, MARCH

DECEMBER = date(2024, 12, 1)


def test_from_nothing_to_the_end(cutover: Cutover) -> None:
    """What leads on, run until nothing is left."""
    cutover.both_cadences()
    cutover.grant()
    assert [command.partition("(")[0] for command in cutover.follow_all()] == [
        f'duecourse cutover attest {cutover.tenant} 1 --note "the deployment is confirmed"',
        "duecourse run backfill",
        "CALL billing.generate_invoice",
        f'duecourse cutover attest {cutover.tenant} 7 --note "preview, invoice and history agree"',
        "CALL billing.generate_invoice",
        f'duecourse cutover attest {cutover.tenant} 8 --note "preview, invoice and history agree"',
        f'duecourse cutover attest {cutover.tenant} 9 --note "due work is the primary surface"',
        "CALL billing.reverse_invoice",
    ]
    assert {row["status"] for row in cutover.checklist().values()} == {PASSED}
    assert cutover.select("escalations") == []


def test_a_tenant_without_obligations(cutover: Cutover) -> None:
    items = cutover.checklist()
    absent = [("step", 7), ("step", 8), ("checklist", 5)]
    assert [item for item in ITEMS if items[item]["status"] == PASSED] == absent
    assert {items[item]["status"] for item in ITEMS if item not in absent} == {NOT_STARTED}
    assert items["step", 7]["evidence"] == "no contract-cadence obligation"
    assert items["step", 3]["evidence"] == "no active recurring obligation"


def test_a_ledger_without_rows(cutover: Cutover) -> None:
    cutover.line()
    items = cutover.checklist()
    for item in [("step", 3), ("step", 4), ("step", 5), ("checklist", 1), ("checklist", 2)]:
        assert items[item]["status"] == NOT_STARTED
        assert items[item]["evidence"] == "no row yet, for 1 schedules"
        assert cutover.words(items[item]["next_command"]) == "duecourse run backfill"
    assert items["step", 9]["status"] == NOT_STARTED
    assert items["step", 9]["evidence"] == "waits for step 1, 2, 3, 4, 5, 6, 8"


@pytest.mark.parametrize(
    ("argument", "sqlstate"),
    [
        ({"tenant": UUID(int=9)}, "DC002"),
        ({"tenant": None}, "DC001"),
        ({"as_of": None}, "DC001"),
        ({"as_of": "infinity"}, "DC001"),
    ],
)
def test_bad_input(cutover: Cutover, argument: dict[str, Any], sqlstate: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        cutover.select("cutover_checklist", **argument)
    assert raised.value.sqlstate == sqlstate


def test_only_who_may_view(cutover: Cutover, shared_roles: Roles) -> None:
    role = shared_roles.make("viewer")
    shared_roles.grant(cutover.tenant, role, "regenerate")
    read = "SELECT count(*) FROM billing.cutover_checklist(%s, %s)"
    with shared_roles.login(role) as login:
        with pytest.raises(psycopg.Error) as raised:
            login.execute(read, (cutover.tenant, AS_OF))
        assert raised.value.sqlstate == "42501"
        shared_roles.grant(cutover.tenant, role, "view")
        assert login.execute(read, (cutover.tenant, AS_OF)).fetchall() == [(16,)]


def test_the_deployment(cutover: Cutover) -> None:
    cutover.both_cadences()
    assert cutover.item("step", 1) == (
        NOT_STARTED,
        "not attested; obligations: 1 of client cadence, 1 of contract cadence",
    )
    cutover.follow("step", 1)
    last = cutover.attest(1, "seen again")
    row = cutover.checklist()["step", 1]
    assert row["status"] == PASSED
    assert {name: row[name] for name in last} == last


def test_the_permissions(cutover: Cutover, shared_roles: Roles) -> None:
    with cutover.database.transaction(force_rollback=True):
        assert cutover.item("step", 2) == (NOT_STARTED, "no role that exists holds a permission")
        assert cutover.follow("step", 2).startswith("CREATE ROLE billing_ops; CALL ")
        assert cutover.item("step", 2) == (PASSED, "all four are held, by billing_ops")
    role = shared_roles.make("gone")
    shared_roles.grant(cutover.tenant, role)
    assert cutover.item("step", 2)[0] == PASSED
    shared_roles.drop(role)
    assert cutover.item("step", 2)[0] == NOT_STARTED

    role = shared_roles.make("half of o'brien's")
    shared_roles.grant(cutover.tenant, role, "view", "regenerate")
    assert cutover.item("step", 2) == (
        ACTION_NEEDED,
        "held by no role that exists: manage_future, correct_history",
    )
    assert cutover.follow("step", 2).startswith("duecourse grant ")
    assert cutover.item("step", 2) == (PASSED, f"all four are held, by {role}")


def test_coverage(cutover: Cutover) -> None:
    line = cutover.line()
    cutover.call()
    reached = "all 1 schedules reach 2025-07-09 or their end"
    assert cutover.item("step", 3) == (PASSED, reached)
    assert cutover.item("checklist", 2) == (PASSED, reached)
    cutover.database.execute(
        "DELETE FROM billing.recurring_service_periods"
        " WHERE obligation_id = %s AND service_period_start >= %s",
        (line.obligation, FEBRUARY),
    )
    assert cutover.item("step", 3) == (
        ACTION_NEEDED,
        "1 of 1 schedules do not reach 2025-07-09, 0 of them escalated",
    )
    assert cutover.item("checklist", 2) == (
        ACTION_NEEDED,
        "1 of 1 schedules do not reach 2025-07-09, 1 of them end within 45 days, 0 are escalated",
    )
    assert cutover.item("step", 4)[0] == PASSED
    assert cutover.words(cutover.follow("checklist", 2)) == "duecourse run replenish"
    assert cutover.item("step", 3) == cutover.item("checklist", 2) == (PASSED, reached)


def test_coverage_behind_a_conflict(cutover: Cutover) -> None:
    """A conflict stops a backfill but not replenishing."""
    line = cutover.line()
    cutover.period(line, JANUARY, FEBRUARY, lifecycle_state="edited", invoice_window_start=AS_OF)
    items = cutover.checklist()
    assert items["step", 3]["evidence"].endswith("1 of them escalated")
    assert cutover.words(cutover.follow("step", 3)) == "duecourse run replenish"
    items = cutover.checklist()
    assert items["step", 3]["status"] == items["checklist", 2]["status"] == PASSED
    assert items["step", 5]["status"] == ACTION_NEEDED
    assert items["step", 5]["evidence"] == (
        "0 stale rows, 0 to replace them; conflicts: 1; 1 schedules escalated (override_conflict 1)"
    )
    assert cutover.words(cutover.follow("step", 5)) == "duecourse escalations"


def test_coverage_that_somebody_has_to_look_at(cutover: Cutover) -> None:
    gap, hole, broken, doubled = (cutover.line() for _ in range(4))
    cutover.billed(hole, JANUARY, FEBRUARY)
    cutover.billed(hole, MARCH, APRIL)
    cutover.call()
    cutover.database.execute(
        "DELETE FROM billing.recurring_service_periods"
        " WHERE obligation_id = %s AND service_period_start = %s",
        (gap.obligation, MARCH),
    )
    cutover.database.execute(
        "UPDATE billing.clients SET billing_cycle = 'lunar' WHERE client_id = %s", [broken.client]
    )
    cutover.insert(
        "billing.client_contracts",
        client_contract_id=cutover.new_id(),
        client_id=doubled.client,
        contract_id=doubled.contract,
        start_date=FEBRUARY,
    )
    status, evidence = cutover.item("step", 3)
    assert status == ACTION_NEEDED
    assert evidence.endswith(
        "; with gaps or overlaps: 2; not assessed, assignments that share a day: 1"
    )
    assert cutover.words(cutover.follow("step", 3)) == "duecourse escalations"


def test_days_that_nobody_billed_are_no_coverage(cutover: Cutover) -> None:
    line = cutover.line()
    for start, end in [(JANUARY, FEBRUARY), (MARCH, APRIL)]:
        cutover.billed(line, start, end)
    cutover.call()
    status, evidence = cutover.item("step", 3)
    assert status == ACTION_NEEDED
    assert evidence.endswith("; with gaps or overlaps: 1")
    assert cutover.words(cutover.follow("step", 3)) == "duecourse escalations"
    cutover.call(accept_escalations=cutover.summary()["plan_hash"])
    assert cutover.item("step", 3)[0] == PASSED


@pytest.mark.parametrize("item", [("step", 4), ("checklist", 1)])
def test_zero_future_rows(cutover: Cutover, item: tuple[str, int]) -> None:
    cutover.line()
    cutover.call()
    all_have = "schedules have rows after 2025-01-10, or end before"
    assert cutover.item(*item) == (PASSED, f"all 1 {all_have}")
    cutover.line()
    cutover.line(cutover.client("lunar"))
    assert cutover.item(*item) == (
        ACTION_NEEDED,
        "2 of 3 schedules have no row after 2025-01-10, 1 of them escalated",
    )
    assert cutover.words(cutover.follow(*item)) == "duecourse run backfill"
    assert cutover.item(*item)[1].startswith("1 of 3 schedules ")
    assert cutover.words(cutover.follow(*item)) == "duecourse escalations"
    cutover.database.execute(
        "UPDATE billing.clients SET billing_cycle = 'monthly' WHERE tenant = %s", [cutover.tenant]
    )
    cutover.follow(*item)
    assert cutover.item(*item) == (PASSED, f"all 3 {all_have}")


@pytest.mark.parametrize("item", [("step", 5), ("checklist", 3)])
def test_stale_rows(cutover: Cutover, item: tuple[str, int]) -> None:
    line = cutover.line()
    cutover.call()
    assert cutover.item(*item) == (PASSED, "0 stale rows, 0 to replace them")
    cutover.database.execute(
        "UPDATE billing.contract_lines SET billing_timing = 'arrears' WHERE contract_line_id = %s",
        [line.obligation],
    )
    assert cutover.item(*item) == (ACTION_NEEDED, "7 stale rows, 7 to replace them")
    assert cutover.words(cutover.follow(*item)) == "duecourse run regenerate"
    assert cutover.item(*item)[0] == PASSED


def test_due_work(cutover: Cutover) -> None:
    cutover.both_cadences()
    missing = "1 fallbacks left, of 1 schedules; 0 escalated; oldest window from 2025-01-01"
    items = cutover.checklist()
    assert items["step", 6]["evidence"] == "0 ledger rows, 1 fallbacks"
    assert items["checklist", 4]["evidence"] == (
        "client cadence: 0 ledger rows, 0 of them due now, 0 fallbacks; "
        "contract cadence: 0 ledger rows, 0 of them due now, 1 fallbacks"
    )
    assert items["checklist", 7]["evidence"] == missing
    for item in [("step", 6), ("checklist", 4), ("checklist", 7)]:
        assert items[item]["status"] == ACTION_NEEDED
        assert cutover.words(items[item]["next_command"]) == "duecourse run backfill"
    cutover.follow("checklist", 7)
    items = cutover.checklist()
    assert items["step", 6]["evidence"] == "14 ledger rows, 0 fallbacks"
    assert items["checklist", 7]["evidence"] == "no fallback in due work"
    for item in [("step", 6), ("checklist", 4), ("checklist", 7)]:
        assert items[item]["status"] == PASSED


def test_due_work_of_one_cadence(cutover: Cutover) -> None:
    line = cutover.line()
    assert cutover.item("step", 6) == (NOT_STARTED, "0 ledger rows, 0 fallbacks")
    cutover.call()
    status, evidence = cutover.item("checklist", 4)
    assert (status, evidence.split("; ")[1]) == (PASSED, "no contract-cadence obligation")
    cutover.line(line.client, FEBRUARY, owner="contract")
    assert cutover.item("step", 6)[0] == PASSED
    assert cutover.item("checklist", 4)[0] == ACTION_NEEDED
    assert cutover.words(cutover.follow("checklist", 4)) == "duecourse run backfill"
    assert cutover.item("checklist", 4)[0] == PASSED


def test_due_work_behind_an_escalation(cutover: Cutover) -> None:
    cutover.invoice(cutover.line(owner="contract"), DECEMBER, JANUARY)
    row = cutover.checklist()["checklist", 7]
    assert row["status"] == ACTION_NEEDED
    assert row["evidence"].startswith("1 fallbacks left, of 1 schedules; 1 escalated; ")
    assert cutover.words(row["next_command"]) == "duecourse escalations"
