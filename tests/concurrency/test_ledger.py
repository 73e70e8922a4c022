"""Rule L1 under attack: two sessions write into one schedule at once; at most one commits."""

from collections.abc import Callable
from datetime import date
from itertools import product

import pytest

from tests.concurrency.sessions import LEVELS, Session, outcome
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, LEDGER, MARCH, Books, Line

Attack = Callable[[Books, Line], tuple[str, str]]


def adding(books: Books, line: Line, start: date, end: date, **columns: object) -> str:
    """Return the INSERT of a ledger row."""
    row = books.row(line, start, end, revision=books.new_id().int % 2**31) | columns
    values = ", ".join(f"'{value}'" for value in row.values())
    return f"INSERT INTO {LEDGER} ({', '.join(row)}) VALUES ({values})"


def releasing(books: Books, line: Line, start: date, end: date) -> str:
    """Return the UPDATE that takes a row out of quarantine."""
    record = books.period(line, start, end, quarantine_reason="overlap", revision=2)
    return f"UPDATE {LEDGER} SET quarantine_reason = NULL WHERE record_id = '{record}'"


def overlapping(books: Books, line: Line) -> tuple[str, str]:
    return adding(books, line, JANUARY, FEBRUARY), adding(books, line, date(2025, 1, 31), MARCH)


def same_slot(books: Books, line: Line) -> tuple[str, str]:
    slot = {"period_key": "s"}
    return adding(books, line, JANUARY, FEBRUARY, **slot), adding(books, line, MARCH, APRIL, **slot)


def sharing_a_day(books: Books, line: Line) -> tuple[str, str]:
    """Two parts of January: the 19th is in both."""
    return (
        adding(books, line, JANUARY, FEBRUARY, **active(1, 20)),
        adding(books, line, date(2025, 1, 2), FEBRUARY, **active(19, 31)),
    )


def sharing_no_day(books: Books, line: Line) -> tuple[str, str]:
    """Two parts of January, one from the day on which the other ends."""
    return (
        adding(books, line, JANUARY, FEBRUARY, **active(1, 20)),
        adding(books, line, date(2025, 1, 20), FEBRUARY),
    )


def active(first: int, end: int) -> dict[str, date]:
    """Return the activity window of some days of January."""
    days = date(2025, 1, first), date(2025, 1, end)
    return dict(zip(("activity_window_start", "activity_window_end"), days, strict=True))


def released(books: Books, line: Line) -> tuple[str, str]:
    return releasing(books, line, JANUARY, FEBRUARY), releasing(books, line, JANUARY, MARCH)


def released_and_added(books: Books, line: Line) -> tuple[str, str]:
    return releasing(books, line, JANUARY, FEBRUARY), adding(books, line, JANUARY, MARCH)


ATTACKS: list[Attack] = [overlapping, same_slot, sharing_a_day, released, released_and_added]


def guarded_rows(books: Books) -> int:
    return sum(row["quarantine_reason"] is None for row in books.ledger())


@pytest.fixture(params=ATTACKS, ids=lambda attack: attack.__name__)
def attack(request: pytest.FixtureRequest, books: Books) -> tuple[str, str]:
    statements: tuple[str, str] = request.param(books, books.line())
    return statements


@pytest.mark.parametrize("levels", list(product(LEVELS, LEVELS)), ids=" - ".join)
def test_the_second_waits_and_loses(
    books: Books, pair: list[Session], attack: tuple[str, str], levels: tuple[str, str]
) -> None:
    first, second = pair
    for session, level in zip(pair, levels, strict=True):
        session.begin(level)
    first.execute(attack[0])
    attempt = second.start(attack[1])
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(attempt) == ("23P01" if levels[1] == "READ COMMITTED" else "40001")
    second.execute("ROLLBACK")
    assert guarded_rows(books) == 1


@pytest.mark.parametrize("levels", list(product(LEVELS, LEVELS)), ids=" - ".join)
def test_the_second_waits_and_wins_if_the_first_gives_up(
    books: Books, pair: list[Session], attack: tuple[str, str], levels: tuple[str, str]
) -> None:
    first, second = pair
    for session, level in zip(pair, levels, strict=True):
        session.begin(level)
    first.execute(attack[0])
    attempt = second.start(attack[1])
    second.wait_until_blocked_by(first, books.database)
    first.execute("ROLLBACK")
    assert outcome(attempt) == "00000"
    second.execute("COMMIT")
    assert guarded_rows(books) == 1


