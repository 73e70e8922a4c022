"""Pages of due work: the documented order, whole at any size, also while the ledger changes."""

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tests.invoices.books import Billing
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, MARCH, Line, Row, fill

NAMES = ("Zoë", "zoë", "ZOË", "Same", "Same", "Ärger", "a", "B", "日本", "😀", "tab\there", 'q"')


def place(row: Row) -> tuple[Any, ...]:
    """Return the documented order of due work as something that sorts."""
    days = ("invoice_window_end", "invoice_window_start", "service_period_end")
    return (
        *(-row[day].toordinal() for day in (*days, "service_period_start")),
        row["client_name"],
        row["execution_identity_key"],
    )


def assert_in_order(rows: list[Row]) -> None:
    """Check that the order is the documented one, and total."""
    places = [place(row) for row in rows]
    assert places == sorted(places)
    assert len(set(places)) == len(places)


def mixture(books: Billing) -> None:
    """Rows and fallbacks of both cadences, of clients whose names are alike."""
    for number, name in enumerate(NAMES):
        client = books.named(name)
        owner = ("client", "contract")[number % 2]
        books.line(client, owner=owner, timing="arrears")
        line = books.line(client, owner=owner)
        books.period(line, JANUARY, FEBRUARY)
        books.period(line, FEBRUARY, MARCH)
        books.period(line, MARCH, APRIL, invoice_window_start=FEBRUARY, invoice_window_end=MARCH)
        books.cycles(client, JANUARY, FEBRUARY, MARCH, APRIL)


@pytest.mark.parametrize("due_only", [False, True])
@pytest.mark.parametrize("as_of", [FEBRUARY, MARCH])
def test_pages_make_up_the_whole(books: Billing, due_only: bool, as_of: date) -> None:
    mixture(books)
    whole = books.due(due_only=due_only, as_of=as_of)
    assert any(row["reason"] for row in whole)
    assert any(row["record_id"] for row in whole)
    assert_in_order(whole)
    for size in (1, 2, 7, len(whole) - 1, len(whole), 1000):
        assert list(books.pages("due_work", size, due_only=due_only, as_of=as_of)) == whole


def crowd(books: Billing, lines: int, names: Sequence[str] = NAMES[:8]) -> None:
    """Windows with many rows: two of three lines in arrears, of clients whose names are alike."""
    fill(books, lines)
    clients = [books.named(name) for name in names]
    books.database.execute(
        "UPDATE billing.client_contracts SET client_id = (%s::uuid[])[1 + abs(hashtext("
        " contract_id::text) %% cardinality(%s::uuid[]))] WHERE tenant = %s",
        (clients, clients, books.tenant),
    )
    books.call()
    # What was planned for the few rows of other tests is planned again.
    books.database.execute("ANALYZE")


@pytest.mark.parametrize("lines", [750, 751])
def test_windows_of_more_than_500_rows_are_in_the_same_order(books: Billing, lines: int) -> None:
    crowd(books, lines)
    books.line(books.named("Same"), owner="contract")
    whole = books.due(as_of=FEBRUARY)
    assert Counter(place(row)[:4] for row in whole).most_common(1)[0][1] == lines - lines // 3
    assert_in_order(whole)
    for size in (97, 1300):
        assert list(books.pages("due_work", size, as_of=FEBRUARY)) == whole
    due = [row for row in whole if row["due_state"] == "due"]
    assert list(books.pages("due_work", 130, as_of=FEBRUARY, due_only=True)) == due


def test_pages_hold_while_the_ledger_changes(books: Billing) -> None:
    """What was shown does not come back; nothing that stays is missed."""
    mixture(books)
    whole = books.due(as_of=MARCH)
    rest = [row["execution_identity_key"] for row in whole]
    shown: list[str] = []
    after = None
    for turn in range(100):
        page = books.due(as_of=MARCH, limit=2, after=after)
        if not page:
            break
        after = page[-1]["page_key"]
        shown += [row["execution_identity_key"] for row in page]
        early = books.line(books.named(f"First {turn}"))
        books.period(early, date(2026, 1, 1), date(2026, 2, 1))
        record = page[0]["record_id"]
        if record is not None:
            books.move(record, "archived")
            row = next(row for row in books.ledger() if row["record_id"] == record)
            line = Line(
                row["client_id"],
                row["client_id"],
                row["obligation_id"],
                row["cadence_owner"],
                row["due_position"],
                row["schedule_key"],
            )
            window = {name: row[name] for name in ("invoice_window_start", "invoice_window_end")}
            days = row["service_period_start"], row["service_period_end"]
            books.period(line, *days, revision=2, **window)
    assert shown == rest


