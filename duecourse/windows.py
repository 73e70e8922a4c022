"""Windows and periods as people write them: 2026-09, 2026-09..11, or 2026-09-15..10-15.

Months are whole, the last included; of days the last is the first that no longer belongs to it, as
everywhere in the ledger.
"""

import re
from datetime import date

_MONTHS = re.compile(r"(\d{4})-(\d\d)(?:\.\.(?:(\d{4})-)?(\d\d))?")
_DAYS = re.compile(r"(\d{4})-(\d\d)-(\d\d)\.\.(?:(\d{4})-)?(\d\d)-(\d\d)")


def text(start: date, end: date) -> str:
    """Return a window [start, end) in as few characters as say it."""
    if (start.day, end.day) != (1, 1):
        return f"{start}..{str(end)[5:] if end.year == start.year else end}"
    last = date(end.year - (end.month == 1), (end.month - 2) % 12 + 1, 1)
    if last == start:
        return str(start)[:7]
    return f"{str(start)[:7]}..{str(last)[5 if last.year == start.year else 0 : 7]}"


def of_texts(start: str, end: str) -> str:
    """Return a window whose ends come as JSON has them."""
    return text(date.fromisoformat(start), date.fromisoformat(end))


def parse(given: str) -> tuple[date, date]:
    """Read a window; raise ValueError unless it has a day."""
    if found := _MONTHS.fullmatch(given):
        year, month, other_year, other_month = found.groups()
        last = date(int(other_year or year), int(other_month or month), 1)
        start = date(int(year), int(month), 1)
        end = date(last.year + last.month // 12, last.month % 12 + 1, 1)
    elif found := _DAYS.fullmatch(given):
        year, month, day, other_year, *other = found.groups()
        start = date(int(year), int(month), int(day))
        end = date(int(other_year or year), *map(int, other))
    else:
        raise ValueError(given)
    if end <= start:
        raise ValueError(given)
    return start, end
