"""The rows of an obligation as JSON, as an investigation starts from them."""

from datetime import date

from tests.service_periods.books import FEBRUARY, JANUARY, MARCH, Books


def captured(books: Books, obligation: object) -> list[dict[str, object]]:
    ((rows,),) = books.database.execute(
        "SELECT billing.captured_rows(p_tenant => %s, p_obligation_id => %s)",
        (books.tenant, obligation),
    )
    return list(rows)


def test_live_rows_in_row_order(books: Books) -> None:
    line = books.line()
    second = books.period(line, FEBRUARY, MARCH)
    first = books.period(line, JANUARY, FEBRUARY)
    books.period(line, MARCH, date(2025, 4, 1), lifecycle_state="superseded")
    books.period(books.line(), JANUARY, FEBRUARY)
    rows = captured(books, line.obligation)
    assert [row["record_id"] for row in rows] == [str(first), str(second)]
    assert rows[0]["service_period_start"] == "2025-01-01"
    assert rows[0].keys() == books.ledger(line)[0].keys() - {"tenant"}


def test_none_without_rows_and_none_of_another_tenant(books: Books) -> None:
    other = Books(books.database)
    other.period(theirs := other.line(), JANUARY, FEBRUARY)
    assert captured(books, books.line().obligation) == captured(books, theirs.obligation) == []
    assert captured(books, None) == []
