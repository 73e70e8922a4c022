"""Compatibility rows: periods that ought to have a ledger row and have none."""

from collections import Counter
from dataclasses import dataclass
from datetime import date
from typing import Any

import pytest

from tests.invoices.books import FALLBACK, Billing, identity
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Line, Row, fill

DECEMBER = date(2024, 12, 1)
MIDDLE = date(2025, 1, 20)


def keys(rows: list[Row]) -> list[str]:
    """Return the execution identities of some due work."""
    return [row["execution_identity_key"] for row in rows]


def test_a_fallback_of_advance_and_of_arrears(books: Billing) -> None:
    client = books.named("Client")
    advance, arrears = books.line(client), books.line(client, timing="arrears")
    january, february = books.cycles(client, JANUARY, FEBRUARY, MARCH)
    found = {
        (row["obligation_id"], row["billing_cycle_id"]): row["execution_identity_key"]
        for row in books.due()
    }
    assert found == {
        (advance.obligation, january): identity(advance, JANUARY, FEBRUARY),
        (advance.obligation, february): identity(advance, FEBRUARY, MARCH),
        (arrears.obligation, february): identity(arrears, JANUARY, FEBRUARY, (FEBRUARY, MARCH)),
    }
    assert {row["reason"] for row in books.due()} == {FALLBACK}
    assert not any(row["can_generate"] for row in books.due())


def test_a_backfill_turns_fallbacks_into_rows_of_the_same_identity(books: Billing) -> None:
    client = books.named("Client")
    books.line(client), books.line(client, timing="arrears")
    books.line(client, owner="contract"), books.line(client, owner="contract", timing="arrears")
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    before = books.due(as_of=FEBRUARY)
    assert len(before) == 2 + 1 + 2 + 1
    assert all(row["record_id"] is None for row in before)
    books.call(as_of=JANUARY)
    after = {row["execution_identity_key"]: row for row in books.due(as_of=FEBRUARY)}
    assert all(row["reason"] is None for row in after.values())
    same = ("schedule_key", "period_key", "invoice_window_start", "charge_family", "page_key")
    for row in before:
        assert [after[row["execution_identity_key"]][name] for name in same] == [
            row[name] for name in same
        ]


def test_cycles_that_make_no_fallback(books: Billing) -> None:
    client = books.named("Client")
    books.line(client)
    books.cycle(client, JANUARY, FEBRUARY, is_active=False)
    books.cycle(client, FEBRUARY, None)
    books.cycle(client, MARCH, MARCH)
    assert books.due() == []


def test_arrears_pair_with_the_adjacent_active_cycle_only(books: Billing) -> None:
    client = books.named("Client")
    line = books.line(client, DECEMBER, timing="arrears")
    books.cycle(client, DECEMBER, date(2024, 12, 31))
    books.cycle(client, DECEMBER, JANUARY, is_active=False)
    books.cycle(client, JANUARY, FEBRUARY)
    assert books.due() == []
    books.cycle(client, date(2024, 12, 15), JANUARY)
    (due,) = books.due()
    assert due["execution_identity_key"] == identity(
        line, date(2024, 12, 15), JANUARY, (JANUARY, FEBRUARY)
    )


@pytest.mark.parametrize(("end", "expected"), [(FEBRUARY, 1), (date(2025, 2, 2), 2), (JANUARY, 0)])
@pytest.mark.parametrize("owner", ["client", "contract"])
def test_the_end_of_an_obligation_is_exclusive(
    books: Billing, owner: str, end: date, expected: int
) -> None:
    client = books.named("Client")
    line = books.line(client, DECEMBER, end, owner=owner)
    books.billed(line, DECEMBER, JANUARY)
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    assert len(books.due(as_of=FEBRUARY)) == expected


def test_a_new_arrears_line_does_not_block_its_first_window(books: Billing) -> None:
    client = books.named("Client")
    books.priced(client, start=DECEMBER)
    books.call(as_of=DECEMBER)
    books.line(client, FEBRUARY, timing="arrears")
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    assert [row for row in books.due() if row["reason"]] == []
    assert books.generate(books.ledger()[0]["client_id"], (FEBRUARY, MARCH))["o_status"] == (
        "generated"
    )