def test_pages_hold_while_rows_before_the_place_go(books: Billing) -> None:
    crowd(books, 800)
    first = books.due(as_of=MARCH, limit=300)
    rest = [row["record_id"] for row in books.due(as_of=MARCH)[300:]]
    for row in first[:100]:
        books.move(row["record_id"], "skipped")
    after = books.due(as_of=MARCH, after=first[-1]["page_key"], limit=10_000)
    assert [row["record_id"] for row in after] == rest


def test_candidates_page_like_due_work(books: Billing) -> None:
    mixture(books)
    for due_only in (False, True):
        whole = books.candidates(as_of=FEBRUARY, due_only=due_only)
        places = [
            (
                -row["invoice_window_end"].toordinal(),
                -row["invoice_window_start"].toordinal(),
                row["client_name"],
                row["candidate_key"],
            )
            for row in whole
        ]
        assert places == sorted(set(places))
        for size in (1, 2, 7, len(whole)):
            pages = books.pages("invoice_candidates", size, as_of=FEBRUARY, due_only=due_only)
            assert list(pages) == whole


@pytest.mark.parametrize("lines", [60, 751])
def test_pages_of_candidates_are_whole(books: Billing, lines: int) -> None:
    """Window by window, of few rows each or of more than 500; some periods have no row."""
    crowd(books, lines)
    late = [books.line(books.named(name), owner="contract") for name in ("Same", "a")]
    books.period(late[0], JANUARY, FEBRUARY)
    whole = books.candidates(as_of=FEBRUARY)
    assert {row["fallback_count"] > 0 for row in whole} == {True, False}
    for size in (3, len(whole) // 2, len(whole)):
        assert list(books.pages("invoice_candidates", size, as_of=FEBRUARY)) == whole
    due = [row for row in whole if row["due_state"] == "due"]
    assert 0 < len(due) < len(whole)
    assert list(books.pages("invoice_candidates", 5, as_of=FEBRUARY, due_only=True)) == due
    after = whole[4]["page_key"]
    assert books.candidates(as_of=FEBRUARY, limit=1, after=after) == whole[5:6]


@pytest.mark.parametrize("reading", ["due_work", "invoice_candidates"])
def test_pages_of_what_is_searched_for(books: Billing, reading: str) -> None:
    """What few clients meet is found by them, what many meet window by window."""
    crowd(books, 751, ["Zoë", *(f"Same {number}" for number in range(130))])
    whole = books.select(reading, as_of=FEBRUARY)
    for search, least, most in (("ZO", 1, 1), ("e 1", 30, 41), ("SAME", 101, 130), ("no", 0, 0)):
        found = [row for row in whole if search.lower() in row["client_name"].lower()]
        assert least <= len({row["client_id"] for row in found}) <= most
        for size in (len(found) // 3 + 1, len(found) + 1):
            assert list(books.pages(reading, size, as_of=FEBRUARY, search=search)) == found
    client = whole[0]["client_id"]
    found = [row for row in whole if row["client_id"] == client]
    assert list(books.pages(reading, 2, as_of=FEBRUARY, client_id=client)) == found


def test_rows_that_tie_are_in_the_order_of_their_identity(books: Billing) -> None:
    """Of clients of one name, and by schedule key in turns: each client's rows are together."""
    clients = [books.named("Same"), books.named("Same")]
    for owner in ("contract", "client", "contract", "client"):
        for client in clients:
            books.period(books.line(client, owner=owner), JANUARY, FEBRUARY)
    whole = books.due()
    assert_in_order(whole)
    assert [(row["cadence_owner"], row["client_id"]) for row in whole] == [
        (owner, client) for owner in ("client", "contract") for client in clients for _ in range(2)
    ]
    assert list(books.pages("due_work", 1)) == whole
