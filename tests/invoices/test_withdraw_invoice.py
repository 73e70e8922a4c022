"""What deleting and reversing have in common: rows reopened, history kept, refusals."""

from uuid import uuid4

import pytest

from tests.concurrency.sessions import outcome, sessions
from tests.invoices.books import INVALID, LATE, WINDOW, Billing, refused
from tests.invoices.withdrawals import imported, invoiced, withdraw
from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, fingerprint

procedures = pytest.mark.parametrize("procedure", ["delete", "reverse"])


@procedures
def test_its_rows_are_due_again_under_the_same_identity(books: Billing, procedure: str) -> None:
    given = invoiced(books)
    untouched = [row for row in books.ledger() if row["lifecycle_state"] == "generated"]
    result = withdraw(books, procedure, given.invoice)
    assert result == {"o_status": f"{procedure}d", "o_rows": 2}
    assert given.again() == given.due
    locked = [row for row in books.ledger() if row["lifecycle_state"] == "locked"]
    assert {
        (row["invoice_id"], row["invoice_charge_id"], row["invoice_linked_at"]) for row in locked
    } == {(None, None, None)}
    assert [row for row in books.ledger() if row["lifecycle_state"] == "generated"] == untouched
    (candidate,) = books.candidates(due_only=True)
    assert (candidate["can_generate"], candidate["member_count"]) == (True, 2)


@procedures
def test_a_second_call_does_nothing(books: Billing, procedure: str) -> None:
    given = invoiced(books)
    withdraw(books, procedure, given.invoice)
    before = {
        name: sums for name, sums in fingerprint(books.database).items() if "lock" not in name
    }
    result = withdraw(books, procedure, given.invoice, "another reason")
    assert result == {"o_status": f"already_{procedure}d", "o_rows": 0}
    after = fingerprint(books.database)
    assert {name: after[name] for name in before} == before


@procedures
def test_it_is_invoiced_anew(books: Billing, procedure: str) -> None:
    given = invoiced(books)
    withdraw(books, procedure, given.invoice)
    again = books.generate(given.client)
    assert again["o_status"] == "generated"
    assert again["o_reason"] is None
    assert again["o_invoice_id"] != given.invoice
    for check in ("double_billed", "billed_linkage", "linkage_target", "detail_mismatch"):
        assert books.findings(check) == []
    assert withdraw(books, procedure, given.invoice)["o_rows"] == 0
    assert {state for *_, state in books.live(given.line)[:1]} == {"billed"}
    assert withdraw(books, procedure, again["o_invoice_id"])["o_rows"] == 2
    assert given.again() == given.due


@procedures
@pytest.mark.parametrize("mode", ["backfill", "regenerate", "replenish"])
def test_planning_leaves_reopened_rows_alone(books: Billing, procedure: str, mode: str) -> None:
    given = invoiced(books)
    withdraw(books, procedure, given.invoice)
    before = books.ledger()
    assert books.call(mode)["o_status"] == "nothing_to_do"
    assert books.ledger() == before
    books.call(mode, as_of=LATE)
    assert [row for row in books.ledger() if row["lifecycle_state"] == "locked"] == [
        row for row in before if row["lifecycle_state"] == "locked"
    ]


@procedures
def test_a_snapshot_is_kept(books: Billing, procedure: str) -> None:
    given = invoiced(books)
    header = books.header(given.invoice)
    withdraw(books, procedure, given.invoice)
    ((me,),) = books.database.execute("SELECT session_user").fetchall()
    ((reason, by, invoice, charges, details, rows),) = books.database.execute(
        "SELECT reason, withdrawn_by, invoice, charges, details, service_periods"
        " FROM billing.withdrawn_invoices WHERE tenant = %s",
        (books.tenant,),
    ).fetchall()
    assert (reason, by) == ("wrong price", me)
    assert invoice["total_cents"] == header["total_cents"] == 1500
    assert sorted(charge["total_price_cents"] for charge in charges) == [500, 1000]
    assert len(details) == 2
    assert {row["lifecycle_state"] for row in rows} == {"billed"}


@procedures
def test_an_imported_charge_of_several_details(books: Billing, procedure: str) -> None:
    line, linkage = imported(books, details=3)
    assert withdraw(books, procedure, linkage["invoice_id"])["o_rows"] == 1
    assert books.live(line) == [(*WINDOW, "locked")]
    assert books.generate(line.client)["o_status"] == "generated"
    assert books.findings("double_billed") == []