@pytest.mark.parametrize("state", ["generated", "skipped", "locked", "edited", "billed"])
@pytest.mark.parametrize("owner", ["client", "contract"])
def test_any_live_row_on_its_days_serves_a_period(books: Billing, state: str, owner: str) -> None:
    line = books.line(owner=owner)
    books.cycle(line.client, JANUARY, FEBRUARY)
    in_state(books, line, (JANUARY, FEBRUARY), state)
    assert missing(books) == []


@pytest.mark.parametrize("state", ["generated", "skipped", "locked", "edited", "billed"])
@pytest.mark.parametrize("owner", ["client", "contract"])
def test_days_that_a_row_leaves_of_a_period(books: Billing, state: str, owner: str) -> None:
    """What was billed settles the days before it, of which nothing is known."""
    line = books.line(owner=owner)
    books.cycle(line.client, JANUARY, FEBRUARY)
    in_state(books, line, (date(2025, 1, 20), date(2025, 1, 25)), state)
    before = [] if state == "billed" else [identity(line, JANUARY, date(2025, 1, 20))]
    after = identity(line, date(2025, 1, 25), FEBRUARY)
    assert missing(books, as_of=date(2025, 1, 31)) == [after, *before]


@pytest.mark.parametrize("owner", ["client", "contract"])
def test_a_period_that_two_rows_share_is_served(books: Billing, owner: str) -> None:
    line = books.line(owner=owner)
    books.cycle(line.client, JANUARY, FEBRUARY)
    books.period(line, JANUARY, date(2025, 1, 20))
    books.period(line, date(2025, 1, 20), FEBRUARY)
    assert missing(books) == []


@dataclass(frozen=True)
class Act:
    """How the assignments of a line changed: dates, client, whether active; what is billed."""

    assignments: tuple[tuple[date, date | None, str, bool], ...]
    billed: tuple[tuple[date, date], ...] = ()


ACTS = {
    "renewed": Act(((JANUARY, MIDDLE, "one", True), (MIDDLE, None, "one", True))),
    "transferred": Act(((JANUARY, MIDDLE, "one", True), (MIDDLE, None, "other", True))),
    "transferred in between": Act(
        ((JANUARY, FEBRUARY, "one", True), (FEBRUARY, None, "other", True))
    ),
    "extended": Act(((JANUARY, None, "one", True),), ((JANUARY, MIDDLE),)),
    "with a hole": Act(
        ((JANUARY, None, "one", True),), ((JANUARY, FEBRUARY), (MARCH, APRIL))
    ),
    "with a hole in a period": Act(
        ((JANUARY, None, "one", True),), ((JANUARY, MIDDLE), (FEBRUARY, MARCH))
    ),
    "with a hole of an ended assignment": Act(
        ((JANUARY, FEBRUARY, "one", False), (FEBRUARY, None, "other", True)),
        ((JANUARY, MIDDLE), (FEBRUARY, MARCH)),
    ),
}  # fmt: skip


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
@pytest.mark.parametrize("owner", ["client", "contract"])
@pytest.mark.parametrize("timing", ["advance", "arrears"])
def test_a_changed_line_lacks_what_a_backfill_makes(
    books: Billing, act: Act, owner: str, timing: str
) -> None:
    """No day of it twice, none of another client's, and those of gaps, too."""
    clients = {name: books.named(name) for name in ("one", "other")}
    line = books.line(clients["one"], owner=owner, timing=timing)
    books.database.execute(
        "DELETE FROM billing.client_contracts WHERE tenant = %s", (books.tenant,)
    )
    for start, end, name, is_active in act.assignments:
        books.assign(line, start, end, client_id=clients[name], is_active=is_active)
    for client in clients.values():
        books.cycles(client, *(date(2025, month, 1) for month in range(1, 7)))
    for days in act.billed:
        books.billed(line, *days)
    whole = books.due(as_of=APRIL)
    assert list(books.pages("due_work", 1, as_of=APRIL)) == whole
    for client in clients.values():
        its_own = [row for row in whole if row["client_id"] == client]
        assert books.due(as_of=APRIL, client_id=client) == its_own
    before = {row["execution_identity_key"]: row for row in whole}
    assert len(before) == len(whole)
    assert {row["reason"] for row in whole} == {FALLBACK}
    books.call(as_of=APRIL)
    books.call(as_of=APRIL, accept_escalations=books.summary(as_of=APRIL)["plan_hash"])
    assert missing(books, as_of=APRIL) == []
    made = {row["execution_identity_key"]: row for row in books.due(as_of=APRIL)}
    assert before.keys() <= made.keys()
    due = {key for key, row in made.items() if row["invoice_window_start"] <= APRIL}
    assert due <= before.keys()


