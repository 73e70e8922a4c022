"""What must hold of the days of every obligation after a run, and of the rows that it made."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from itertools import chain

from tests.invoices.days import Days, Life, Period, numbers
from tests.invoices.lives import lives
from tests.invoices.state import State
from tests.service_periods.books import Books

#: Reasons that no acceptance lets through.
FINAL = frozenset({"ambiguous_assignment", "disputed_history"})


@dataclass(frozen=True)
class Run:
    """How a run was called."""

    mode: str
    accepting: bool
    as_of: date
    target: int


def judge(
    run: Run, before: State, after: State, escalated: Mapping[str, Collection[str]]
) -> Iterator[tuple[str, str]]:
    """Give what is wrong after a run, by obligation; escalated: why some are left alone."""
    earlier = lives(before)
    for key, life in lives(after).items():
        why = frozenset(escalated.get(key, ()))
        found = wrong_reasons(life, why)
        if run.mode in ("backfill", "regenerate"):
            accepted = run.accepting and FINAL.isdisjoint(why)
            if accepted and why - ({"continuity_gap"} if life.holes() else set()):
                found.append(f"accepted, but escalated: {sorted(why)}")
            if accepted or not why:
                found += wrong_days(life, run.as_of, run.target)
        counted = run.mode != "replenish" and not run.accepting
        fence = (earlier[key].boundary() or date.min) if counted else None
        for row in life.periods:
            if row.key not in before.ledger and row.provenance != "user_edited":
                found += wrong_row(life, row, fence)
        yield from ((key, text) for text in found)


def reasons(books: Books, run: Run) -> dict[str, list[str]]:
    """Return why obligations are escalated after a run."""
    rows = books.database.execute(
        "SELECT obligation_id::text, array_agg(reason) FROM billing.escalations(%s, %s, %s)"
        " GROUP BY obligation_id",
        (books.tenant, run.as_of, run.target),
    ).fetchall()
    return dict(rows)


def unnamed_gaps(books: Books, run: Run, after: State) -> set[str]:
    """Return the obligations whose gaps verify does not name, or without cause."""
    rows = books.database.execute(
        "SELECT split_part(object_key, ':', 4) FROM billing.check_history_gap(%s, %s)",
        (books.tenant, run.as_of),
    ).fetchall()
    found = lives(after).items()
    gaps = {key for key, one in found if one.spans and not one.is_ambiguous() and one.gap()}
    return gaps ^ {key for (key,) in rows}


def wrong_reasons(life: Life, why: Collection[str]) -> list[str]:
    """Return which reasons stand without a cause, or do not in spite of one."""
    causes: dict[str, object] = {}
    if life.spans:
        causes["ambiguous_assignment"] = life.is_ambiguous()
    if life.spans or life.periods:
        causes["disputed_history"] = life.disputed()
    if life.spans and FINAL.isdisjoint(why):
        causes["history_gap"] = show(life.gap())
    return [
        f"{reason}: {cause}, but escalated: {sorted(why)}"
        for reason, cause in causes.items()
        if bool(cause) != (reason in why)
    ]


def wrong_days(life: Life, as_of: date, target: int) -> list[str]:
    """Return the days that no live row takes though one ought to, and those that two bill."""
    lost = life.wanted(as_of, target) - life.taken().keys()
    rows = (numbers(row.covered) for row in life.periods if row.state != "skipped")
    twice = {day for day, times in Counter(chain.from_iterable(rows)).items() if times > 1}
    return [f"{what}: {show(days)}" for what, days in (("lost", lost), ("twice", twice)) if days]


def wrong_row(life: Life, row: Period, fence: date | None) -> list[str]:
    """Return what is wrong with a row that a run has made.

    fence: where periods without an anchor count from, if their assignment began before; None: from
    anywhere.
    """
    assignment = life.assignment(row.covered[0])
    if assignment is None:
        return [f"{row.service} lies in no assignment"]
    cadence, first = life.cadence(assignment), row.service[0]
    if fence is None and row.whole and cadence.origin is None:
        first = row.whole[0]
    whole = cadence.period(row.service[0], max(assignment.start, fence) if fence else first)
    wanted = assignment.cut(row.service)
    window = cadence.period(whole[1], whole[0]) if life.timing == "arrears" else row.service
    found = []
    if (row.whole or row.service) != whole or (row.whole is None) != (row.service == whole):
        found.append(f"{row.service} is of {row.whole}, not {whole}")
    if life.days(row) != wanted:
        found.append(f"{row.service} takes {show(life.days(row))}, not {show(wanted)}")
    if row.window != window:
        found.append(f"{row.service} is invoiced in {row.window}, not {window}")
    if row.client != assignment.client:
        found.append(f"{row.service} is of another client")
    return found


def show(days: Days) -> str:
    """Return days as runs."""
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][1] == day:
            runs[-1][1] += 1
        else:
            runs.append([day, day + 1])
    return ", ".join("..".join(str(date.fromordinal(end)) for end in run) for run in runs)
