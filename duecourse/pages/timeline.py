"""Timelines of schedules as SVG: one path a kind of period, whatever their number."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date

from duecourse import windows

#: By the class of its path, what a bar is called, and at which height it lies.
KINDS = {
    "billed": ("billed", 10),
    "due": ("due", 10),
    "generated": ("generated", 10),
    "kept": ("edited, skipped or locked", 10),
    "stays": ("kept", 10),
    "made": ("to be made", 10),
    "new": ("to be made in place of another", 10),
    "old": ("to be replaced", 18),
}
#: What is marked beneath the bars, or between them.
MARKS = {
    "gap": ("gap", 10),
    "overlap": ("overlap", 3),
    "people": ("left for people", 22),
}
SIGNS = KINDS | MARKS
#: Of these a report, and a saved plan.
OF_BOOKS = {kind: sign for kind, sign in SIGNS.items() if kind != "stays"}
OF_PLAN = {kind: SIGNS[kind] for kind in ("stays", "made", "new", "old", "people")}

HEIGHT = 25
#: A timeline is not drawn further from the day of the page than this many years; its text is.
_YEARS = 5
_TICKS = 9

Days = tuple[date, date]


@dataclass
class Timeline:
    """What lies when, in the order in which it came."""

    periods: dict[str, list[Days]] = field(default_factory=dict)

    def add(self, kind: str, start: date, end: date) -> None:
        """Add a period [start, end)."""
        self.periods.setdefault(kind, []).append((start, end))

    def paths(self) -> Iterator[tuple[str, str]]:
        """Yield the class and the data of a path a kind; a unit is a day."""
        for kind, (_, height) in SIGNS.items():
            if days := self.periods.get(kind):
                yield kind, _path(days, height)

    def told(self) -> Iterator[tuple[str, str, int, str]]:
        """Yield in words what is drawn: its class, its name, the number of periods, and when."""
        for kind, (name, _) in SIGNS.items():
            if days := self.periods.get(kind):
                yield kind, name, len(days), ", ".join(windows.text(*run) for run in _runs(days))

    def count(self, *kinds: str) -> int:
        """Return how many there are of some kinds."""
        return sum(len(self.periods.get(kind, ())) for kind in kinds)


def _path(days: Sequence[Days], height: int) -> str:
    """Return lines as long as the periods less a day, so that the next one is seen to begin."""
    parts = []
    pen = 0
    for start, end in days:
        length = max((end - start).days - 1, 1)
        left = start.toordinal()
        parts.append(f"m{left - pen} {0 if pen else height}h{length}")
        pen = left + length
    return "".join(parts)


def _runs(days: Iterable[Days]) -> Iterator[Days]:
    """Yield periods, those that follow on each other as one."""
    run: Days | None = None
    for start, end in sorted(days):
        if run and run[1] == start:
            run = (run[0], end)
            continue
        if run:
            yield run
        run = (start, end)
    if run:
        yield run


@dataclass(frozen=True)
class Axis:
    """The days that the timelines of a page show."""

    start: date
    end: date
    today: date

    @property
    def box(self) -> str:
        """The viewBox of a timeline."""
        return f"{self.start.toordinal()} 0 {(self.end - self.start).days} {HEIGHT}"

    @property
    def now(self) -> str:
        """The path of the line of the day of the page."""
        return f"m{self.today.toordinal()} 0v{HEIGHT}"

    def ticks(self) -> Iterator[tuple[str, str]]:
        """Yield the first days of some months, and how far from the left they lie, in percent."""
        months = range(_month(self.start) + 1, _month(self.end) + 1)
        step = next((step for step in (1, 2, 3, 6, 12, 24) if len(months) <= step * _TICKS), 24)
        for month in months:
            if month % step == 0:
                day = date(month // 12, month % 12 + 1, 1)
                part = (day - self.start).days / (self.end - self.start).days
                yield f"{day:%Y-%m}", f"{part:.1%}"


def axis(timelines: Iterable[Timeline], today: date) -> Axis:
    """Return the days that show timelines, as far as they are not years away."""
    first, last = date(today.year - _YEARS, 1, 1), date(today.year + _YEARS, 1, 1)
    starts, ends = [today], [date.fromordinal(today.toordinal() + 1)]
    for timeline in timelines:
        for days in timeline.periods.values():
            starts.append(max(min(start for start, _ in days), first))
            ends.append(min(max(end for _, end in days), last))
    return Axis(min(starts), max(ends), today)


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1


def issues(found: Iterable[dict[str, str]], into: Timeline) -> None:
    """Add the gaps and overlaps of a reading of coverage."""
    for issue in found:
        ends = sorted(date.fromisoformat(issue[name]) for name in ("previous_end", "next_start"))
        into.add(issue["kind"], *ends)
