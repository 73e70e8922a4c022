"""What is drawn: small books, and what may happen to them."""

from decimal import Decimal

from hypothesis import strategies as st

from tests.invoices.acts import CHANGES

CYCLES = ("monthly", "monthly", "weekly", "bi-weekly", "quarterly")
FREQUENCIES = ("monthly", "quarterly")
OWNERS = ("client", "contract")
TIMINGS = ("advance", "arrears")
TYPES = ("Fixed", "Fixed", "Fixed", "Product", "Hourly", "Usage")

#: A number that stands for one of the choices there are, whatever their number.
which = st.integers(0, 40)
days = st.sampled_from([0, 0, 1, -1, 3, -5, 31])
both_days = st.tuples(days, days)
inwards = st.sampled_from([0, 1, 2, 10])
cents = st.sampled_from([0, 1, 333, 1000, 9999, 12_345, 1_234_567])
quantities = st.sampled_from(["1", "1", "2", "0.5", "0.333", "7.25"]).map(Decimal)
prices = st.fixed_dictionaries(
    {
        "unit_price_cents": st.sampled_from([1, 333, 1000, 9999, 12_345, 1_234_567, 0, -500]),
        "quantity": quantities,
        "enable_proration": st.booleans(),
    }
)

clients = st.fixed_dictionaries(
    {
        "cycle": st.sampled_from(CYCLES),
        "anchors": st.fixed_dictionaries(
            {},
            optional={
                "day_of_month": st.integers(1, 28),
                "month_of_year": st.integers(1, 12),
                "day_of_week": st.integers(1, 7),
            },
        ),
    }
)
#: Some take back what others bill, to the cent or beyond.
records = st.fixed_dictionaries(
    {
        "row": which,
        "by": days,
        "quantity": st.one_of(quantities, st.sampled_from(["-1", "-0.333"]).map(Decimal)),
        "unit_price_cents": cents,
    }
)
lines = st.fixed_dictionaries(
    {
        "cadence_owner": st.sampled_from(OWNERS),
        "billing_timing": st.sampled_from(TIMINGS),
        "billing_frequency": st.sampled_from(FREQUENCIES),
        "contract_line_type": st.sampled_from(TYPES),
        "start": st.integers(-45, 20),
        "length": st.none() | st.integers(5, 100),
        "price": prices,
        "records": st.lists(records, max_size=3),
    }
)

#: A change of what is owed or on record, and the seed of its die.
acts = st.tuples(st.sampled_from(sorted(CHANGES)), st.integers(0, 999))
#: How a run is called; with "accepting" it takes the hash of its plan for the escalations.
runs = st.sampled_from(
    ["advance", "backfill", "backfill accepting", "regenerate", "regenerate accepting", "replenish"]
)
#: Which members of a window are named, bit by bit, and perhaps a name that is none.
members = st.tuples(st.integers(0, 15), st.sampled_from([None, None, None, "stray"]))
moves: st.SearchStrategy[dict[str, tuple[int, int]]] = st.one_of(
    st.just({}),
    st.fixed_dictionaries({"service_period": st.tuples(st.just(0), days)}),
    st.fixed_dictionaries({"activity_window": st.tuples(inwards, inwards.map(int.__neg__))}),
    st.fixed_dictionaries(
        {},
        optional={
            "service_period": both_days,
            "invoice_window": both_days,
            "activity_window": both_days,
        },
    ),
)
#: edit: by how many days dates move, none clears; defer: whose window, and how many days off.
revisions = st.one_of(
    st.tuples(st.just("edit"), moves),
    st.tuples(st.just("defer"), st.tuples(which, days)),
    st.tuples(st.sampled_from(["skip", "archive"]), st.none()),
)
changes = st.one_of(
    st.tuples(st.just("billable_records"), records),
    st.tuples(st.just("contract_lines"), prices),
)
