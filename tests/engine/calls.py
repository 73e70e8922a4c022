"""Every public routine is called, on books in which it finds something to do."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import Config
from duecourse.database import connect
from duecourse.sample_books import AS_OF, SAMPLES, TENANT
from tests.charges.owner import Owner
from tests.charges.runs import backfill, post_rent, tenancy
from tests.charges.stripe_events import (
    dispute,
    intent,
    metadata,
    refund,
    refund_object,
    session,
)
from tests.charges.stripe_inbox import Inbox
from tests.checks.waived import Waived
from tests.conftest import Database
from tests.invoices.books import LATE, Billing
from tests.invoices.linkage import dangling, repair, unlinked
from tests.runs.operators import ask
from tests.service_periods.books import (
    APRIL,
    FEBRUARY,
    JANUARY,
    MARCH,
    fill,
)
from tests.service_periods.test_reviewed_plans import accept, conflicting, move_anchor
from tests.test_readings import READINGS, Scene

Heed = Callable[[psycopg.errors.Diagnostic], None]


def call_everything(dsn: str, heed: Heed) -> None:
    """Call the public routines one after another; ``heed`` is told what they say."""
    with psycopg.connect(dsn, autocommit=True) as database:
        database.add_notice_handler(heed)
        database.execute("SET track_functions = 'pl'")
        scene = Scene(database)
        for reading in READINGS:
            scene.read(reading)
        _bill(database)
        change_periods(database)
        _link(database)
        move_charges(database)
        take_events(database)
        _waive(database)
        _rule(database)
    with connect(dsn) as connection:
        connection.add_notice_handler(heed)
        connection.execute("SET track_functions = 'pl'")
        for name in SAMPLES:
            import_folder(connection, SAMPLES[name])
            import_folder(connection, SAMPLES[name])
        _sample(connection)


def _bill(database: Database) -> None:
    """Fall back to cycles, preview, generate, withdraw, advance."""
    books = Billing(database)
    client = books.named("Client")
    for timing in ("advance", "arrears"):
        for owner in ("client", "contract"):
            books.priced(client, timing=timing, owner=owner)
    books.cycles(client, JANUARY, FEBRUARY, MARCH)
    recorded = books.line(client, contract_line_type="Usage")
    books.record(recorded, JANUARY, 100)
    books.insert(
        "billing.client_billing_settings", client_id=client, suppress_zero_dollar_invoices=True
    )
    for limit in (None, 1):
        assert books.due(limit=limit, as_of=LATE)
        assert books.candidates(limit=limit, as_of=LATE)
    assert books.generate(client)["o_status"] == "refused"
    books.select("verify")
    books.select("cutover_checklist")
    books.perform("advance_billing_cycles", as_of=LATE)
    assert books.due(as_of=LATE, limit=1)
    assert books.candidates(as_of=LATE, limit=1)
    made = [books.generate(client, as_of=LATE)["o_invoice_id"] for _ in range(1)]
    made.append(books.generate(client, (FEBRUARY, MARCH))["o_invoice_id"])
    books.perform("delete_invoice", invoice_id=made[0], reason="wrong")
    books.perform("reverse_invoice", invoice_id=made[1], reason="wrong")
    books.history()
    books.perform("attest_cutover_step", step=1, note="done")
    books.select("cutover_checklist", as_of=LATE)


def change_periods(database: Database) -> None:
    """Backfill, regenerate, replenish, revert, edit, skip, defer, archive, retire."""
    books = Billing(database)
    fill(books, 4)
    line = conflicting(books)
    books.call(run_key="k", batch_size=2, max_batches=1)
    ask(database, "pause", tenant=books.tenant)
    ask(database, "resume", tenant=books.tenant)
    with psycopg.connect(database.info.dsn) as other:
        other.execute("SELECT FROM ops.tenant_locks FOR UPDATE")
        assert books.call(run_key="l", lock_timeout="1 ms")["o_status"] == "locked"
    books.call(run_key="l", batch_size=1, max_batches=2, pause="1 ms")
    books.call(run_key="c", batch_size=1, max_batches=1)
    ask(database, "cancel", tenant=books.tenant, run_key="c")
    accept(books, run_key="a")
    moved = books.line()
    books.call("backfill", run_key="first")
    move_anchor(books, moved, 15)
    for dry_run in (True, False):
        books.call("regenerate", run_key=None if dry_run else "r", dry_run=dry_run)
    books.call("replenish", as_of=APRIL, run_key="p")
    database.execute("CALL ops.revert_run(%s, 'p', p_reason => 'wrong day')", [books.tenant])
    rows = [row for row in books.ledger(moved) if row["lifecycle_state"] == "generated"]
    first, second, third, *_, last = (row["record_id"] for row in rows)
    books.perform("skip_service_period", record_id=first, reason="agreed")
    books.perform("archive_service_period", record_id=second, reason="wrong")
    start, end = rows[2]["invoice_window_start"], rows[2]["invoice_window_end"]
    books.perform(
        "defer_service_period", record_id=third, reason="later", invoice_window_start=end,
        invoice_window_end=end + (end - start),
    )  # fmt: skip
    books.perform(
        "edit_service_period", record_id=last, reason="sooner",
        activity_window_start=rows[-1]["service_period_start"],
        activity_window_end=rows[-1]["service_period_end"] - JANUARY.resolution,
    )  # fmt: skip
    books.perform("retire_schedule", schedule_key=line.schedule_key, as_of=LATE, reason="ended")
    books.select("verify")


def _link(database: Database) -> None:
    """Repair linkage, revert it."""
    books = Billing(database)
    client = books.client()
    for make in (dangling, unlinked):
        make(books, books.line(client))
    for arguments in ({"dry_run": True}, {"run_key": "k"}):
        repair(books, **arguments)
    books.select("linkage_script", schedule_key=None, client_id=client)
    database.execute("CALL ops.revert_run(%s, 'k', p_reason => 'wrong')", [books.tenant])
    books.select("verify")


def move_charges(database: Database) -> None:
    """Backfill charges, post rent, post, reverse; record, correct, refund and move payments."""
    owner = Owner(database)
    owner.payment()
    owner.payment(period="soon")
    tenancy(owner, "2026-01-01")
    for run in (backfill, post_rent):
        run(owner, dry_run=True)
        run(owner, run_key=run.__name__, batch_size=1)
        database.execute(
            "CALL ops.revert_run(%s, %s, p_reason => 'wrong')", [owner.tenant, run.__name__]
        )
    owner.reverse(owner.post(type="late_fee", amount_cents=5, description="late"))
    payment = owner.record()
    owner.correct(payment, amount_cents=90_000)
    owner.refund(payment, 10_000)
    owner.move(payment, unit_id="u-2")
    owner.select("show_payment", payment_id=payment)
    database.execute("SELECT * FROM ledger.verify(%s, %s)", [owner.tenant, LATE])


def take_events(database: Database) -> None:
    """Receive events of Stripe, some before their settings, and replay them."""
    inbox = Inbox(database)
    for unit in ("u-1", "u-2"):
        inbox.add_unit(unit, timezone="America/New_York")
    inbox.add_payment(None, payment_id="of a session", stripe_session_id="cs_None")
    named = session("pi_5", "async_payment_succeeded")
    named["data"]["object"]["id"] = "cs_None"
    for event in (
        intent("pi_1", "processing"), intent("pi_1"), refund("pi_1", 1_000),
        refund_object("pi_1", 1_000), dispute("pi_1"), dispute("pi_1", "closed"),
        intent("pi_2", meta={"renter": "r"}), intent("pi_3", meta=metadata(unit="u-9")),
        session("pi_1"), session(None), named,
    ):  # fmt: skip
        inbox.ingest(event)
    inbox.add_payment("pi_4")
    inbox.ingest(intent("pi_4"))
    [(payment,)] = database.execute(
        "SELECT p.payment_id FROM ledger.payments AS p"
        " WHERE p.tenant = %s AND p.stripe_payment_intent_id = 'pi_1'",
        [inbox.tenant],
    )
    database.execute(
        "CALL ledger.move_payment(%s, %s, p_unit_id => 'u-2', p_reason => 'of another')",
        [inbox.tenant, payment],
    )
    inbox.set(metadata_keys={"tenant_id": "renter"}, livemode=False)
    inbox.replay()
    inbox.add_unit("u-9", timezone="America/New_York")
    inbox.replay("pi_3")


def _waive(database: Database) -> None:
    """Record what checks find, waive a check and end that."""
    scene = Waived(database)
    scene.record(("coverage", "ok"))
    scene.waive()
    scene.waivers()
    assert scene.end() == 1
    scene.history()


def _rule(database: Database) -> None:
    """Grant and revoke, ask who may do what, and what there is."""
    role = f"{database.info.dbname}_operator"
    database.execute(f"CREATE ROLE {role}".encode())
    try:
        for routine in ("grant", "revoke"):
            database.execute(f"CALL ops.{routine}_permission(NULL, %s)".encode(), [role])
    finally:
        database.execute(f"DROP OWNED BY {role}".encode())
        database.execute(f"DROP ROLE {role}".encode())
    for reading in (
        "ops.tenants()", "ops.find_tenants('a')", "ops.all_tenants('view')", "ops.help()",
        "ops.run_status()", "ops.run_records(NULL)", "ops.verify(NULL, current_date)",
    ):  # fmt: skip
        database.execute(f"SELECT * FROM {reading}".encode())


def import_folder(connection: Any, folder: Path) -> None:
    files, _warnings = find_files(connection, Config(), folder)
    with TemporaryDirectory() as name:
        import_books(connection, Config(), files, rejects=Path(name) / "rejects.csv")


def _sample(connection: Any) -> None:
    """Read the sample books before a run over all tenants and after it."""
    given = {"tenant": TENANT, "as_of": AS_OF}
    readings = (
        "ops.verify", "billing.due_work", "billing.invoice_candidates", "billing.escalations",
        "billing.cutover_checklist", "billing.plan_linkage_repair", "billing.linkage_script",
    )  # fmt: skip
    for reading in readings:
        connection.execute(f"SELECT * FROM {reading}(%(tenant)s, %(as_of)s)", given)
    for mode in ("backfill", "regenerate", "replenish"):
        for reading in ("plan_summary", "plan_service_periods", "plan_script"):
            connection.execute(
                f"SELECT * FROM billing.{reading}(%(tenant)s, %(as_of)s, p_mode => %(mode)s)",
                {**given, "mode": mode},
            )
        connection.execute(f"CALL billing.{mode}_service_periods(NULL, %(as_of)s)", given)
    for routine in ("billing.advance_billing_cycles", "billing.repair_invoice_linkage",
                    "ledger.post_rent"):  # fmt: skip
        connection.execute(f"CALL {routine}(NULL, %(as_of)s)", given)
    connection.execute("CALL ledger.backfill_charges(NULL)")
    for reading in readings:
        connection.execute(f"SELECT * FROM {reading}(%(tenant)s, %(as_of)s)", given)
