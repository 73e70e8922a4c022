"""Money that moves after it was paid: what a renter owes on each day, told by Stripe's events."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from tests.charges.owner import Owner
from tests.charges.stripe_events import Event, event, intent, metadata, session
from tests.charges.stripe_inbox import Inbox

RENTER = metadata("r-1", "u-1", "2026-03")
CENTRAL, TOKYO = "America/Chicago", "Asia/Tokyo"


def at(day: str, time: str = "12:00") -> int:
    """Return the second of a day and time, UTC."""
    return int(datetime.fromisoformat(f"{day} {time}").replace(tzinfo=UTC).timestamp())


def total(day: str, cents: int) -> Event:
    """Return the event of a charge of which so much was refunded by then."""
    charge = {"id": "ch_1", "object": "charge", "payment_intent": "pi_1", "currency": "usd"}
    return event("charge.refunded", {**charge, "amount_refunded": cents}, created=at(day))


def refund(day: str, kind: str, status: str, number: int = 1, **fields: Any) -> Event:
    """Return an event of a refund of 100.00 that was made on 5 March."""
    thing = {
        "id": f"re_{number}",
        "object": "refund",
        "payment_intent": "pi_1",
        "amount": 10_000,
        "currency": "usd",
        "created": at("2026-03-05"),
        "status": status,
        **fields,
    }
    return event(kind, thing, created=at(day))


def dispute(day: str, kind: str, status: str, cents: int = 100_000) -> Event:
    """Return an event of a dispute."""
    thing = {"id": "dp_1", "object": "dispute", "payment_intent": "pi_1", "currency": "usd"}
    return event(
        f"charge.dispute.{kind}", {**thing, "amount": cents, "status": status}, created=at(day)
    )


@pytest.fixture
def inbox(owner: Owner) -> Inbox:
    """Return the inbox of an owner whose renter owes 1000.00 from 1 March, and pays it that day."""
    owner.charge(100_000, "2026-03", effective_on="2026-03-01")
    inbox = Inbox(owner.database, owner.tenant)
    inbox.ingest(intent("pi_1", meta=RENTER, created=at("2026-03-01")))
    return inbox


def owed(owner: Owner, *days: str) -> list[int]:
    """Return what the renter owes for his unit as of days."""
    return [owner.balance(as_of=day) for day in days]


def lines(owner: Owner, **arguments: object) -> list[tuple[str, date, int, int]]:
    """Return kind, day, amount and balance of the lines that explain it."""
    names = ("kind", "effective_on", "amount_cents", "running_balance_cents")
    found = owner.select("explain_balance", tenant_user_id="r-1", unit_id="u-1", **arguments)
    return [tuple(line[name] for name in names) for line in found]


@pytest.mark.parametrize(
    "events",
    [
        [total("2026-03-05", 10_000), total("2026-04-10", 15_000)],
        [
            refund("2026-03-05", "refund.created", "succeeded"),
            refund(
                "2026-04-10",
                "refund.created",
                "succeeded",
                number=2,
                amount=5_000,
                created=at("2026-04-10"),
            ),
        ],
    ],
    ids=["totals", "refunds"],
)
@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["in time", "reversed"])
def test_each_refund_counts_from_its_day(
    owner: Owner, inbox: Inbox, events: list[Event], order: slice
) -> None:
    for each in events[order]:
        inbox.ingest(each)
    days = ("2026-03-04", "2026-03-05", "2026-03-20", "2026-04-09", "2026-04-10")
    assert owed(owner, *days) == [0, 10_000, 10_000, 10_000, 15_000]


@pytest.mark.parametrize("kinds", [("created", "closed"), ("funds_withdrawn", "closed")])
def test_a_lost_dispute_counts_from_the_day_it_was_lost(
    owner: Owner, inbox: Inbox, kinds: tuple[str, str]
) -> None:
    inbox.ingest(dispute("2026-03-06", kinds[0], "needs_response"))
    inbox.ingest(dispute("2026-03-09", kinds[1], "lost"))
    assert owed(owner, "2026-03-07", "2026-03-08", "2026-03-09") == [0, 0, 100_000]
    assert lines(owner) == [
        ("rent", date(2026, 3, 1), 100_000, 100_000),
        ("payment", date(2026, 3, 1), -100_000, 0),
        ("dispute_lost", date(2026, 3, 9), 100_000, 100_000),
    ]
    assert lines(owner, as_of="2026-03-08") == lines(owner)[:2]


def test_a_returned_bank_debit_counts_from_the_day_it_was_returned(
    owner: Owner, inbox: Inbox
) -> None:
    for kind in ("created", "funds_withdrawn", "closed"):
        inbox.ingest(dispute("2026-03-09", kind, "lost"))
    assert owed(owner, "2026-03-07", "2026-03-09") == [0, 100_000]
    assert [line[0] for line in lines(owner)] == ["rent", "payment", "dispute_lost"]


@pytest.mark.parametrize(
    "ending",
    [
        refund("2026-03-08", "refund.failed", "failed"),
        refund("2026-03-08", "refund.updated", "canceled"),
        refund("2026-03-08", "charge.refund.updated", "failed"),
    ],
    ids=lambda e: e["type"],
)
def test_a_refund_that_failed_came_back(owner: Owner, inbox: Inbox, ending: Event) -> None:
    inbox.ingest(refund("2026-03-05", "refund.created", "pending"))
    assert owed(owner, "2026-03-08") == [10_000]
    inbox.ingest(ending)
    assert owed(owner, "2026-03-04", "2026-03-07", "2026-03-08") == [0, 10_000, 0]
    assert [line[0] for line in lines(owner)] == ["rent", "payment", "refund", "refund_undone"]


@pytest.mark.parametrize("cents", [40_000, 1])
def test_of_a_partial_dispute_only_that_part_is_lost(
    owner: Owner, inbox: Inbox, cents: int
) -> None:
    inbox.ingest(dispute("2026-03-06", "created", "needs_response", cents))
    inbox.ingest(dispute("2026-03-09", "closed", "lost", cents))
    assert owed(owner, "2026-03-08", "2026-03-09") == [0, cents]
    inbox.ingest(dispute("2026-03-20", "funds_reinstated", "won", cents))
    assert owed(owner, "2026-03-09", "2026-03-19", "2026-03-20") == [cents, cents, 0]


def test_another_currency_is_another_account(owner: Owner, inbox: Inbox) -> None:
    meta = {**RENTER, "billing_period": "2026-04"}
    owner.post(billing_period="2026-04")
    assert inbox.ingest(intent("pi_2", amount=80_000, currency="eur", meta=meta)) == "applied"
    assert [(row["currency"], row["balance_cents"]) for row in owner.select("balances")] == [
        ("EUR", -80_000),
        ("USD", 100_000),
    ]


def test_metadata_have_the_names_of_the_application(owner: Owner, inbox: Inbox) -> None:
    keys = {"tenant_id": "tenantUserId", "unit_id": "unitId", "billing_period": "billingPeriod"}
    owner.database.execute(
        "CALL ledger.set_stripe_settings(p_tenant => %s, p_metadata_keys => %s)",
        (owner.tenant, Jsonb(keys)),
    )
    meta = {"tenantUserId": "r-2", "unitId": "u-2", "billingPeriod": "2026-03"}
    assert inbox.ingest(session("pi_2", meta=meta)) == "applied"
    assert inbox.ingest(intent("pi_3", meta=RENTER)) == "unmatched"
    found = inbox.payment("pi_2")
    named = ("tenant_user_id", "unit_id", "billing_period")
    assert tuple(found[name] for name in named) == ("r-2", "u-2", "2026-03")


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["in time", "reversed"])
def test_the_unit_that_was_corrected_counts(owner: Owner, inbox: Inbox, order: slice) -> None:
    wrong = metadata("r-1", "u-2", "2026-04")
    events = [
        intent("pi_2", "processing", meta=wrong, created=at("2026-04-01")),
        intent("pi_2", meta={**wrong, "unit_id": "u-1"}, created=at("2026-04-03")),
    ]
    for each in events[order]:
        inbox.ingest(each)
    rows = owner.select("balances", tenant_user_id="r-1")
    assert {row["unit_id"]: row["balance_cents"] for row in rows if row["balance_cents"]} == {
        "u-1": -100_000
    }
    assert inbox.payment("pi_2")["unit_id"] == "u-1"


def test_money_of_the_test_mode_is_none(owner: Owner, inbox: Inbox) -> None:
    owner.database.execute(
        "CALL ledger.set_stripe_settings(p_tenant => %s, p_livemode => true)", (owner.tenant,)
    )
    assert inbox.ingest(intent("pi_2", meta=RENTER, livemode=False)) == "foreign"
    assert inbox.ingest(refund("2026-03-05", "refund.created", "succeeded")) == "foreign"
    assert owed(owner, "2026-12-31") == [0]
    assert inbox.ingest(intent("pi_2", meta=RENTER, livemode=True)) == "applied"
    assert owed(owner, "2026-12-31") == [-100_000]


def test_an_import_that_knows_the_session_alone_is_the_sessions_payment(
    owner: Owner, inbox: Inbox
) -> None:
    inbox.add_payment(
        None,
        payment_id="imported",
        tenant_user_id="r-1",
        unit_id="u-1",
        amount_cents=100_000,
        paid_on=date(2026, 4, 2),
        stripe_session_id="cs_pi_2",
    )
    assert inbox.ingest(session("pi_2", meta=RENTER, created=at("2026-04-02"))) == "applied"
    assert inbox.ingest(intent("pi_2", meta=RENTER, created=at("2026-04-02"))) == "applied"
    assert owed(owner, "2026-12-31") == [-100_000]
    assert sorted(owner.rows("payments")) == sorted(
        {"imported", inbox.payment("pi_1")["payment_id"]}
    )
    assert inbox.payment("pi_2")["payment_id"] == "imported"


@pytest.mark.parametrize(
    ("timezone", "moment", "day"),
    [
        (CENTRAL, at("2026-04-01", "01:00"), date(2026, 3, 31)),  # 20:00 there
        (TOKYO, at("2026-03-31", "16:00"), date(2026, 4, 1)),  # 01:00 there
        (None, at("2026-03-31", "23:59"), date(2026, 3, 31)),
    ],
)
def test_a_day_is_the_propertys(
    owner: Owner, inbox: Inbox, timezone: str | None, moment: int, day: date
) -> None:
    owner.insert("ledger.properties", property_id="house", timezone=timezone)
    owner.insert("ledger.units", unit_id="u-3", property_id="house")
    inbox.ingest(intent("pi_3", meta=metadata("r-3", "u-3", "2026-03"), created=moment))
    assert inbox.payment("pi_3")["paid_on"] == day
    [line] = owner.select("explain_balance", tenant_user_id="r-3", unit_id="u-3")
    assert (line["effective_on"], line["amount_cents"]) == (day, -100_000)


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1)], ids=["in time", "reversed"])
def test_a_day_is_that_of_the_property_of_the_corrected_unit(
    owner: Owner, inbox: Inbox, order: slice
) -> None:
    for unit, timezone in (("u-3", TOKYO), ("u-4", CENTRAL)):
        owner.insert("ledger.properties", property_id=unit, timezone=timezone)
        owner.insert("ledger.units", unit_id=unit, property_id=unit)
    events = [
        intent("pi_3", meta=metadata("r-3", "u-3", "2026-03"), created=at("2026-03-31", "16:00")),
        session("pi_3", meta=metadata("r-3", "u-4", "2026-03"), created=at("2026-04-02")),
    ]
    for each in events[order]:
        inbox.ingest(each)
    found = owner.select("balances", tenant_user_id="r-3", as_of="2026-03-31")
    assert {row["unit_id"]: row["balance_cents"] for row in found if row["balance_cents"]} == {
        "u-4": -100_000
    }
