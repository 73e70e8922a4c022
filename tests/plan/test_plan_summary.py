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
