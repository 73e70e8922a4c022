"""Steps 7 to 9 and what the checklist says of invoices made and taken back."""

from uuid import UUID

import pytest

from tests.guidance.checklist import ACTION_NEEDED, NOT_STARTED, PASSED, Cutover
from tests.service_periods.books import FEBRUARY, JANUARY, LEDGER, Line

NOT_YET = "no recurring invoice reversed or deleted yet"
CADENCES = pytest.mark.parametrize(("step", "owner"), [(7, "contract"), (8, "client")])


def ready(cutover: Cutover, owner: str) -> Line:
    """Add a line of a cadence, due in January."""
    line = cutover.line(owner=owner, unit_price_cents=10_000)
    cutover.call()
    return line


@CADENCES
def test_an_invoice_end_to_end(cutover: Cutover, step: int, owner: str) -> None:
    ready(cutover, owner)
    none = f"no {owner}-cadence invoice generated yet"
    one = f"1 {owner}-cadence invoices generated, the last is DC-"
    assert cutover.item("step", step) == (NOT_STARTED, f"{none}; not attested")
    assert cutover.follow("step", step).startswith("CALL billing.generate_invoice(")
    status, evidence = cutover.item("step", step)
    assert (status, evidence[: len(one)]) == (ACTION_NEEDED, one)
    assert evidence.endswith("; not attested")
    cutover.follow("step", step)
    assert cutover.item("step", step)[0] == PASSED


@CADENCES
def test_an_attestation_before_the_invoice(cutover: Cutover, step: int, owner: str) -> None:
    ready(cutover, owner)
    cutover.attest(step)
    assert cutover.item("step", step) == (
        ACTION_NEEDED,
        f"no {owner}-cadence invoice generated yet; attested before there was one",
    )
    cutover.follow("step", step)
    status, evidence = cutover.item("step", step)
    assert (status, evidence.split("; ")[1]) == (ACTION_NEEDED, "attested before there was one")
    cutover.follow("step", step)
    assert cutover.item("step", step)[0] == PASSED


@CADENCES
def test_nothing_to_invoice(cutover: Cutover, step: int, owner: str) -> None:
    cutover.line(start=FEBRUARY, owner=owner)
    command = cutover.follow("step", step)
    assert cutover.words(command) == "duecourse due-work --due-only"


def test_imported_invoices_prove_nothing(cutover: Cutover) -> None:
    cutover.billed(cutover.line(owner="contract"), JANUARY, FEBRUARY)
    assert cutover.item("step", 7)[0] == cutover.item("checklist", 5)[0] == NOT_STARTED


def test_a_contract_cadence_window(cutover: Cutover) -> None:
    line = ready(cutover, "contract")
    assert cutover.item("checklist", 5)[0] == NOT_STARTED
    cutover.follow("checklist", 5)
    assert cutover.item("checklist", 5)[0] == PASSED
    assert cutover.live(line)[0] == (JANUARY, FEBRUARY, "billed")


@pytest.mark.parametrize("withdrawal", ["reverse", "delete"])
def test_an_invoice_taken_back(cutover: Cutover, withdrawal: str) -> None:
    line = ready(cutover, "client")
    assert cutover.item("checklist", 6) == (NOT_STARTED, NOT_YET)
    assert cutover.follow("checklist", 6).startswith("CALL billing.generate_invoice(")
    if withdrawal == "reverse":
        assert cutover.follow("checklist", 6).startswith("CALL billing.reverse_invoice(")
    else:
        [invoice] = {row["invoice_id"] for row in cutover.ledger(line)} - {None}
        cutover.perform("delete_invoice", invoice_id=invoice, reason="trial")
    back = "1 invoices withdrawn; of their 1 periods {} are lost"
    assert cutover.item("checklist", 6) == (PASSED, back.format(0))
    assert cutover.item("step", 8)[0] == ACTION_NEEDED
    record = locked(cutover, line)
    cutover.perform("archive_service_period", record_id=record, reason="wrong line")
    assert cutover.item("checklist", 6) == (ACTION_NEEDED, back.format(1))
    half = {"activity_window_start": JANUARY, "activity_window_end": JANUARY.replace(day=15)}
    part = cutover.period(line, JANUARY, FEBRUARY, revision=2, **half)
    assert cutover.item("checklist", 6) == (ACTION_NEEDED, back.format(1))
    cutover.perform("archive_service_period", record_id=part, reason="only half of it")
    assert cutover.words(cutover.follow("checklist", 6)) == "duecourse verify"
    cutover.call()
    assert cutover.live(line)[0] == (JANUARY, FEBRUARY, "generated")
    assert cutover.item("checklist", 6) == (PASSED, back.format(0))

    cutover.database.execute("SET session_replication_role = replica")
    cutover.database.execute(f"DELETE FROM {LEDGER} WHERE obligation_id = %s", [line.obligation])
    cutover.database.execute("RESET session_replication_role")
    assert cutover.item("checklist", 6) == (ACTION_NEEDED, back.format(1))


def test_an_invoice_of_nothing_recurring_taken_back(cutover: Cutover) -> None:
    invoice = cutover.invoice(ready(cutover, "client"))["invoice_id"]
    cutover.perform("reverse_invoice", invoice_id=invoice, reason="trial")
    assert cutover.item("checklist", 6) == (NOT_STARTED, NOT_YET)
    cutover.perform("delete_invoice", invoice_id=invoice, reason="trial")
    assert cutover.item("checklist", 6) == (NOT_STARTED, NOT_YET)


def test_a_period_of_an_invoice_withdrawn_twice_counts_once(cutover: Cutover) -> None:
    line = ready(cutover, "client")
    cutover.follow("checklist", 6)
    [invoice] = {row["invoice_id"] for row in cutover.ledger(line)} - {None}
    for procedure in ("reverse_invoice", "delete_invoice"):
        cutover.perform(procedure, invoice_id=invoice, reason="trial")
        assert cutover.item("checklist", 6) == (
            PASSED,
            "1 invoices withdrawn; of their 1 periods 0 are lost",
        )


def locked(cutover: Cutover, line: Line) -> UUID:
    """Return the one locked row of a line."""
    [record] = [
        row["record_id"] for row in cutover.ledger(line) if row["lifecycle_state"] == "locked"
    ]
    return UUID(str(record))


def test_the_last_step(cutover: Cutover) -> None:
    """It waits for the others, and has to be attested after them."""
    cutover.grant()
    ready(cutover, "contract")
    waits = "waits for step 1, 7"
    assert cutover.item("step", 9) == (NOT_STARTED, waits)
    cutover.attest(9)
    assert cutover.item("step", 9) == (ACTION_NEEDED, waits)
    for _ in ("attest 1", "generate", "attest 7"):
        assert cutover.item("step", 9)[1].startswith("waits for step ")
        cutover.follow("step", 9)
    early = "attested before the step that was attested last"
    assert cutover.item("step", 9) == (ACTION_NEEDED, early)
    cutover.follow("step", 9)
    assert cutover.item("step", 9) == (PASSED, "steps 1 to 8 are passed")

    cutover.line(owner="contract")
    assert cutover.item("step", 9) == (ACTION_NEEDED, "waits for step 3, 4, 6")
    cutover.follow("step", 9)
    assert cutover.item("step", 9)[0] == PASSED
