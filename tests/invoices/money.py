"""What single steps may change, to the cent."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from typing import Any

from tests.invoices.state import Row, State, covered, is_live
from tests.invoices.statement import Window, decide, exact_price, identity, price
from tests.service_periods.books import Books

Previews = dict[str, list[Row]]

_FALLBACKS = ("missing_service_period_materialization", "partially_materialized")
_LINKAGE = ("invoice_id", "invoice_charge_id", "invoice_charge_detail_id", "invoice_linked_at")


@dataclass(frozen=True)
class Call:
    """A preview, and the call of generate_invoice right after it."""

    window: Window
    as_of: date | None
    lines: list[Row]
    status: str
    reason: str | None
    invoice: str


def generate(books: Books, window: Window, as_of: date | None) -> Call:
    """Preview a window, then invoice it."""
    lines = books.select("preview_invoice", **_given(window, as_of))
    result = call(books, window, as_of)
    return Call(
        window, as_of, lines, result["o_status"], result["o_reason"], str(result["o_invoice_id"])
    )


def call(books: Books, window: Window, as_of: date | None) -> Row:
    """Invoice a window."""
    return books.perform("generate_invoice", **_given(window, as_of))


def _given(window: Window, as_of: date | None) -> Row:
    return {
        "client_id": window.client,
        "window_start": window.start,
        "window_end": window.end,
        "execution_identity_keys": window.keys and list(window.keys),
        "as_of": as_of,
    }


def assert_generated(before: State, after: State, call: Call) -> None:
    """Assert that a call ended as the statement says, and wrote what its preview said."""
    status, reason, rows = decide(before, call.window, call.as_of)
    if call.reason in _FALLBACKS:
        assert call.status == "refused"
    else:
        assert (call.status, call.reason) == (status, reason)
    if call.status != "generated":
        assert before == after
        assert call.lines == []
        invoiced = call.status == "already_invoiced"
        assert call.invoice in (before["invoices"] if invoiced else ["None"])
        return
    assert {str(line["record_id"]) for line in call.lines} == {row["record_id"] for row in rows}
    for line in call.lines:
        old, new = before.ledger[str(line["record_id"])], after.ledger[str(line["record_id"])]
        charge = after["invoice_charges"][new["invoice_charge_id"]]
        assert line["total_price_cents"] == price(before, old)
        assert line["execution_identity_key"] == identity(before, old)
        assert (line["service_period_start"], line["service_period_end"]) == covered(old)
        for name in ("description", "quantity", "unit_price_cents", "total_price_cents"):
            assert charge[name] == line[name]
        assert (new["lifecycle_state"], new["invoice_id"]) == ("billed", call.invoice)
        assert without_linkage(new) == without_linkage(old)
    assert_only(before, after, {str(line["record_id"]) for line in call.lines})


def assert_withdrawn(
    books: Books, before: State, after: State, invoice: str, result: Mapping[str, Any]
) -> None:
    """Assert that the rows of a withdrawn invoice are locked, and due under their identities."""
    rows = [row for row in before.ledger.values() if row["invoice_id"] == invoice]
    assert result["o_rows"] == len(rows)
    assert_only(before, after, {row["record_id"] for row in rows})
    if result["o_status"].startswith("already"):
        assert before == after
    due = {
        (str(row["record_id"]), row["execution_identity_key"])
        for row in (books.select("due_work") if rows else [])
    }
    for row in rows:
        now = after.ledger[row["record_id"]]
        assert (now["lifecycle_state"], now["invoice_id"]) == ("locked", None)
        assert without_linkage(now) == without_linkage(row)
        assert (row["record_id"], identity(before, row)) in due


def assert_revised(before: State, after: State, row: Row) -> None:
    """Assert that an edit changed its row alone, and left at most one live row in its place."""
    assert_only(before, after, {row["record_id"]})
    made = [new for key, new in after.ledger.items() if key not in before.ledger]
    assert not is_live(after.ledger[row["record_id"]])
    assert len(made) <= 1
    for new in made:
        assert (new["schedule_key"], new["period_key"]) == (row["schedule_key"], row["period_key"])
        assert new["supersedes_record_id"] == row["record_id"]
    for table in ("invoices", "invoice_charges", "invoice_charge_details"):
        assert before[table] == after[table]


def assert_run(before: State, after: State) -> None:
    """Assert that a run left what is not its own."""
    for key, row in before.ledger.items():
        if row["lifecycle_state"] != "generated":
            assert after.ledger[key] == row
    for table in ("invoices", "invoice_charges", "invoice_charge_details"):
        assert before[table] == after[table]


def assert_only(before: State, after: State, changed: set[str]) -> None:
    """Assert that no other ledger row has changed."""
    for key, row in before.ledger.items():
        assert key in changed or after.ledger[key] == row


def assert_sums(state: State, previews: Previews) -> None:
    """Assert that every invoice that is kept, or was withdrawn, says what its preview said."""
    withdrawn = {row["invoice_id"]: row["invoice"] for row in state["withdrawn_invoices"].values()}
    for key, lines in previews.items():
        invoice = state["invoices"].get(key) or withdrawn[key]
        assert invoice["total_cents"] == sum(line["total_price_cents"] for line in lines)
    made = state["invoices"].keys() - state.imported()
    assert made | withdrawn.keys() == previews.keys()


def assert_days_add_up(state: State) -> None:
    """Assert that the days billed of each line, at its price, are what its invoices say.

    Each row is right to the cent, all of them to half a cent a row.
    """
    rows = {row["invoice_charge_detail_id"]: row for row in state.ledger.values()}
    rounded: defaultdict[str, list[Fraction]] = defaultdict(list)
    for detail in state.counting():
        row = rows.get(detail["invoice_charge_detail_id"])
        if row:
            total = state["invoice_charges"][detail["invoice_charge_id"]]["total_price_cents"]
            assert total == price(state, row), (covered(row), total, price(state, row))
            rounded[row["obligation_id"]].append(total - exact_price(state, row))
    for key, parts in rounded.items():
        assert 2 * abs(sum(parts, Fraction(0))) <= len(parts), key


def without_linkage(row: Row) -> Row:
    """Return a ledger row without what linking it changes."""
    changing = (*_LINKAGE, "lifecycle_state", "updated_at")
    return {name: value for name, value in row.items() if name not in changing}
