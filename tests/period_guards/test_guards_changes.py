"""What may become of a ledger row, and what may not: columns, states, linkage, quarantine."""

from itertools import product
from typing import Any
from uuid import UUID

import pytest

from tests.conftest import Database
from tests.period_guards.scene import Scene
from tests.service_periods.books import APRIL, FEBRUARY, JANUARY, LEDGER, MARCH
from tests.types.test_lifecycle_transition_allowed import NEXT, STATES

UNLINKED = dict.fromkeys(
    ("invoice_id", "invoice_charge_id", "invoice_charge_detail_id", "invoice_linked_at")
)
CHANGEABLE = {"lifecycle_state", "quarantine_reason", "unresolved_linkage", "updated_at", *UNLINKED}
PAIRS = [pair for pair in product(STATES, STATES) if pair[0] != pair[1]]
ALLOWED = [pair for pair in PAIRS if pair[1] in NEXT[pair[0]] or pair == ("billed", "locked")]
OTHER: dict[str, Any] = {
    "uuid": UUID(int=7),
    "text": "other",
    "int4": 7,
    "date": FEBRUARY.replace(day=7),
    "jsonb": '{"other": 7}',
    "timestamptz": "2020-07-07T00:00:00Z",
}


def row_in(scene: Scene, state: str) -> UUID:
    """Insert a row in a state after all others."""
    if state == "billed":
        return scene.books.billed(scene.line, APRIL, APRIL.replace(month=5))
    return scene.period(APRIL, APRIL.replace(month=5), lifecycle_state=state)


def change_of(scene: Scene, before: str, after: str) -> dict[str, object]:
    """Return the change that takes a row from one state to another, its linkage with it."""
    linkage: dict[str, object] = {}
    if after == "billed":
        linkage = scene.books.invoice(scene.line)
    elif (before, after) != ("billed", "archived"):
        linkage = dict(UNLINKED)
    return {"lifecycle_state": after, **linkage}


def columns(database: Database) -> dict[str, str]:
    """Return the columns of the ledger with their types."""
    return dict(
        database.execute(
            "SELECT a.attname, t.typname FROM pg_attribute AS a JOIN pg_type AS t"
            " ON t.oid = a.atttypid WHERE a.attrelid = %s::regclass AND a.attnum > 0"
            " AND NOT a.attisdropped",
            (LEDGER,),
        ).fetchall()
    )


def test_columns_that_never_change(scene: Scene) -> None:
    types = columns(scene.database)
    assert types.keys() >= CHANGEABLE
    for column in types.keys() - CHANGEABLE:
        with scene.refused("DC301"):
            scene.update(scene.generated, **{column: OTHER[types[column]]})


def test_a_column_may_be_set_to_what_it_is(scene: Scene) -> None:
    unchanging = ", ".join(f"{name} = {name}" for name in columns(scene.database))
    before = scene.books.ledger()
    scene.database.execute(f"UPDATE {LEDGER} SET {unchanging}")
    assert scene.books.ledger() == before


def test_a_row_does_not_move_to_another_tenant(scene: Scene) -> None:
    with scene.refused("DC301"):
        scene.update(scene.generated, tenant=UUID(int=5), quarantine_reason="overlap")


@pytest.mark.parametrize("pair", ALLOWED, ids="-".join)
def test_declared_transitions(scene: Scene, pair: tuple[str, str]) -> None:
    record = row_in(scene, pair[0])
    scene.update(record, **change_of(scene, *pair))
    assert scene.state_of(record) == pair[1]


@pytest.mark.parametrize("pair", sorted(set(PAIRS) - set(ALLOWED)), ids="-".join)
@pytest.mark.parametrize("quarantine", [None, "overlap"])
def test_undeclared_transitions(
    scene: Scene, pair: tuple[str, str], quarantine: str | None
) -> None:
    record = row_in(scene, pair[0])
    scene.update(record, quarantine_reason=quarantine)
    with scene.refused("DC302"):
        scene.update(record, **change_of(scene, *pair))
    if "billed" not in pair:
        with scene.refused("DC302"):
            scene.update(record, lifecycle_state=pair[1])


@pytest.mark.parametrize("changed", UNLINKED)
def test_a_linkage_does_not_change(scene: Scene, changed: str) -> None:
    other = scene.books.invoice(scene.line) | {"invoice_linked_at": "2020-07-07T00:00:00Z"}
    with scene.refused("DC302"):
        scene.update(scene.billed, **{changed: other[changed]})


def test_a_linkage_ends_only_on_the_way_to_locked(scene: Scene) -> None:
    with scene.refused("DC302"):
        scene.update(scene.billed, **UNLINKED)
    with scene.refused("DC302"):
        scene.update(scene.billed, lifecycle_state="archived", **UNLINKED)
    with scene.refused("23514"):
        scene.update(scene.billed, lifecycle_state="locked")
    with scene.refused("23514"):
        half = {**UNLINKED, "invoice_linked_at": "now"}
        scene.update(scene.billed, lifecycle_state="locked", **half)
    scene.update(scene.billed, lifecycle_state="locked", **UNLINKED)
    scene.update(scene.billed, lifecycle_state="billed", **scene.books.invoice(scene.line))


def test_a_quarantined_row_keeps_what_it_carried(scene: Scene) -> None:
    linkage = scene.books.invoice(scene.line)
    linked = scene.period(
        JANUARY, FEBRUARY, revision=4, quarantine_reason="dangling_linkage", **linkage
    )
    unlinked = scene.period(
        JANUARY, FEBRUARY, revision=5, quarantine_reason="missing_linkage", lifecycle_state="billed"
    )
    with scene.refused("23514"):
        scene.update(linked, quarantine_reason=None)
    with scene.refused("23514"):
        scene.update(unlinked, quarantine_reason=None)
    with scene.refused("DC302"):
        scene.update(linked, **UNLINKED)
    with scene.refused("DC302"):
        scene.update(linked, **scene.books.invoice(scene.line))
    with scene.refused("DC303"):
        scene.delete(unlinked)


def test_quarantined_and_dead_rows_may_overlap_live_ones(scene: Scene) -> None:
    for revision, kept in enumerate(
        (
            {"quarantine_reason": "overlap"},
            {"lifecycle_state": "superseded"},
            {"lifecycle_state": "archived"},
        ),
        start=4,
    ):
        scene.period(JANUARY, MARCH, revision=revision, **kept)
        scene.period(FEBRUARY, MARCH, revision=revision, **kept)


def test_a_row_leaves_quarantine_once_its_place_is_free(scene: Scene) -> None:
    scene.update(scene.generated, lifecycle_state="superseded")
    scene.update(scene.quarantined, quarantine_reason=None)
    with scene.refused("23P01"):
        scene.insert(service_period_start=JANUARY, period_key="period:other")


def test_a_dead_row_leaves_quarantine_at_any_time(scene: Scene) -> None:
    scene.update(scene.quarantined, lifecycle_state="archived")
    scene.update(scene.quarantined, quarantine_reason=None)


def test_rows_of_a_vanished_line_are_kept(scene: Scene) -> None:
    scene.insert(obligation_id=UUID(int=3), client_id=None, schedule_key="schedule:gone")


def test_rows_that_may_go(scene: Scene) -> None:
    for record in (scene.quarantined, scene.generated, scene.superseded):
        scene.delete(record)
    assert {row["record_id"] for row in scene.books.ledger()} == {scene.locked, scene.billed}
