"""How a life came out, in words.

``python -m tests.plan.stories [id …]`` tells how many come out as expected, and the others by kind.
"""

import sys
from collections import defaultdict
from collections.abc import Iterator
from difflib import ndiff
from itertools import chain

import psycopg

from duecourse import embedded, migrate
from tests.plan.lives import Life, lives, load, run
from tests.service_periods.books import Row


def story(life: Life, got: Row) -> str:
    """Tell how a life came out otherwise: what it is, and what differs; nothing when it did not."""
    told = ndiff(list(_answer(life.expected)), list(_answer(got)))
    changed = [line for line in told if line[0] in "+-"]
    return "\n".join([*_beginning(life), *changed]) if changed else ""


def kinds(life: Life, got: Row) -> set[str]:
    """Return what differs: names of fields, and whether rows lack or are too many."""
    wanted, there = (
        {(*row["service_period"], row["period_key"]): row for row in answer["live_rows"]}
        for answer in (life.expected, got)
    )
    found = {
        key
        for slot in wanted.keys() & there.keys()
        for key, value in wanted[slot].items()
        if there[slot][key] != value
    }
    named = {
        "escalated": got["escalated"] != life.expected["escalated"],
        "a second run does more": "left_to_do" in got,
        "rows lack": wanted.keys() - there.keys(),
        "rows too many": there.keys() - wanted.keys(),
    }
    return found | {name for name, holds in named.items() if holds}


def _beginning(life: Life) -> Iterator[str]:
    given = life.input
    yield f"{life.id} as of {given['as_of']}: {' '.join(given['line'].values())}"
    for name, value in chain(given["clients"].items(), enumerate(given["assignments"])):
        yield f"  {name}: {' '.join(map(str, value.values()))}"
    for row in given["rows"]:
        if row["lifecycle_state"] not in ("superseded", "archived"):
            link = " linked" if "invoice_id" in row else ""
            yield f"  {row['due_position']} {row['provenance_kind']} {_row(row)}{link}"


def _answer(answer: Row) -> Iterator[str]:
    """Yield a line a fact."""
    yield f"escalated {answer['escalated']}"
    if left := answer.get("left_to_do"):
        yield f"left to do {left}"
    for row in answer["live_rows"]:
        days = {
            f"{kind}_{side}": day
            for kind in ("service_period", "invoice_window", "activity_window", "whole_period")
            for side, day in zip(("start", "end"), row[kind] or (), strict=False)
        }
        yield f"{_row(row | days)} cents {row['price_cents']}"


def _row(row: Row) -> str:
    window, activity, whole = (
        f" {word} [{row[f'{kind}_start']}..{row[f'{kind}_end']})" if f"{kind}_start" in row else ""
        for word, kind in (
            ("in", "invoice_window"),
            ("active", "activity_window"),
            ("of", "whole_period"),
        )
    )
    days = f"[{row['service_period_start']}..{row['service_period_end']})"
    key = row["period_key"].removeprefix("period:").replace(":", "..")
    slot = "" if f"[{key})" == days else f" key {key}"
    return f"{days}{activity}{whole}{window} {row['lifecycle_state']}/{row['revision']}{slot}"


def _main(ids: list[str]) -> None:
    chosen = lives(*ids)
    found: dict[str, list[str]] = defaultdict(list)
    with embedded.serve(durable=False) as server:
        migrate.apply(server.dsn)
        with psycopg.connect(server.dsn, autocommit=True) as database:
            load(database, chosen)
            got = run(database, chosen)
    for life in chosen:
        if ids:
            print(story(life, got[life.id]))
        for kind in kinds(life, got[life.id]):
            found[kind].append(life.id)
    failed = set(chain(*found.values()))
    print(f"{len(chosen) - len(failed)} of {len(chosen)} are as expected")
    for kind, its in sorted(found.items(), key=lambda item: -len(item[1])):
        print(f"{len(its):4} {kind}: {' '.join(name.rpartition('-')[2] for name in its)}")


if __name__ == "__main__":
    _main(sys.argv[1:])
