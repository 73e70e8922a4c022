"""The periods of a cadence, counted on a calendar of Python's (semantics of boundaries)."""

import calendar
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

Span = tuple[date, date]

MONTHS = {
    "monthly": 1,
    "quarterly": 3,
    "semi-annually": 6,
    "semiannually": 6,
    "annually": 12,
    "annual": 12,
}
WEEKS = {"weekly": 1, "bi-weekly": 2}
_MONDAY = date(2001, 1, 1)


@dataclass(frozen=True)
class Cadence:
    """Periods of so many months or weeks; without an origin they count from where one asks."""

    months: int
    weeks: int
    origin: date | None

    def period(self, day: date, origin: date | None = None) -> Span:
        """Return the period around a day; origin: where those begin that have no anchor."""
        first = self.origin or origin or day
        if self.weeks:
            start = day - timedelta((day - first).days % (7 * self.weeks))
            return start, start + timedelta(7 * self.weeks)
        number = ((day.year - first.year) * 12 + day.month - first.month) // self.months
        if later(first, number * self.months) > day:
            number -= 1
        return later(first, number * self.months), later(first, (number + 1) * self.months)


def of_client(cycle: str, anchors: Mapping[str, Any]) -> Cadence:
    """Return the cadence of a client: its cycle and day, month, weekday and reference date."""
    if cycle == "weekly":
        weekday = anchors.get("day_of_week")
        return Cadence(0, 1, weekday and _MONDAY + timedelta(weekday - 1))
    if cycle == "bi-weekly":
        return Cadence(0, 2, anchors.get("reference_date"))
    months = MONTHS[cycle]
    month = ((anchors.get("month_of_year") or 1) - 1) % months + 1
    return Cadence(months, 0, date(2001, month, anchors.get("day_of_month") or 1))


def of_contract(frequency: str, start: date) -> Cadence:
    """Return the cadence of a contract that was assigned from a day on."""
    return Cadence(MONTHS[frequency], 0, start)


def later(day: date, months: int) -> date:
    """Return the day so many months later, or the last one of that month."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
