"""Random ledgers run through: every key and every cent ends in one bucket, whatever the batches."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.charges.owner import MOST, Owner, Row
from tests.charges.runs import (
    Key,
    assert_adds_up,
    backfill,
    perform,
    post_rent,
    record,
    rents,
    tenancy,
)
from tests.charges.test_random_ledgers import BUCKETS, RULES, examples, fill, ledgers
from tests.conftest import Database

UNITS = {"u-1": 100_000, "u-2": None, "u-3": 99_999, "u-4": -5, "u-5": MOST}
LAST = date(2026, 5, 20)

lets = st.lists(
    st.tuples(
        st.sampled_from(["a", "é'🙂"]),
        st.sampled_from(sorted(UNITS)),
        st.integers(0, 150).map(lambda day: date(2026, 1, 1) + timedelta(day)),
        st.one_of(st.none(), st.integers(1, 100)),
    ),
    max_size=8,
)


@examples
@given(ledger=ledgers, rule=st.sampled_from(RULES), size=st.integers(1, 5), part=st.integers(1, 3))
def test_a_backfill_in_parts_does_what_was_planned(
    shared_database: Database,
    ledger: tuple[list[Row], list[Row]],
    rule: str,
    size: int,
    part: int,
) -> None:
    owner = fill(shared_database, ledger)
    [planned] = owner.select("charge_backfill_summary", amount_rule=rule)
    standing = owner.rows("charges").keys()
    arguments = {"amount_rule": rule, "batch_size": size, "run_key": "k"}
    backfill(owner, **arguments, max_batches=part)
    last = perform(owner, "backfill_charges", **arguments)
    counts = record(owner, "k")["counts"]
    assert_adds_up(counts)
    assert {name: counts[name] for name in counts.keys() & planned.keys()} == {
        name: planned[name] for name in counts.keys() & planned.keys()
    }
    charges = owner.rows("charges")
    made = [row for key, row in charges.items() if key not in standing]
    assert len(made) == last["o_rows"] == counts["to_create"]
    assert sum(row["amount_cents"] for row in made) == counts["charges_cents"]
    assert last["o_status"] == (
        "escalated" if counts["quarantined"] else "done" if made else "nothing_to_do"
    )
    actions = [row["action"] for row in owner.select("plan_charge_backfill", amount_rule=rule)]
    assert actions.count("create") == 0
    assert len(actions) == sum(planned[bucket] for bucket in BUCKETS.values())


def owed(let: list[tuple[str, str, date, int | None]]) -> dict[Key, tuple[int, date]]:
    """Return the rent of each key by the rule, a day at a time."""
    days: dict[Key, set[date]] = {}
    for renter, unit, start, length in let:
        day = start
        while (day.year, day.month) <= (LAST.year, LAST.month):
            if length is not None and day >= start + timedelta(length):
                break
            days.setdefault((renter, unit, f"{day:%Y-%m}"), set()).add(day)
            day += timedelta(1)
    found = {}
    for key, covered in days.items():
        rent = UNITS[key[1]]
        first = min(covered)
        if rent is None or first > LAST:
            continue
        share = Decimal(rent) * len(covered) / monthrange(first.year, first.month)[1]
        amount = int(share.quantize(Decimal(1), rounding=ROUND_HALF_UP))
        if amount > 0:
            found[key] = (amount, first)
    return found


@examples
@given(let=lets, size=st.integers(1, 5), paid=ledgers)
def test_rent_is_what_the_days_owe(
    shared_database: Database,
    let: list[tuple[str, str, date, int | None]],
    size: int,
    paid: tuple[list[Row], list[Row]],
) -> None:
    owner = Owner(shared_database)
    for unit, rent in UNITS.items():
        if unit not in ("u-1", "u-2"):
            owner.unit(unit, rent)
    for renter, unit, start, length in let:
        end = None if length is None else start + timedelta(length)
        tenancy(owner, str(start), str(end) if end else None, tenant_user_id=renter, unit_id=unit)
    for payment in paid[0]:
        owner.payment(**payment)
    backfill(owner)
    before = rents(owner)
    rows, _, status = post_rent(owner, as_of=LAST, batch_size=size, run_key="k")
    after = rents(owner)
    counts = record(owner, "k")["counts"]
    assert_adds_up(counts)
    expected = {key: rent for key, rent in owed(let).items() if key not in before}
    assert {key: rent for key, rent in after.items() if key not in before} == expected
    assert rows == counts["to_create"] == len(expected)
    assert counts["charges_cents"] == sum(amount for amount, _ in expected.values())
    assert (status == "escalated") == (counts["quarantined"] > 0)
    assert post_rent(owner, as_of=LAST)[0] == 0