@procedures
def test_an_invoice_of_nothing_recurring(books: Billing, procedure: str) -> None:
    linkage = books.invoice(books.line())
    assert withdraw(books, procedure, linkage["invoice_id"])["o_rows"] == 0


@procedures
def test_days_without_a_row_keep_the_invoice(books: Billing, procedure: str) -> None:
    linkage = books.invoice(books.line(), *WINDOW)
    diagnosis = refused(books, f"{procedure}_invoice", invoice_id=linkage["invoice_id"], reason="r")
    assert diagnosis.sqlstate == "DC104"
    assert diagnosis.message_primary == "what the invoice billed cannot be reopened"
    assert (diagnosis.message_detail or "").startswith(f"invoice {linkage['invoice_id']}: ")
    assert "billing.escalations" in (diagnosis.message_hint or "")


@procedures
def test_days_of_another_line_keep_the_invoice(books: Billing, procedure: str) -> None:
    line, linkage = imported(books, details=1)
    books.insert(
        "billing.invoice_charge_details",
        invoice_charge_detail_id=books.new_id(),
        invoice_charge_id=linkage["invoice_charge_id"],
        contract_line_id=books.line(line.client).obligation,
        service_period_start=JANUARY,
        service_period_end=FEBRUARY,
    )
    diagnosis = refused(books, f"{procedure}_invoice", invoice_id=linkage["invoice_id"], reason="r")
    assert diagnosis.sqlstate == "DC104"


@procedures
@pytest.mark.parametrize("quarantined", [False, True])
def test_a_row_that_keeps_its_linkage_keeps_the_invoice(
    books: Billing, procedure: str, quarantined: bool
) -> None:
    """A billed row was archived, or was imported as linked although it is not billed."""
    line = books.priced()
    linkage = books.invoice(line, *WINDOW)
    state = {"lifecycle_state": "archived"}
    if quarantined:
        state = {"lifecycle_state": "generated", "quarantine_reason": "missing_linkage"}
    books.period(line, *WINDOW, **state, **linkage)
    diagnosis = refused(books, f"{procedure}_invoice", invoice_id=linkage["invoice_id"], reason="r")
    assert diagnosis.sqlstate == "DC104"
    assert "keeps its linkage" in (diagnosis.message_detail or "")


@procedures
@pytest.mark.parametrize(
    ("arguments", "detail"),
    [
        ({"tenant": None}, "p_tenant is null"),
        ({"invoice_id": None}, "p_invoice_id is null"),
        ({"reason": None}, "p_reason is null or blank"),
        ({"reason": " \t\n"}, "p_reason is null or blank"),
    ],
)
def test_bad_arguments(
    books: Billing, procedure: str, arguments: dict[str, object], detail: str
) -> None:
    given = invoiced(books)
    diagnosis = refused(
        books,
        f"{procedure}_invoice",
        **({"invoice_id": given.invoice, "reason": "r"} | arguments),
    )
    assert (diagnosis.sqlstate, diagnosis.message_primary) == ("DC001", INVALID)
    assert diagnosis.message_detail == detail


@procedures
def test_unknown_invoices(books: Billing, procedure: str) -> None:
    given = invoiced(Billing(books.database))
    for arguments, sqlstate in (
        ({"invoice_id": uuid4()}, "DC003"),
        ({"invoice_id": given.invoice}, "DC003"),
        ({"invoice_id": given.invoice, "tenant": uuid4()}, "DC002"),
    ):
        diagnosis = refused(books, f"{procedure}_invoice", reason="r", **arguments)
        assert diagnosis.sqlstate == sqlstate
        assert diagnosis.message_hint


@procedures
def test_two_sessions_withdraw_once(books: Billing, procedure: str, shared_dsn: str) -> None:
    given = invoiced(books)
    call = f"CALL billing.{procedure}_invoice('{books.tenant}', '{given.invoice}', 'r')"
    with sessions(shared_dsn) as (first, second):
        first.execute("BEGIN")
        assert first.execute(call) == [(f"{procedure}d", 2)]
        running = second.start(call)
        second.wait_until_blocked_by(first, books.database)
        first.execute("COMMIT")
        assert outcome(running) == "00000"
        assert running.result() == [(f"already_{procedure}d", 0)]


def test_what_is_billed_later_goes_on(books: Billing) -> None:
    given = invoiced(books)
    later = books.generate(given.client, (FEBRUARY, MARCH))
    withdraw(books, "reverse", given.invoice)
    states = [state for *_, state in books.live(given.line)[:2]]
    assert states == ["locked", "billed"]
    assert books.generate(given.client)["o_status"] == "generated"
    assert len(books.lines(later["o_invoice_id"])) == 2
