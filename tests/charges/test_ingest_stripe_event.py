"""The inbox over the ledger: what is kept, what is refused, what is held, what an import brings."""

from datetime import date
from itertools import permutations
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
    assert (lost["status"], lost["disputed"]) == ("failed", True)
    assert (lost["refunded_cents"], lost["refunded_on"]) == (100_000, date(2024, 5, 11))


def test_a_payment_moves_to_whom_its_oldest_event_names(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1", meta=metadata("user_2", "u-2")))
    inbox.ingest(intent("pi_1", "processing", meta=metadata("o'neil", "b:c"), created=NOON - 1))
    assert [row[:2] for row in inbox.balances()] == [("o'neil", "b:c")]


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
        "UPDATE ledger.stripe_events SET event = jsonb_set(event, '{type}', %s::jsonb)"
        " WHERE tenant = %s",
        ('"payment_intent.succeeded"', inbox.tenant),
    )
    assert inbox.replay() == (0, 1)
    assert inbox.told() == []


def test_another_currency_than_that_of_the_account_is_held(inbox: Inbox) -> None:
    assert inbox.ingest(intent("pi_8", meta=metadata("user_8", "u-8"))) == "applied"
    sound = inbox.payments()
    euros = intent("pi_1", meta=metadata("user_8", "u-8"), currency="eur")
    assert inbox.ingest(euros) == "applied"
    assert [each["payment_key"] for each in inbox.told()] == ["pi_1", "pi_8"]
    assert inbox.payments() == sound
    cursor = inbox.database.execute(
        "SELECT s.payment_key, s.hold_reason FROM ledger.stripe_payments AS s"
        " WHERE s.tenant = %s AND s.hold_reason IS NOT NULL",
        (inbox.tenant,),
    )
    assert cursor.fetchall() == [("pi_1", "other_currency")]
    assert inbox.replay() == (0, 0)


def test_a_payment_that_is_held_leaves_the_ledger_until_it_fits_again(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1", "processing", created=NOON + 1))
    inbox.ingest(intent("pi_2"))
    inbox.ingest(intent("pi_1", "payment_failed", currency="eur", created=NOON + 2))
    assert [each["payment_key"] for each in inbox.payments()] == ["pi_2"]
    inbox.ingest(intent("pi_1", created=NOON))
    assert inbox.payments() == inbox.told()


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
    assert [inbox.payment(key)["currency"] for key in ("pi_1", "pi_2")] == ["EUR", "EUR"]
    assert [row[2] for row in inbox.balances()] == ["EUR"]


def test_a_payment_that_moves_frees_its_account(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1"))
    inbox.ingest(intent("pi_2", currency="eur"))
    inbox.ingest(intent("pi_1", "processing", meta=metadata("user_2"), created=NOON - 1))
    assert inbox.replay() == (1, 0)
    assert inbox.payments() == inbox.told()
    assert [row[:3] for row in inbox.balances()] == [
        ("user_1", "u-1", "EUR"),
        ("user_2", "u-1", "USD"),
    ]


def test_an_event_without_currency_takes_the_accounts(inbox: Inbox) -> None:
    inbox.ingest(intent("pi_1", currency="chf"))
    inbox.ingest(intent("pi_2", currency=None))
    inbox.ingest(intent("pi_3", currency=None, meta=metadata("user_3")))
    assert [inbox.payment(key)["currency"] for key in ("pi_1", "pi_2", "pi_3")] == [
        "CHF",
        "CHF",
        "USD",
    ]


def test_an_import_counts_as_the_oldest_event(inbox: Inbox) -> None:
    inbox.add_payment("pi_1")
    assert inbox.ingest(intent("pi_1", "processing", amount=1)) == "stale"
    assert inbox.ingest(refund("pi_1", 700)) == "applied"
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
    assert (row["refunded_cents"], row["refunded_on"]) == (700, date(2024, 5, 7))
    assert inbox.ingest(intent("pi_1", amount=96_000)) == "applied"
    row = inbox.payment("pi_1")
    assert (row["amount_cents"], row["paid_on"]) == (96_000, date(2024, 5, 7))


def test_a_status_that_stripe_does_not_know_stays(inbox: Inbox) -> None:
    inbox.add_payment("pi_1", status="void", paid_on=None)
    inbox.ingest(dispute("pi_1"))
    row = inbox.payment("pi_1")
    assert (row["status"], row["disputed"]) == ("void", True)


def test_an_imported_payment_that_is_held_stays_as_it_was(inbox: Inbox) -> None:
    inbox.add_payment("pi_1")
    before = inbox.payment("pi_1")
    inbox.add_payment(None, payment_id="other")
    inbox.ingest(intent("pi_1", currency="eur"))
    inbox.ingest(refund("pi_1", 700))
    assert inbox.payment("pi_1") == before


def test_an_imported_payment_that_is_held_and_has_no_way_back_stays_as_it_is(inbox: Inbox) -> None:
    inbox.add_payment("pi_1")
    inbox.ingest(intent("pi_1", currency="eur"))
    euros = inbox.payment("pi_1")
    assert euros["currency"] == "EUR"
    inbox.ingest(intent("pi_2", currency="eur", meta=metadata("user_9", "u-9")))
    assert inbox.ingest(intent("pi_1", created=NOON + 1)) == "applied"
    assert inbox.payment("pi_1") == euros


def test_an_unknown_tenant_is_refused(inbox: Inbox) -> None:
    nobody = UUID(int=99)
    with refused("DC002", f"tenant {nobody}", "SELECT * FROM billing.tenants"):
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
