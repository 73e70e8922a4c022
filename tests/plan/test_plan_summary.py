"""The plan in counts: how far it looks, and a mode that is none."""

import psycopg
import pytest

from tests.service_periods.books import Books


def test_a_horizon_names_how_far(books: Books) -> None:
    books.line(books.client("weekly"))
    counts = [books.summary(target_horizon_days=days)["backfilled"] for days in (46, 100, 6000)]
    assert counts == [8, 16, 859]
    limited = books.summary(target_horizon_days=6000, max_periods_per_schedule=858)
    assert limited["escalations"] == {"too_many_periods": 1}


@pytest.mark.parametrize("mode", [None, "", "Backfill", "retire"])
def test_a_mode_that_is_none(books: Books, mode: str | None) -> None:
    with pytest.raises(psycopg.Error) as raised:
        books.summary(mode)  # type: ignore[arg-type]
    assert raised.value.sqlstate == "DC001"
    assert (raised.value.diag.message_detail or "").startswith("p_mode is ")


def test_only_what_is_restless_meets_the_planner(books: Books) -> None:
    quiet = books.line(books.client("monthly"))
    books.call()
    books.line(books.client("weekly"))
    whole = books.summary()
    books.database.execute("ALTER FUNCTION billing._plan_restless RENAME TO hidden")
    assert books.summary() == whole
    assert (whole["schedules_nothing_to_do"], whole["schedules_written"]) == (1, 1)
    books.database.execute(
        "UPDATE billing.contract_lines SET billing_timing = 'arrears' WHERE contract_line_id = %s",
        (quiet.obligation,),
    )
    with pytest.raises(psycopg.errors.UndefinedFunction):
        books.summary()
