"""What must hold of the days of every obligation at any moment, and of what a run has made."""

import re
from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date
from itertools import chain

from tests.invoices.days import Days, Life, Period, numbers, union
from tests.invoices.lives import lives, period_of
from tests.invoices.state import State, days_of
from tests.service_periods.books import Books

#: Reasons that no acceptance lets through.
FINAL = frozenset({"ambiguous_assignment", "disputed_history"})

_SPAN = re.compile(r"(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)")


@dataclass(frozen=True)
class Run:
    """How a run was called."""

    mode: str
    accepting: bool


@dataclass(frozen=True)
class Outlook:
    """What is said of each obligation at one moment.

    reasons: why it is escalated, with the days that this names; gaps: the days that are missed;
    rows: those that are live once the plan is carried out, what it escalates accepted.
    """

    as_of: date
    target: int
    reasons: dict[str, dict[str, Days]]
    gaps: dict[str, Days]
    rows: dict[str, list[Period]]


def look_ahead(books: Books, as_of: date, target: int) -> Outlook:
    """Ask for everything that is said of a tenant."""
    ask, given = books.database.execute, {"tenant": books.tenant, "as_of": as_of, "target": target}
    reasons: defaultdict[str, dict[str, Days]] = defaultdict(dict)
    for key, reason, detail in ask(
        "SELECT obligation_id::text, reason, detail"
        " FROM billing.escalations(%(tenant)s, %(as_of)s, %(target)s)",
        given,
    ):
        reasons[key][reason] = named(detail)
    gaps: defaultdict[str, Days] = defaultdict(set)
    # The check without its plan hashes, which take long.
    for key, start, end in ask(
        "SELECT obligation_id::text, gap_start, gap_end"
        " FROM billing._history_gaps(%(tenant)s, %(as_of)s)",
        given,
    ):
        gaps[key] |= numbers((start, end))
    rows: defaultdict[str, list[Period]] = defaultdict(list)
    for key, row in ask(
        "SELECT obligation_id::text, to_jsonb(row_after) FROM billing.plan_service_periods("
        " %(tenant)s, %(as_of)s, 'backfill', p_target_horizon_days => %(target)s,"
        " p_assume_accepted => true) WHERE action NOT IN ('conflict', 'supersede')",
        given,
    ):
        rows[key].append(period_of(row))
    return Outlook(as_of, target, reasons, gaps, rows)


def checked_gaps(books: Books, as_of: date) -> dict[str, Days]:
    """Return the days that verify misses, by obligation."""
    gaps: defaultdict[str, Days] = defaultdict(set)
    for key, detail in books.database.execute(
        "SELECT split_part(object_key, ':', 4), detail FROM billing.check_history_gap(%s, %s)",
        (books.tenant, as_of),
    ):
        gaps[key] |= named(detail)
    return gaps


def wrong_now(ahead: Outlook, state: State) -> Iterator[tuple[str, str]]:
    """Give what is wrong at any moment, by obligation.

    Every day of its spans from its first row on is taken by one live row, or will be by one that is
    planned. Days behind what is billed are named as a gap, and what cannot be planned escalates.
    """
    for key, life in lives(state).items():
        why = ahead.reasons.get(key, {})
        found = wrong_reasons(life, why)
        gap = life.gap() if life.spans and not life.is_ambiguous() else set()
        if ahead.gaps.get(key, set()) != gap:
            found.append(f"missed {show(ahead.gaps.get(key, set()))}, not {show(gap)}")
        then = replace(life, periods=ahead.rows.get(key, []))
        made = {row.key for row in then.periods} - {row.key for row in life.periods}
        found += wrong_days(life, ())
        if FINAL.isdisjoint(why):
            found += wrong_days(then, life.wanted(ahead.as_of, ahead.target))
            fence = None if why else life.boundary() or date.min
            for row in then.periods:
                if row.key in made:
                    found += wrong_row(then, row, fence)
        elif then.periods != life.periods:
            found.append(f"left alone, but {len(made)} rows are planned")
        yield from ((key, text) for text in found)


def judge(run: Run, ahead: Outlook, before: State, after: State) -> Iterator[tuple[str, str]]:
    """Give what is wrong after a run, by obligation."""
    earlier = lives(before)
    for key, life in lives(after).items():
        why, found = frozenset(ahead.reasons.get(key, ())), []
        if run.mode in ("backfill", "regenerate"):
            accepted = run.accepting and FINAL.isdisjoint(why)
            if accepted and why - ({"continuity_gap"} if life.holes() else set()):
                found.append(f"accepted, but escalated: {sorted(why)}")
            if accepted or not why:
                found += wrong_days(life, life.wanted(ahead.as_of, ahead.target))
        counted = run.mode != "replenish" and not run.accepting
        fence = (earlier[key].boundary() or date.min) if counted else None
        for row in life.periods:
            if row.key not in before.ledger and row.provenance != "user_edited":
                found += wrong_row(life, row, fence)
        yield from ((key, text) for text in found)


def wrong_reasons(life: Life, why: Mapping[str, Days]) -> list[str]:
    """Return which reasons stand without a cause, do not in spite of one, or name other days."""
    causes: dict[str, tuple[bool, Days]] = {}
    if life.spans:
        causes["ambiguous_assignment"] = life.is_ambiguous(), set()
    if life.spans or life.periods:
        disputed = union(numbers(detail.days) for detail in life.disputed())
        causes["disputed_history"] = bool(disputed), disputed
    if life.spans and FINAL.isdisjoint(why):
        causes["history_gap"] = bool(life.gap()), life.gap()
    return [
        f"{reason}: {show(days)}, but escalated: {[(name, show(why[name])) for name in why]}"
        for reason, (holds, days) in causes.items()
        if holds != (reason in why) or why.get(reason, days) != days
    ]


def named(text: str) -> Days:
    """Return the days that a text names."""
    return union(numbers(days_of(*ends)) for ends in _SPAN.findall(text))


def wrong_days(life: Life, wanted: Collection[int]) -> list[str]:
    """Return the days that no live row takes though one ought to, and those that two bill."""
    lost = {*wanted} - life.taken().keys()
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
