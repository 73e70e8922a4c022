"""The inbox over the ledger: days and accounts, what is refused, what an import brings."""

from collections.abc import Callable
from datetime import date
from itertools import permutations
from typing import Any
from uuid import UUID

import psycopg
import pytest

from tests.charges.owner import MOST, refused
from tests.charges.stripe_events import (
    DAY,
    NOON,
    Event,
    dispute,
    event,
    intent,
    metadata,
    refund,
    refund_object,
    session,
)
from tests.charges.stripe_inbox import Inbox


def test_a_payment_has_its_days_from_the_events_that_decide(inbox: Inbox) -> None:
    midnight = 1_715_126_400  # 2024-05-08T00:00:00Z
    inbox.ingest(intent("pi_1", "processing", created=midnight - 1))
    pending = inbox.payment("pi_1")
    assert (pending["status"], pending["paid_on"]) == ("pending", None)
    assert pending["created_on"] == date(2024, 5, 7)
    inbox.ingest(session("pi_1", created=midnight))
    inbox.ingest(refund("pi_1", 500, created=midnight + DAY))
    inbox.ingest(refund("pi_1", 500, created=midnight + 2 * DAY))
    paid = inbox.payment("pi_1")
    assert (paid["status"], paid["paid_on"]) == ("succeeded", date(2024, 5, 8))
    assert (paid["refunded_cents"], paid["refunded_on"]) == (500, date(2024, 5, 9))
    assert (paid["currency"], paid["stripe_session_id"]) == ("USD", "cs_pi_1")
    inbox.ingest(dispute("pi_1", "closed", "lost", created=midnight + 3 * DAY))
    lost = inbox.payment("pi_1")
    assert (lost["status"], lost["disputed"]) == ("succeeded", True)
    assert (lost["refunded_cents"], lost["refunded_on"]) == (100_500, date(2024, 5, 11))