def in_state(books: Billing, line: Line, days: tuple[date, date], state: str) -> None:
    """Insert a ledger row in a state."""
    if state == "billed":
        books.billed(line, *days)
    else:
        books.period(line, *days, lifecycle_state=state)


def missing(books: Billing, **arguments: object) -> list[str]:
    """Return the execution identities of the fallbacks."""
    return keys([row for row in books.due(**arguments) if row["reason"]])


@pytest.mark.parametrize("state", ["superseded", "archived"])
@pytest.mark.parametrize("owner", ["client", "contract"])
def test_a_dead_row_serves_nothing(books: Billing, state: str, owner: str) -> None:
    line = books.line(owner=owner)
    books.cycle(line.client, JANUARY, FEBRUARY)
    books.period(line, JANUARY, FEBRUARY, lifecycle_state=state)
    (due,) = books.due()
    assert due["reason"] == FALLBACK


@pytest.mark.parametrize("owner", ["client", "contract"])
def test_an_edited_row_serves_its_slot_from_elsewhere(books: Billing, owner: str) -> None:
    line = books.line(owner=owner)
    books.cycle(line.client, JANUARY, FEBRUARY)
    books.period(
        line, MARCH, APRIL, period_key=f"period:{JANUARY}:{FEBRUARY}", lifecycle_state="edited"
    )
    other = books.line(line.client, owner="contract")
    assert [row["obligation_id"] for row in books.due() if row["reason"]] == [other.obligation]


@pytest.mark.parametrize("state", ["deferred", "skipped"])
@pytest.mark.parametrize("owner", ["client", "contract"])
def test_a_deferred_or_skipped_period_is_served(books: Billing, owner: str, state: str) -> None:
    line = books.line(owner=owner)
    books.cycle(line.client, JANUARY, FEBRUARY)
    books.call()
    record = books.ledger(line)[0]["record_id"]
    if state == "skipped":
        books.perform("skip_service_period", record_id=record, reason="free month")
    else:
        books.perform(
            "defer_service_period",
            record_id=record,
            invoice_window_start=MARCH,
            invoice_window_end=APRIL,
            reason="later",
        )
    assert [row for row in books.due() if row["reason"]] == []


def test_what_a_detail_bills_has_no_fallback(books: Billing) -> None:
    client = books.named("Client")
    line = books.line(client)
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    books.invoice(line, JANUARY, FEBRUARY)
    assert keys(books.due()) == [identity(line, FEBRUARY, MARCH)]


@pytest.mark.parametrize("end", [FEBRUARY, date(2025, 2, 5), date(2025, 3, 5)])
def test_a_detail_that_its_row_accounts_for_hides_no_other_days(books: Billing, end: date) -> None:
    """Its dates are a mismatch; the boundary is the end of the row."""
    client = books.named("Client")
    line = books.line(client)
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    linkage = books.invoice(line, JANUARY, end)
    books.period(line, JANUARY, FEBRUARY, lifecycle_state="billed", **linkage)
    assert keys(books.due()) == [identity(line, FEBRUARY, MARCH)]
    planned = books.select("plan_service_periods", mode="backfill")
    assert (FEBRUARY, "backfill") in [(r["service_period_start"], r["action"]) for r in planned]


def test_behind_the_billed_boundary_is_no_fallback(books: Billing) -> None:
    client = books.named("Client")
    line = books.line(client)
    books.cycles(client, JANUARY, FEBRUARY, MARCH, APRIL)
    books.billed(line, FEBRUARY, MARCH)
    assert keys(books.due()) == [identity(line, MARCH, APRIL)]


