"""The backfill and post_rent make the same charges, whichever comes first."""

from calendar import monthrange
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal

from hypothesis import given
from hypothesis import strategies as st

from tests.charges.owner import Owner, Row
from tests.charges.runs import Key, backfill, post_rent, rents, tenancy
from tests.charges.test_random_ledgers import examples
from tests.conftest import Database

FIRST, LAST = date(2026, 1, 1), date(2026, 5, 20)
RENTERS = ["a", "é'🙂"]
UNITS = {"u-1": 100_000, "u-2": None, "u-3": 0}
CURRENCIES = {"u-1": "USD", "u-2": "USD", "u-3": "CHF"}

days = st.integers(0, 150).map(lambda day: FIRST + timedelta(day))
cents = st.sampled_from([1, 31, 45_000, 60_001, 99_999])
renters, units = st.sampled_from(RENTERS), st.sampled_from(sorted(UNITS))
lets = st.lists(
    st.fixed_dictionaries(
        {
            "tenant_user_id": renters,
            "unit_id": units,
            "start_on": days,
            "length": st.one_of(st.none(), st.integers(1, 70)),
            "rent_amount_cents": st.one_of(st.none(), cents),
        }
    ),
    max_size=6,
    unique_by=lambda let: (let["tenant_user_id"], let["unit_id"], let["start_on"]),
)
dated = st.dictionaries(st.tuples(units, days), cents, max_size=5)
paid = st.lists(
    st.fixed_dictionaries(
        {
            "tenant_user_id": renters,
            "unit_id": units,
            "amount": cents,
            "period": st.sampled_from([f"2026-0{month}" for month in range(1, 7)]),
            "currency": st.sampled_from(["USD", "USD", "CHF", "EUR"]),
            "status": st.sampled_from(["succeeded", "pending", "failed"]),
        }
    ),
    max_size=6,
)

Books = tuple[list[Row], dict[tuple[str, date], int], list[Row]]


def owed(books: Books, *, key: Key) -> tuple[int, str, date, bool] | None:
    """Return amount, currency, day of a key, and whether a tenancy touches it, a day at a time."""
    lets, dated, paid = books
    renter, unit, period = key
    first = date.fromisoformat(f"{period}-01")
    month = [first + timedelta(n) for n in range(monthrange(first.year, first.month)[1])]
    of_key = [
        (let["start_on"], let["rent_amount_cents"], covered)
        for let in lets
        if (let["tenant_user_id"], let["unit_id"]) == (renter, unit)
        and (
            covered := {
                day
                for day in month
                if let["start_on"] <= day
                and (let["length"] is None or day < let["start_on"] + timedelta(let["length"]))
            }
        )
    ]
    covered = set().union(*(each[2] for each in of_key)) or set(month)
    rent = min(of_key, key=lambda each: each[0])[1] if of_key else None
    if rent is None:
        known = {day: cents for (of, day), cents in dated.items() if of == unit}
        known = {day: cents for day, cents in known.items() if day <= min(covered)}
        rent = known[max(known)] if known else UNITS[unit]
    if rent is not None:
        share = Decimal(rent) * len(covered) / len(month)
        amount, currency = int(share.quantize(Decimal(1), ROUND_HALF_UP)), CURRENCIES[unit]
    else:
        sums = [
            (-payment["amount"], payment["currency"])
            for payment in paid
            if (payment["tenant_user_id"], payment["unit_id"], payment["period"]) == key
            and payment["status"] != "failed"
        ]
        if not sums:
            return None
        amount, currency = -min(sums)[0], min(sums)[1]
    return (amount, currency, min(covered), bool(of_key)) if amount > 0 else None


def fill(database: Database, books: Books) -> Owner:
    """Make an owner with these tenancies, dated rents and payments."""
    owner = Owner(database)
    owner.unit("u-3", UNITS["u-3"], CURRENCIES["u-3"])
    lets, dated, paid = books
    for number, let in enumerate(lets):
        end = None if let["length"] is None else let["start_on"] + timedelta(let["length"])
        row = {name: value for name, value in let.items() if name != "length"}
        owner.insert("ledger.tenancies", **row, tenancy_id=str(number), end_on=end)
    for (unit, day), cents in dated.items():
        owner.insert("ledger.unit_rents", unit_id=unit, effective_from=day, rent_amount_cents=cents)
    for payment in paid:
        owner.payment(**payment)
    return owner


@examples
@given(books=st.tuples(lets, dated, paid), size=st.integers(1, 5))
def test_either_order_ends_in_the_same_charges(
    shared_database: Database, books: Books, size: int
) -> None:
    orders = []
    for order in ((backfill, post_rent), (post_rent, backfill)):
        owner = fill(shared_database, books)
        planned = {
            (row["tenant_user_id"], row["unit_id"], row["billing_period"]): row
            for plan in (
                owner.select("plan_rent", as_of=LAST),
                owner.select("plan_charge_backfill"),
            )
            for row in plan
            if row["action"] == "create"
        }
        for run in order:
            run(owner, batch_size=size, **({"as_of": LAST} if run is post_rent else {}))
        made = rents(owner)
        charges = owner.rows("charges").values()
        currencies = {
            (row["tenant_user_id"], row["unit_id"], row["billing_period"]): row["currency"]
            for row in charges
        }
        assert made == {
            key: (row["amount_cents"], row["effective_on"]) for key, row in planned.items()
        }
        orders.append({key: (*rent, currencies[key]) for key, rent in made.items()})
    assert orders[0] == orders[1]
    expected = {}
    paid_for = {
        (payment["tenant_user_id"], payment["unit_id"], payment["period"])
        for payment in books[2]
        if payment["status"] != "failed"
    }
    for renter in RENTERS:
        for unit in UNITS:
            for month in range(1, 7):
                key = (renter, unit, f"2026-0{month}")
                found = owed(books, key=key)
                if found and (key in paid_for or (found[3] and found[2] <= LAST)):
                    expected[key] = (found[0], found[2], found[1])
    assert orders[0] == expected


def test_moved_in_on_the_15th(shared_database: Database) -> None:
    for order in ((backfill, post_rent), (post_rent, backfill)):
        owner = Owner(shared_database)
        tenancy(owner, "2026-03-15", "2026-04-01")
        owner.payment(54_839, period="2026-03", paid_on="2026-03-15")
        for run in order:
            run(owner)
        assert rents(owner) == {("r-1", "u-1", "2026-03"): (54_839, date(2026, 3, 15))}
        assert owner.balance() == 0
        assert owner.balance(as_of="2026-03-14") == 0


def test_a_rent_that_was_raised_is_posted_as_it_was(shared_database: Database) -> None:
    owner = Owner(shared_database)
    for day, rent in (("2025-01-01", 100_000), ("2026-04-01", 120_000)):
        owner.insert("ledger.unit_rents", unit_id="u-1", effective_from=day, rent_amount_cents=rent)
    tenancy(owner, "2026-01-01")
    post_rent(owner)
    amounts = [amount for _, (amount, _) in sorted(rents(owner).items())]
    assert amounts == [100_000, 100_000, 100_000, 120_000, 120_000]


def test_roommates_owe_their_own_rents(shared_database: Database) -> None:
    owner = Owner(shared_database)
    tenancy(owner, "2026-05-01", rent_amount_cents=60_000)
    tenancy(owner, "2026-05-01", tenant_user_id="mate", rent_amount_cents=40_000)
    post_rent(owner)
    assert sum(amount for amount, _ in rents(owner).values()) == 100_000