def test_a_unit_that_is_corrected_takes_the_money_along(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1", "processing", meta=metadata("user_2", "u-2")))
    inbox.ingest(intent("pi_1", meta=metadata("user_2", "u-3"), created=NOON + 1))
    assert inbox.payment("pi_1")["unit_id"] == "u-3"
    assert inbox.days("pi_1") == [(date(2024, 5, 7), "received", 100_000, "payment", "u-3")]
    inbox.ingest(intent("pi_1", meta=metadata("user_2", "u-4"), created=NOON + 2))
    assert inbox.days("pi_1")[1:] == [
        (date(2024, 5, 7), "received", -100_000, "payment", "u-3"),
        (date(2024, 5, 7), "received", 100_000, "payment", "u-4"),
    ]
    # An older word changes nothing.
    inbox.ingest(intent("pi_1", "processing", meta=metadata("o'neil", "b:c"), created=NOON - 1))
    assert [row[1] for row in inbox.balances() if any(row[3:])] == ["u-4"]


def test_a_payment_that_was_moved_by_hand_stays_where_it_was_put(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1"))
    inbox.database.execute(
        "UPDATE ledger.payments SET unit_id = 'u-5', moved_by = 'anna' WHERE tenant = %s",
        (inbox.tenant,),
    )
    inbox.ingest(intent("pi_1", meta=metadata("user_2", "u-3"), created=NOON + 1))
    inbox.ingest(refund("pi_1", 500, created=NOON + 2))
    row = inbox.payment("pi_1")
    assert (row["tenant_user_id"], row["unit_id"], row["refunded_cents"]) == ("user_1", "u-5", 500)
    assert {day[-1] for day in inbox.days("pi_1")[2:]} == {"u-5"}


@pytest.mark.parametrize(
    ("timezone", "moment", "day"),
    [
        ("America/Chicago", 1_711_933_200, date(2024, 3, 31)),  # 20:00 there
        ("Asia/Tokyo", 1_711_900_800, date(2024, 4, 1)),  # 01:00 there
        (None, 1_711_933_200, date(2024, 4, 1)),
    ],
)
def test_a_day_is_one_of_the_property(
    inbox: Inbox, timezone: str | None, moment: int, day: date
) -> None:
    inbox.add_unit("u-1", timezone=timezone)
    inbox.ingest(intent("pi_1", created=moment))
    inbox.ingest(refund("pi_1", 500, created=moment))
    assert [row[0] for row in inbox.days("pi_1")] == [day, day]
    row = inbox.payment("pi_1")
    assert (row["created_on"], row["paid_on"], row["refunded_on"]) == (day, day, day)


def test_a_day_that_was_written_stays(inbox: Inbox) -> None:
    inbox.add_unit("u-1", timezone="Asia/Tokyo")
    inbox.ingest(intent("pi_1", created=1_711_900_800))
    inbox.database.execute(
        "UPDATE ledger.properties SET timezone = 'UTC' WHERE tenant = %s", (inbox.tenant,)
    )
    inbox.replay("pi_1")
    assert [row[0] for row in inbox.days("pi_1")] == [date(2024, 4, 1)]
    assert inbox.payment("pi_1")["paid_on"] == date(2024, 4, 1)


def test_what_a_later_event_says_of_another_day_leaves_the_days_before(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1"))
    inbox.ingest(refund("pi_1", 15_000, created=NOON + 9 * DAY))
    assert inbox.owed_on(date(2024, 5, 10)) == -100_000
    inbox.ingest(refund("pi_1", 10_000, created=NOON + 4 * DAY))
    assert [inbox.owed_on(date(2024, 5, day)) for day in (10, 11, 15, 16)] == [
        -100_000,
        -90_000,
        -90_000,
        -85_000,
    ]
    inbox.ingest(dispute("pi_1", "closed", "lost", amount=40_000, created=NOON + 20 * DAY))
    assert inbox.owed_on(date(2024, 5, 16)) == -85_000
    assert inbox.owed_on(date(2024, 5, 27)) == -45_000


def test_events_of_another_mode_are_kept_and_never_applied(inbox: Inbox) -> None:
    inbox.set(livemode=True)
    test_mode = intent("pi_1")
    assert inbox.ingest(test_mode) == "foreign"
    assert inbox.ingest(test_mode) == "duplicate"
    assert inbox.ingest(intent("pi_2", livemode=True)) == "applied"
    assert [each["payment_key"] for each in inbox.payments()] == ["pi_2"]
    inbox.set()
    assert inbox.replay() == (0, 0)
    assert inbox.outcomes()[test_mode["id"]] == ("foreign", "foreign")


def test_a_thin_event_is_rejected_with_what_to_do(inbox: Inbox) -> None:
    thin = {"id": "evt_1", "object": "v2.core.event", "type": "v1.charge.refunded", "created": 1}
    outcome, reason = inbox.answer(thin)
    assert outcome == "rejected"
    assert "let the destination send snapshot events" in str(reason)


def test_the_reason_of_a_rejection_is_told(inbox: Inbox) -> None:
    assert inbox.answer([]) == ("rejected", "it is not an object")
    assert inbox.answer("null") == ("rejected", "it is not an object")
    long = intent("pi_1", id="e" * 256)
    assert inbox.answer(long)[0] == "rejected"
    assert "255 characters" in str(inbox.answer(long)[1])
    assert inbox.outcomes() == {}


def test_sql_null_is_rejected_too(inbox: Inbox) -> None:
    cursor = inbox.database.execute(
        "CALL ledger.ingest_stripe_event(p_tenant => %s, p_event => NULL)", (inbox.tenant,)
    )
    assert cursor.fetchall() == [("rejected", "it is not an object")]


def test_an_event_of_5_mb_is_kept_whole(inbox: Inbox) -> None:
    text = "ß😀" * (5 * 1024 * 1024 // 6)
    large = intent("pi_1", meta={**metadata(), "note": text})
    assert inbox.ingest(large) == "applied"
    assert inbox.ingest(refund("pi_1", 1)) == "applied"
    [(kept,)] = inbox.database.execute(
        "SELECT event FROM ledger.stripe_events WHERE tenant = %s AND event_id = %s",
        (inbox.tenant, large["id"]),
    )
    assert kept == large


@pytest.mark.parametrize("escape", ["\\u0000", "\\ud800"])
def test_text_that_no_database_holds_is_refused(inbox: Inbox, escape: str) -> None:
    with pytest.raises(psycopg.DataError) as raised:
        inbox.ingest(f'{{"id": "evt_{escape}", "type": "customer.created"}}')
    assert raised.value.sqlstate in ("22P02", "22P05")
    assert inbox.outcomes() == {}


def test_ids_are_compared_as_they_are(inbox: Inbox) -> None:
    hostile = ["a:b", "o'neil", '"; DROP TABLE x; --', "租客-7", "😀", "e\u0301", "é", " ", "NULL"]
    for number, renter in enumerate(hostile):
        meta = metadata(renter, hostile[-number - 1])
        assert inbox.ingest(intent(f"pi {renter}", id=renter, meta=meta)) == "applied"
    assert [row[0] for row in inbox.balances()] == sorted(hostile)
    assert inbox.told() == inbox.payments()


@pytest.mark.parametrize(
    ("beyond", "reason"),
    [
        (intent("pi_1", amount=MOST + 1), f"amount is more than {MOST} cents"),
        (session("pi_1", amount=2**64 + 1), f"amount is more than {MOST} cents"),
        (refund("pi_1", MOST + 1), f"amount is more than {MOST} cents"),
        (intent("pi_1", created=10**30), "created is not of the years 1 to 9999"),
        (dispute("pi_1", created=253_402_300_800), "created is not of the years 1 to 9999"),
        (intent("pi_1", created=-62_135_596_801), "created is not of the years 1 to 9999"),
        (event("customer.created", {}, created=10**30), "created is not of the years 1 to 9999"),
        (intent("pi_1", meta=metadata("ü" * 500, "y" * 1001)), "longer than 2000 bytes together"),
        (intent("p" * 256), "longer than the 255 characters"),
        (refund_object("pi_1", 1, number="9" * 256), "longer than the 255 characters"),
        (refund_object("pi_1", 1, made=10**13), "created is not of the years 1 to 9999"),
        (intent("pi_1", id="import:pi_1:0"), "its id is one that the ledger gives to imports"),
    ],
)
def test_what_the_ledger_cannot_hold_is_rejected(inbox: Inbox, beyond: Event, reason: str) -> None:
    first = intent("pi_1", "processing")
    inbox.ingest(first)
    before = inbox.payment("pi_1")
    outcome, told = inbox.answer(beyond)
    assert (outcome, reason in str(told)) == ("rejected", True)
    assert list(inbox.outcomes()) == [first["id"]]
    assert inbox.payment("pi_1") == before


def test_what_the_ledger_just_holds_is_applied(inbox: Inbox) -> None:
    meta = metadata("ü" * 500, "y" * 1000)
    first, last = -62_135_596_800, 253_402_300_799
    inbox.ingest(intent("pi_1", amount=MOST, meta=meta, created=last))
    inbox.ingest(refund("pi_1", MOST, created=first))
    row = inbox.payment("pi_1")
    assert (row["amount_cents"], row["refunded_cents"]) == (MOST, MOST)
    assert (row["created_on"], row["paid_on"]) == (date.min, date.max)


def test_a_type_that_is_known_by_now_is_held_to_the_same(inbox: Inbox) -> None:
    large = event("payment_intent.created", intent("pi_1", amount=MOST + 1)["data"]["object"])
    assert inbox.ingest(large) == "ignored"
    inbox.database.execute(
        "UPDATE ledger.stripe_events SET event_type = 'payment_intent.succeeded',"
        " event = jsonb_set(event, '{type}', '\"payment_intent.succeeded\"') WHERE tenant = %s",
        (inbox.tenant,),
    )
    assert inbox.replay() == (0, 1)
    assert inbox.told() == []


def test_another_currency_is_another_account(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1"))
    inbox.ingest(intent("pi_2", currency="eur"))
    inbox.ingest(intent("pi_1", currency="chf", created=NOON + 1))
    assert inbox.told() == inbox.payments()
    assert sorted(row[2] for row in inbox.balances() if any(row[3:])) == ["CHF", "EUR"]


@pytest.mark.parametrize("order", list(permutations(range(3))))
def test_the_currency_of_a_payment_follows_from_its_events(
    inbox: Inbox, order: tuple[int, ...]
) -> None:
    events = [
        intent("pi_1", "processing", created=NOON),
        intent("pi_1", created=NOON + 1, currency="eur"),
        intent("pi_2", created=NOON + 2, currency=None),
    ]
    for number in order:
        inbox.ingest(events[number])
    assert inbox.payments() == inbox.told()
    assert [inbox.payment(key)["currency"] for key in ("pi_1", "pi_2")] == ["EUR", "USD"]


def test_an_event_without_currency_is_in_that_of_the_rents(inbox: Inbox) -> None:
    inbox.add_unit("u-1", currency="CHF")
    inbox.ingest(intent("pi_1", currency=None))
    inbox.ingest(intent("pi_2", currency=None, meta=metadata(unit="u-2")))
    assert [inbox.payment(key)["currency"] for key in ("pi_1", "pi_2")] == ["CHF", "USD"]


@pytest.mark.parametrize("imported_first", [True, False])
def test_an_import_counts_as_the_oldest_event(inbox: Inbox, imported_first: bool) -> None:
    events = [
        intent("pi_1", "processing", amount=1, meta=None),
        refund("pi_1", 700, created=NOON + 1),
        refund_object("pi_1", 200, created=NOON + 2),
    ]
    if imported_first:
        inbox.add_payment("pi_1")
    assert [inbox.ingest(event) for event in events] == (
        ["stale", "applied", "applied"] if imported_first else ["unmatched"] * 3
    )
    if not imported_first:
        inbox.add_payment("pi_1")
        assert inbox.replay() == (1, 0)
    row = inbox.payment("pi_1")
    assert (row["payment_id"], row["tenant_user_id"], row["billing_period"]) == (
        "imported",
        "user_9",
        "2024-04",
    )
    assert (row["status"], row["amount_cents"], row["paid_on"]) == (
        "succeeded",
        95_000,
        date(2024, 4, 2),
    )
    assert (row["refunded_cents"], row["refunded_on"]) == (900, date(2024, 5, 7))
    assert inbox.days("pi_1") == [
        (date(2024, 4, 2), "received", 95_000, "import", "u-9"),
        (date(2024, 5, 7), "refund", -700, "charge", "u-9"),
        (date(2024, 5, 7), "refund", -200, "refund", "u-9"),
    ]
    # A newer amount corrects what was received, on the day when it was.
    assert inbox.ingest(intent("pi_1", amount=96_000, meta=None)) == "applied"
    row = inbox.payment("pi_1")
    assert (row["amount_cents"], row["paid_on"]) == (96_000, date(2024, 4, 2))
    assert inbox.days("pi_1")[3:] == [
        (date(2024, 4, 2), "received", -95_000, "import", "u-9"),
        (date(2024, 4, 2), "received", 96_000, "import", "u-9"),
    ]


def test_what_was_refunded_before_an_import_is_read_at_the_end_of_its_day(inbox: Inbox) -> None:
    inbox.add_payment("pi_1", refunded_cents=900, refunded_on=date(2024, 4, 9))
    before = inbox.days("pi_1")
    inbox.ingest(refund("pi_1", 900))
    assert inbox.days("pi_1") == before
    inbox.ingest(refund("pi_1", 1_000, created=NOON + DAY))
    assert inbox.days("pi_1")[2:] == [(date(2024, 5, 8), "refund", -100, "charge", "u-9")]
    # The refund object tells the same refund, with its day.
    inbox.ingest(refund_object("pi_1", 900, made=1_712_620_800, created=NOON))
    assert inbox.days("pi_1")[3:] == [
        (date(2024, 4, 9), "refund", 900, "import", "u-9"),
        (date(2024, 4, 9), "refund", -900, "refund", "u-9"),
    ]
    assert inbox.payment("pi_1")["refunded_cents"] == 1_000


def test_refunds_that_were_written_on_several_days_keep_them(inbox: Inbox) -> None:
    inbox.add_payment("pi_1", refunded_cents=900, refunded_on=date(2024, 4, 9))
    inbox.database.execute(
        "UPDATE ledger.payments SET refunded_cents = 1000, refunded_on = '2024-04-20'"
        " WHERE tenant = %s",
        (inbox.tenant,),
    )
    before = inbox.days("pi_1")
    assert [row[:3] for row in before[1:]] == [
        (date(2024, 4, 9), "refund", -900),
        (date(2024, 4, 20), "refund", -100),
    ]
    inbox.ingest(refund("pi_1", 1_000))
    assert inbox.days("pi_1") == before
    assert inbox.payment("pi_1")["refunded_on"] == date(2024, 4, 20)


@pytest.mark.parametrize("imported_first", [True, False])
def test_a_payment_that_books_know_by_its_session_is_one(
    inbox: Inbox, imported_first: bool
) -> None:
    nameless = {"note": "no metadata"}
    if imported_first:
        inbox.add_payment(None, stripe_session_id="cs_pi_1")
        assert inbox.ingest(session("pi_1", meta=nameless)) == "applied"
    else:
        assert inbox.ingest(session("pi_1", meta=nameless)) == "unmatched"
        inbox.add_payment(None, stripe_session_id="cs_pi_1")
        assert inbox.replay() == (1, 0)
    [row] = inbox.rows()
    assert (row["payment_id"], row["stripe_payment_intent_id"]) == ("imported", "pi_1")
    # A session that names no intent is matched by its own id from then on.
    nameless_session = session(None, "async_payment_failed", created=NOON + 1)
    nameless_session["data"]["object"]["id"] = "cs_pi_1"
    assert inbox.ingest(nameless_session) == "stale"
    assert len(inbox.rows()) == 1


@pytest.mark.parametrize("imported_first", [True, False])
def test_a_session_that_names_no_intent_is_matched_by_its_id(
    inbox: Inbox, imported_first: bool
) -> None:
    if imported_first:
        inbox.add_payment(None, status="pending", paid_on=None, stripe_session_id="cs_None")
        assert inbox.ingest(session(None)) == "applied"
    else:
        assert inbox.ingest(session(None)) == "unmatched"
        inbox.add_payment(None, status="pending", paid_on=None, stripe_session_id="cs_None")
        assert inbox.replay() == (1, 0)
    # Another event of it names the intent: it is the same payment all the same.
    later = session("pi_1", "async_payment_succeeded", created=NOON + 1)
    later["data"]["object"]["id"] = "cs_None"
    assert inbox.ingest(later) == "applied"
    [row] = inbox.rows()
    assert (row["payment_id"], row["status"], row["amount_cents"]) == (
        "imported",
        "succeeded",
        100_000,
    )


@pytest.mark.parametrize("status", ["pending", "succeeded"])
def test_books_that_know_the_session_and_events_that_know_the_intent_become_one(
    inbox: Inbox, status: str
) -> None:
    """Whichever event is first, the payment of the books ends the same, and counts once."""
    events = [
        intent("pi_1", created=NOON + 60),
        refund_object("pi_1", 1_000, created=NOON + 2 * DAY),
        session("pi_1", created=NOON),
    ]
    ends = []
    for order in (events, events[::-1]):
        one = Inbox(inbox.database)
        one.add_payment(None, status=status, stripe_session_id="cs_pi_1")
        for given in order:
            one.ingest(given)
        [row] = [row for row in one.rows() if row["stripe_payment_intent_id"]]
        assert (row["payment_id"], row["amount_cents"], row["refunded_cents"]) == (
            "imported", 100_000, 1_000,
        )  # fmt: skip
        ends.append((row, one.movements("pi_1")))
        assert sum(balance[-1] for balance in one.balances()) == -99_000
        others = [(r["status"], r["stripe_session_id"]) for r in one.rows() if r != row]
        assert others == ([("canceled", None)] if order is events else [])
    assert ends[0] == ends[1]


def by_session(status: str = "unpaid", **fields: Any) -> Event:
    """Return the event of a session that names no intent yet."""
    given = session(None, payment_status=status, **fields)
    given["data"]["object"]["id"] = "cs_pi_1"
    return given


def test_a_payment_that_went_by_its_session_goes_by_its_intent_once_that_is_known(
    inbox: Inbox,
) -> None:
    events = [
        by_session(created=NOON, meta=None),
        intent("pi_1", created=NOON + 60),
        session("pi_1", "async_payment_succeeded", created=NOON + 90),
        refund_object("pi_1", 1_000, created=NOON + 2 * DAY),
    ]
    ends = []
    for order in permutations(events):
        one = Inbox(inbox.database)
        one.add_payment(None, status="pending", paid_on=None, stripe_session_id="cs_pi_1")
        for given in order:
            one.ingest(given)
        one.replay()
        [row] = [row for row in one.rows() if row["stripe_payment_intent_id"]]
        assert (row["payment_id"], row["stripe_payment_intent_id"]) == ("imported", "pi_1")
        assert sum(balance[-1] for balance in one.balances()) == -99_000
        ends.append((row, one.movements("pi_1"), one.told()))
    assert all(end == ends[0] for end in ends)


def test_what_was_moved_by_hand_is_not_left_to_the_books(inbox: Inbox) -> None:
    inbox.add_unit("u-2")
    inbox.add_payment(None, stripe_session_id="cs_pi_1")
    inbox.ingest(intent("pi_1"))
    payment = inbox.payment("pi_1")["payment_id"]
    inbox.database.execute(
        "CALL ledger.move_payment(%s, %s, 'user_1', 'u-2', p_reason => 'moved')",
        (inbox.tenant, payment),
    )
    inbox.ingest(session("pi_1"))
    assert inbox.payment("pi_1")["payment_id"] == payment
    assert len(inbox.rows()) == 2


def test_a_status_that_stripe_does_not_know_stays(inbox: Inbox) -> None:
    inbox.add_payment("pi_1", status="void", paid_on=None)
    inbox.ingest(dispute("pi_1"))
    row = inbox.payment("pi_1")
    assert (row["status"], row["disputed"]) == ("void", True)


def test_an_unknown_tenant_is_refused(inbox: Inbox) -> None:
    nobody = UUID(int=99)
    with refused("DC002", f"tenant {nobody}", "SELECT * FROM ops.tenants()"):
        inbox.database.execute("CALL ledger.ingest_stripe_event(%s, '{}')", (nobody,))


def test_a_login_needs_the_permission(inbox: Inbox) -> None:
    database = inbox.database
    with database.transaction(force_rollback=True):
        database.execute("CREATE ROLE duecourse_stripe_test LOGIN")
        database.execute("GRANT USAGE ON SCHEMA ledger TO duecourse_stripe_test")
        database.execute("GRANT EXECUTE ON ALL ROUTINES IN SCHEMA ledger TO duecourse_stripe_test")
        database.execute("SET SESSION AUTHORIZATION duecourse_stripe_test")
        for call in (lambda: inbox.ingest(intent("pi_1")), inbox.replay):
            with (
                pytest.raises(psycopg.errors.InsufficientPrivilege) as raised,
                database.transaction(),
            ):
                call()
            assert "regenerate" in str(raised.value.diag.message_detail)
        database.execute("RESET SESSION AUTHORIZATION")
        database.execute(
            "INSERT INTO ops.tenant_permissions (tenant, role_name, role_oid, permission,"
            " granted_at, granted_by) VALUES (%s, 'duecourse_stripe_test',"
            " 'duecourse_stripe_test'::regrole, 'billing.recurring_service_periods.regenerate',"
            " now(), 'test')",
            (inbox.tenant,),
        )
        database.execute("SET SESSION AUTHORIZATION duecourse_stripe_test")
        assert inbox.ingest(intent("pi_1")) == "applied"
        database.execute("RESET SESSION AUTHORIZATION")


def rows_read(inbox: Inbox) -> int:
    """Return how many rows of events, of what they tell and of movements were read by index."""
    inbox.database.execute("SELECT pg_stat_force_next_flush()")
    [(read,)] = inbox.database.execute(
        "SELECT sum(idx_tup_fetch)::bigint FROM pg_stat_user_tables WHERE relname = ANY (%s)",
        (["stripe_events", "stripe_refunds", "stripe_disputes", "payment_movements"],),
    ).fetchall()
    return int(read)


@pytest.mark.parametrize(
    "told",
    [
        lambda number: intent("pi_1", created=NOON + number),
        lambda number: refund("pi_1", number, created=NOON + number),
        lambda number: refund_object("pi_1", 7, created=NOON + number, made=NOON),
        lambda number: dispute(
            "pi_1", "closed", ("lost", "won")[number % 2], created=NOON + number
        ),
    ],
    ids=["status", "reading", "refund", "dispute"],
)
def test_the_next_event_of_a_subject_reads_few_of_those_before(
    inbox: Inbox, told: Callable[[int], Event]
) -> None:
    inbox.ingest(intent("pi_1", created=NOON - DAY))
    for number in range(200):
        inbox.ingest(told(number))
    before = rows_read(inbox)
    assert inbox.ingest(told(200)) == "applied"
    assert rows_read(inbox) - before < 60