@pytest.mark.parametrize("levels", list(product(LEVELS, LEVELS)), ids=" - ".join)
def test_a_snapshot_from_before_does_not_help(
    books: Books, pair: list[Session], attack: tuple[str, str], levels: tuple[str, str]
) -> None:
    first, second = pair
    for session, level in zip(pair, levels, strict=True):
        session.begin(level)
    first.execute(attack[0])
    first.execute("COMMIT")
    attempt = second.start(attack[1])
    assert outcome(attempt) == ("23P01" if levels[1] == "READ COMMITTED" else "40001")
    second.execute("ROLLBACK")
    assert guarded_rows(books) == 1


@pytest.mark.parametrize("levels", list(product(LEVELS, LEVELS)), ids=" - ".join)
def test_rows_of_one_period_that_share_no_day_come_in_both(
    books: Books, pair: list[Session], levels: tuple[str, str]
) -> None:
    first, second = pair
    one, other = sharing_no_day(books, books.line())
    for session, level in zip(pair, levels, strict=True):
        session.begin(level)
    first.execute(one)
    attempt = second.start(other)
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    if levels[1] == "READ COMMITTED":
        assert outcome(attempt) == "00000"
    else:
        assert outcome(attempt) == "40001"
        second.execute("ROLLBACK")
        second.begin(levels[1])
        second.execute(other)
    second.execute("COMMIT")
    assert guarded_rows(books) == 2


@pytest.mark.parametrize("level", LEVELS)
def test_two_tenants_do_not_wait_for_each_other(
    books: Books, pair: list[Session], level: str
) -> None:
    other = Books(books.database)
    for session, ledger in zip(pair, (books, other), strict=True):
        session.begin(level)
        session.execute(adding(ledger, ledger.line(), JANUARY, FEBRUARY))
    for session in pair:
        session.execute("COMMIT")
    assert guarded_rows(books) == guarded_rows(other) == 1


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_becomes_locked_is_not_deleted(
    books: Books, pair: list[Session], level: str
) -> None:
    record = books.period(books.line(), JANUARY, FEBRUARY)
    first, second = pair
    for session in pair:
        session.begin(level)
    first.execute(f"UPDATE {LEDGER} SET lifecycle_state = 'locked' WHERE record_id = '{record}'")
    attempt = second.start(f"DELETE FROM {LEDGER} WHERE record_id = '{record}'")
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    assert outcome(attempt) == ("DC303" if level == "READ COMMITTED" else "40001")


@pytest.mark.parametrize("level", LEVELS)
def test_a_row_that_becomes_locked_is_not_truncated(
    books: Books, pair: list[Session], level: str
) -> None:
    record = books.period(books.line(), JANUARY, FEBRUARY)
    pair[0].execute(f"BEGIN ISOLATION LEVEL {level}")
    pair[0].execute("SELECT count(*) FROM billing.clients")
    pair[1].execute(f"UPDATE {LEDGER} SET lifecycle_state = 'locked' WHERE record_id = '{record}'")
    assert outcome(pair[0].start(f"TRUNCATE {LEDGER} CASCADE")) == "DC303"


@pytest.mark.parametrize("levels", list(product(LEVELS, LEVELS)), ids=" - ".join)
@pytest.mark.parametrize("deleted_first", [True, False])
def test_a_replaced_row_stays_while_its_replacement_comes(
    books: Books, pair: list[Session], levels: tuple[str, str], deleted_first: bool
) -> None:
    line = books.line()
    old = books.period(line, JANUARY, FEBRUARY, lifecycle_state="superseded")
    new = adding(books, line, JANUARY, FEBRUARY)
    new = new.replace("source_rule_version)", "source_rule_version, supersedes_record_id)")
    statements = [f"DELETE FROM {LEDGER} WHERE record_id = '{old}'", f"{new[:-1]}, '{old}')"]
    if not deleted_first:
        statements.reverse()
    first, second = pair
    for session, level in zip(pair, levels, strict=True):
        session.begin(level)
    first.execute(statements[0])
    attempt = second.start(statements[1])
    second.wait_until_blocked_by(first, books.database)
    first.execute("COMMIT")
    refusal = "DC304" if deleted_first else "DC303"
    assert outcome(attempt) == (refusal if levels[1] == "READ COMMITTED" else "40001")
