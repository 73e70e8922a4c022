"""The cutover of adopted books: invoices are proved by what their own system does."""

from collections.abc import Callable
from uuid import UUID

import pytest

from tests.books import NORTHLIGHT
from tests.profiles.application import LINK, RELEASE
from tests.profiles.comparison import difference
from tests.profiles.conftest import Pair

CHECKLIST = "SELECT c.* FROM billing.cutover_checklist(%s, '2026-11-20') AS c"

Item = tuple[str, str, str | None]
Items = Callable[[], dict[str, Item]]


@pytest.fixture
def items(pair: Pair) -> Items:
    """Return what gives the checklist: item → status, evidence, next_command."""

    def read() -> dict[str, Item]:
        query = "SELECT kind || ' ' || number, status, evidence, next_command FROM"
        query += " billing.cutover_checklist(%s, '2026-11-20')"
        pair.adopted.execute("CALL billing.judge_ledger(%s)", (NORTHLIGHT,))
        found = pair.adopted.execute(query.encode(), (NORTHLIGHT,)).fetchall()
        return {name: (status, evidence, command) for name, status, evidence, command in found}

    return read


@pytest.fixture(scope="module")
def line(pair: Pair) -> UUID:
    """Return a line of the client's cadence that can be invoiced."""
    query = "SELECT r.obligation_id FROM billing.recurring_service_periods AS r WHERE r.tenant = %s"
    query += (
        " AND r.cadence_owner = 'client' GROUP BY 1 HAVING bool_and(r.quarantine_reason IS NULL)"
    )
    query += " AND count(*) FILTER (WHERE r.lifecycle_state = 'generated') > 2 ORDER BY 1 LIMIT 1"
    [(chosen,)] = pair.adopted.execute(query.encode(), (NORTHLIGHT,)).fetchall()
    found: UUID = chosen
    return found


def test_what_differs_from_a_native_checklist(pair: Pair) -> None:
    native, adopted = difference(*pair, CHECKLIST, (NORTHLIGHT,))
    for answers in (native, adopted):
        assert {",".join(answer.strip("(").split(",")[1:3]) for answer in answers} <= {
            "step,7", "step,8", "checklist,5", "checklist,6",
        }  # fmt: skip


def test_what_their_system_linked_is_evidence(items: Items) -> None:
    status, evidence, command = items()["step 8"]
    assert status == "action_needed"
    assert "client-cadence invoices linked by their system, the last is " in evidence
    assert evidence.endswith("; not attested")
    assert command is not None
    assert command.startswith(f"duecourse cutover attest {NORTHLIGHT} 8 --note ")


def test_an_attestation_after_it_passes(pair: Pair, items: Items) -> None:
    attest = "CALL billing.attest_cutover_step(%s, 8, 'preview, invoice and history agree')"
    pair.adopted.execute(attest.encode(), (NORTHLIGHT,))
    assert items()["step 8"][0] == "passed"


def test_an_invoice_more(pair: Pair, items: Items, line: UUID) -> None:
    def count() -> int:
        return int(items()["step 8"][1].partition(" ")[0])

    before = count()
    pair.adopted.execute(LINK.format(line=line).encode())
    assert count() == before + 1


def test_an_invoice_that_is_deleted_reopens_its_period(
    pair: Pair, items: Items, line: UUID
) -> None:
    def reopened() -> tuple[str, int]:
        status, evidence, _ = items()["checklist 6"]
        return status, int(evidence.partition(" ")[0])

    status, before = reopened()
    pair.adopted.execute(RELEASE.format(line=line).encode())
    assert reopened() == (status, before + 1)


def test_a_period_that_names_what_is_gone(pair: Pair, items: Items) -> None:
    status, evidence, command = items()["checklist 6"]
    assert status == "action_needed"
    assert evidence.endswith(" periods reopened; 1 still name what is gone")
    assert command is not None
    pair.adopted.execute(command.encode())
    assert items()["checklist 6"][0] == "passed"