def test_beyond_the_horizon_is_no_fallback(books: Billing) -> None:
    client = books.named("Client")
    line = books.line(client)
    july, august = date(2025, 7, 9), date(2025, 7, 10)
    books.cycles(client, date(2025, 7, 8), july, august)
    assert keys(books.due()) == [identity(line, date(2025, 7, 8), july)]


def test_contract_cadence_falls_back_without_a_cycle(books: Billing) -> None:
    line = books.line(owner="contract", start=date(2025, 1, 8))
    arrears = books.line(owner="contract", timing="arrears", start=date(2025, 1, 8))
    second, third, fourth = (date(2025, month, 8) for month in (2, 3, 4))
    assert keys(books.due(as_of=date(2025, 1, 7))) == []
    assert keys(books.due(as_of=date(2025, 2, 7))) == [identity(line, date(2025, 1, 8), second)]
    due = books.due(as_of=third)
    assert set(keys(due)) == {
        identity(line, date(2025, 1, 8), second),
        identity(line, second, third),
        identity(line, third, fourth),
        identity(arrears, date(2025, 1, 8), second, (second, third)),
        identity(arrears, second, third, (third, fourth)),
    }
    assert {row["billing_cycle_id"] for row in due} == {None}
    assert {row["reason"] for row in due} == {FALLBACK}


@pytest.mark.parametrize("timing", ["advance", "arrears"])
def test_windows_of_short_months_are_found_on_a_page(books: Billing, timing: str) -> None:
    """From the 31st on: a window that begins on 28 February ends on 31 March."""
    line = books.line(owner="contract", timing=timing, start=date(2025, 1, 31))
    window = (date(2025, 2, 28), date(2025, 3, 31))
    service = window if timing == "advance" else (date(2025, 1, 31), date(2025, 2, 28))
    books.period(
        books.line(books.named("A first")),
        MARCH,
        APRIL,
        invoice_window_start=date(2025, 2, 27),
        invoice_window_end=date(2025, 3, 31),
    )
    (first, *_) = books.due(as_of=date(2025, 2, 28), limit=1)
    assert first["execution_identity_key"] == identity(line, *service, window)
    assert books.generate(line.client, window)["o_reason"] == FALLBACK


def test_a_transition_period_of_contract_cadence_falls_back(books: Billing) -> None:
    """Billed under another anchor up to the 20th: the days from there on have no row."""
    line = books.line(owner="contract")
    books.billed(line, JANUARY, date(2025, 1, 20))
    assert keys(books.due(as_of=date(2025, 1, 25))) == [identity(line, date(2025, 1, 20), FEBRUARY)]


def test_lines_that_are_no_obligation_have_no_fallback(books: Billing) -> None:
    for owner in ("client", "contract"):
        for column in ("is_active", "is_recurring"):
            changed: Any = {column: False}
            line = books.line(owner=owner, **changed)
            books.cycle(line.client, JANUARY, FEBRUARY)
        books.cycle(books.template(owner=owner).client, JANUARY, FEBRUARY)
    assert books.due() == []


@pytest.mark.parametrize("word", ["Semiannually", "ANNUAL"])
def test_other_spellings_of_a_contracts_frequency(books: Billing, word: str) -> None:
    line = books.line(owner="contract", frequency=word)
    end = date(2025, 7, 1) if word == "Semiannually" else date(2026, 1, 1)
    assert keys(books.due()) == [identity(line, JANUARY, end)]


@pytest.mark.parametrize("lines", [96, 126])
def test_many_schedules_without_rows(books: Billing, lines: int) -> None:
    """Few are planned one by one, many in one go: 48 of contract cadence, and 63."""
    fill(books, lines)
    found = Counter((row["due_position"], row["period_key"]) for row in books.due(as_of=FEBRUARY))
    assert found == {
        ("advance", "period:2025-01-01:2025-02-01"): lines // 6,
        ("advance", "period:2025-02-01:2025-03-01"): lines // 6,
        ("arrears", "period:2025-01-01:2025-02-01"): lines // 3,
    }
