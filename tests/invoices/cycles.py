"""Advancing billing cycles, and the cycles that a client then has."""

from datetime import date
from itertools import pairwise
from uuid import UUID

from tests.invoices.books import Billing
from tests.service_periods.books import AS_OF

DECEMBER = date(2024, 12, 1)
CYCLES = (
    "SELECT billing_profile_id, period_start_date, period_end_date, billing_cycle, effective_date,"
    " is_active FROM billing.client_billing_cycles WHERE tenant = %s AND client_id = %s"
    " ORDER BY billing_profile_id, period_start_date, is_active"
)
ROW_BY_ROW = (
    "SELECT md5(string_agg(t, ',' ORDER BY t)) FROM ("
    " SELECT r::text || r.xmin::text || r.ctid::text"
    " FROM billing.recurring_service_periods AS r UNION ALL"
    " SELECT c::text || c.xmin::text || c.ctid::text FROM billing.client_billing_cycles AS c"
    ") AS x (t)"
)


def advance(books: Billing, as_of: date = AS_OF, **arguments: object) -> tuple[int, int, str]:
    """Advance; give cycles, rows and status."""
    result = books.perform("advance_billing_cycles", as_of=as_of, **arguments)
    return result["o_cycles"], result["o_rows"], result["o_status"]


def cycles_of(books: Billing, client: UUID) -> list[tuple[date, date]]:
    """Return the dates of a client's active cycles."""
    return [
        (row["period_start_date"], row["period_end_date"])
        for row in books._query(CYCLES, client)
        if row["is_active"]
    ]


def chain(*boundaries: date) -> list[tuple[date, date]]:
    """Return the cycles between neighbouring boundaries."""
    return list(pairwise(boundaries))


def day(month: int, day_of_month: int = 1, year: int = 2025) -> date:
    """Return a day."""
    return date(year, month, day_of_month)
