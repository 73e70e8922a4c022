"""What a plan or a run comes to, in the words of people: made, replaced, kept, left for people."""

from collections.abc import Mapping
from typing import Any

from duecourse.operations import Operation

Counts = Mapping[str, Any]


def counted(number: int, noun: str) -> str:
    """Return a number with what it counts."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def rows(chosen: Operation, counts: Counts) -> int:
    """Return how many rows of the ledger are written."""
    return sum(counts.get(name) or 0 for name in chosen.written)


def live_rows(chosen: Operation, counts: Counts) -> int:
    """Return how many live rows the plan has looked at."""
    return sum(counts.get(name) or 0 for name in chosen.live)


def for_people(chosen: Operation, counts: Counts) -> int:
    """Return how much is left for people."""
    return int(counts.get(f"{chosen.unit}s_escalated") or 0)


def lines(chosen: Operation, counts: Counts) -> list[tuple[str, int, str]]:
    """Return the marks, with how many rows, or schedules, and what becomes of these."""
    names, kept = chosen.kept
    told = [(mark, counts.get(name) or 0, what) for name, (mark, what) in chosen.written.items()]
    told.append(("=", sum(counts.get(name) or 0 for name in names), kept))
    left = for_people(chosen, counts)
    told.append(("!", left, f"{chosen.unit}{'' if left == 1 else 's'} for people"))
    return [line for line in told if line[1]]


def marks(chosen: Operation, counts: Counts) -> str:
    """Return what changes in one line, such as ``+ 39 made  = 128 kept``."""
    parts = [f"{mark} {number:,} {what}" for mark, number, what in lines(chosen, counts)]
    return "  ".join(parts) or "nothing to do"


def reach(chosen: Operation, counts: Counts) -> str:
    """Return how much of what there is changes."""
    noun, changing, every = chosen.changing
    some, whole = counts.get(changing) or 0, counts.get(every) or 0
    return f"{some:,} of {counted(whole, noun)} change{'s' if whole == 1 else ''}"


def written(chosen: Operation, counts: Counts, verb: str) -> str:
    """Return what was written, or would be, and how much of what."""
    number = rows(chosen, counts)
    if not number:
        return "nothing to write"
    parts = ", ".join(
        f"{counts[name]:,} {what}" for name, (_, what) in chosen.written.items() if counts.get(name)
    )
    return f"{counted(number, 'row')} {verb} ({parts})"


def left(chosen: Operation, counts: Counts, new: int | None) -> str:
    """Return what is left for people, how much of it is new, and how to see it; or nothing."""
    number = for_people(chosen, counts)
    if not number:
        return ""
    match new:
        case None:
            known = ""
        case 0:
            known = ", all known" if number > 1 else ", known"
        case _ if new >= number:
            known = ", all new" if number > 1 else ", new"
        case _:
            known = f", {new:,} of them new"
    return f"{counted(number, chosen.unit)} left for people{known}: {chosen.people}"


def total(every: list[Counts]) -> dict[str, int]:
    """Return counts added up, name by name."""
    names = {name: None for counts in every for name in counts}
    return {name: sum(counts.get(name) or 0 for counts in every) for name in names}
