"""A revert takes back what a run did: the live ledger is as before, later work is named."""

from datetime import timedelta
from typing import Any

import psycopg
import pytest

from tests.charges.owner import Owner
from tests.charges.runs import backfill, post_rent, tenancy
from tests.charges.runs import fill as fill_payments
from tests.conftest import Database
from tests.invoices.books import Billing
from tests.invoices.linkage import dangling, repair, row_of, unlinked
from tests.runs.operators import ask, running
from tests.service_periods.books import (
    AS_OF,
    FEBRUARY,
    JANUARY,
    LEDGER,
    MARCH,
    Books,
    Line,
    Row,
    fill,
    fingerprint,
)

#: What tells one revision from another, and what holds it.
ROWS = {"row_before", "row_after"}
NEW = {"record_id", "revision", "supersedes_record_id", "created_at", "updated_at"}


def revert(books: Any, run_key: str = "k", **arguments: object) -> tuple[int, str]:
    """CALL revert_run; return rows and status."""
    given = {"tenant": books.tenant, "run_key": run_key, "reason": "wrong day", **arguments}
    named = ", ".join(f"p_{name} => %({name})s" for name in given)
    row = books.database.execute(f"CALL ops.revert_run({named})".encode(), given).fetchone()
    assert row is not None
    rows, status = row
    return rows, status


def refused(books: Any, /, run_key: str = "k", **arguments: object) -> tuple[str, str, str]:
    """Return SQLSTATE, DETAIL and HINT of a refusal, which writes nothing."""
    before = fingerprint(books.database)
    for dry_run in (True, False):
        with pytest.raises(psycopg.Error) as raised:
            revert(books, run_key, dry_run=dry_run, **arguments)
        found = raised.value.diag
    assert fingerprint(books.database) == before
    return found.sqlstate or "", found.message_detail or "", found.message_hint or ""


def live(books: Books, line: Line | None = None) -> list[Row]:
    """Return the live rows but for what tells one revision from another."""
    return [
        {name: value for name, value in row.items() if name not in NEW}
        for row in books.ledger(line)
        if row["lifecycle_state"] not in ("superseded", "archived")
    ]


def plan(books: Books, mode: str = "backfill", **arguments: object) -> list[Row]:
    """Return the rows of a plan and its counts, but for ids and revisions."""
    summary = books.summary(mode, **arguments)
    return [
        {name: value for name, value in row.items() if name not in {*NEW, *ROWS}}
        for row in books.select("plan_service_periods", mode=mode, **arguments)
    ] + [{name: summary[name] for name in summary if name not in ("plan_hash", "new_escalations")}]


def sound(books: Any) -> None:
    """Assert that no check finds an error, but that there is a plan to make rows."""
    rows = books.database.execute(
        "SELECT check_name, object_key, detail FROM ops.verify(%s, %s)"
        " WHERE severity = 'error' AND check_name NOT IN ('pending_plan', 'coverage')",
        (books.tenant, AS_OF),
    ).fetchall()
    assert rows == []


@pytest.fixture
def books(database: Database) -> Billing:
    """Return a tenant of its own."""
    return Billing(database)


@pytest.fixture
def owner(database: Database) -> Owner:
    """Return a small charge ledger."""
    return Owner(database)


def balances(owner: Owner) -> list[Any]:
    """Return the balances on several days of who owes or paid; accounts never go."""
    return [
        [row for row in owner.select("balances", as_of=day) if any(list(row.values())[3:])]
        for day in (None, "2026-03-15", "2026-05-01", "2026-05-02", "2026-05-20")
    ]


@pytest.mark.parametrize("kind", ["backfill_charges", "post_rent"])
def test_charges_are_reversed_on_their_days(owner: Owner, kind: str) -> None:
    fill_payments(owner, 5)
    tenancy(owner, "2026-03-10")
    run = {"backfill_charges": backfill, "post_rent": post_rent}[kind]
    reading, given = {
        "backfill_charges": ("charge_backfill_summary", {}),
        "post_rent": ("rent_summary", {"as_of": "2026-05-20"}),
    }[kind]
    before, plan_before = balances(owner), owner.select(reading, **given)
    rows, _, status = run(owner, run_key="k")
    assert (rows > 0, status) == (True, "done")
    made = owner.rows("charges")
    assert revert(owner, dry_run=True) == (rows, "done")
    assert owner.rows("charges") == made
    assert revert(owner) == (rows, "reverted")
    assert balances(owner) == before
    [summary], [was] = owner.select(reading, **given), plan_before
    assert summary["plan_hash"] == was["plan_hash"]
    for charge in made:
        assert owner.rows("charges")[charge]["reversed_at"] is not None
    after = owner.rows("charges")
    assert {c["description"] for c in after.values() if c["reverses_charge_id"]} == {"wrong day"}
    assert revert(owner) == (0, "reverted")
    assert owner.rows("charges") == after
    with pytest.raises(psycopg.Error) as raised:
        run(owner, run_key="k")
    found = raised.value.diag
    assert (found.sqlstate, found.message_hint) == (
        "DC005", "Choose another p_run_key, and the run is made anew.")  # fmt: skip
    assert (found.message_detail or "").startswith(f"k of {kind} was reverted at 20")
    assert run(owner, run_key="again")[0] == rows
    assert revert(owner, "again") == (rows, "reverted")
    assert balances(owner) == before


def test_a_charge_that_was_reversed_or_repeated_is_named(owner: Owner) -> None:
    owner.payment()
    backfill(owner, run_key="k")
    [charge] = owner.rows("charges")
    copy = owner.charge(duplicates_charge_id=charge)
    sqlstate, detail, hint = refused(owner)
    assert (sqlstate, hint) == (
        "DC109", "CALL ledger.reverse_charge for each charge of it that is to go.")  # fmt: skip
    assert detail == (
        f"run k of backfill_charges: charge {charge} (2026-05 of r-1, u-1): charge {copy} was "
        "recorded as its duplicate"
    )
    owner.reverse(copy)
    owner.reverse(charge)
    assert refused(owner)[1].startswith(
        f"run k of backfill_charges: charge {charge} (2026-05 of r-1, u-1): reversed at 20"
    )


def test_charges_of_two_kinds_with_one_key_cannot_be_told_apart(owner: Owner) -> None:
    owner.payment(period="2026-02")
    tenancy(owner, "2026-03-10")
    backfill(owner, run_key="k")
    post_rent(owner, run_key="k")
    assert refused(owner)[:2] == ("DC001", "runs of backfill_charges and post_rent have the key k")
    assert refused(owner, procedure_name="post_rent")[:2] == (
        "DC109",
        "runs of backfill_charges and post_rent have the key k: their charges cannot be told apart",
    )


def test_rows_made_where_nothing_was_are_archived(books: Billing) -> None:
    fill(books, 4)
    before = plan(books)
    result = books.call(run_key="k", batch_size=2)
    assert revert(books, dry_run=True) == (result["o_rows"], "done")
    assert len(live(books)) == result["o_rows"]
    assert revert(books) == (result["o_rows"], "reverted")
    assert (live(books), plan(books)) == ([], before)
    assert {row["lifecycle_state"] for row in books.ledger()} == {"archived"}
    run = books.run("k")
    assert (run["status"], run["reverted_by"], run["revert_reason"]) == (
        "reverted", books.database.info.user, "wrong day")  # fmt: skip
    assert run["finished_at"] <= run["reverted_at"]
    assert books.call(run_key="again") == {**result, "o_batches": 1}
    assert {row["revision"] for row in books.ledger() if row["source_run_key"] == "again"} == {2}
    sound(books)
    assert revert(books, "again") == (result["o_rows"], "reverted")
    assert live(books) == []


def rarely(books: Books, line: Line) -> None:
    """Bill a line quarterly, so that of three rows one is replaced and two are taken away."""
    books.database.execute(
        "UPDATE billing.contract_lines SET billing_frequency = 'quarterly'"
        " WHERE contract_line_id = %s",
        (line.obligation,),
    )


def test_replaced_rows_come_back_as_new_revisions(books: Billing) -> None:
    line = books.line(owner="contract")
    books.call(run_key="first")
    rarely(books, line)
    before, planned = live(books), plan(books, "regenerate")
    result = books.call("regenerate", run_key="k")
    counts = books.run("k")["counts"]
    assert min(counts[name] for name in ("superseded", "regenerated")) > 0
    assert counts["superseded"] > counts["regenerated"]
    assert revert(books) == (result["o_rows"], "reverted")
    assert (live(books), plan(books, "regenerate")) == (before, planned)
    sound(books)
    # Again, and again back, and then what was there first.
    assert books.call("regenerate", run_key="again")["o_rows"] == result["o_rows"]
    assert revert(books, "again") == (result["o_rows"], "reverted")
    assert live(books) == before
    assert revert(books, "first") == (len(before), "reverted")
    assert live(books) == []
    sound(books)


def test_an_unfinished_run_is_taken_back_as_far_as_it_came(books: Billing) -> None:
    fill(books, 4)
    assert books.call(run_key="k", batch_size=2, max_batches=1)["o_status"] == "partial"
    assert revert(books, dry_run=True) == (14, "partial")
    assert revert(books) == (14, "reverted")
    assert books.run("k")["finished_at"] is not None
    assert live(books) == []


def test_what_stands_on_a_row_is_named(books: Billing) -> None:
    line = books.line()
    books.call(run_key="k")
    first = books.ledger()[0]
    hint = (
        "Undo that first, the last one first; or correct its rows one by one (CALL "
        "billing.archive_service_period)."
    )

    def reason(record: Row, why: str) -> tuple[str, str, str]:
        days = f"{record['service_period_start']} to {record['service_period_end']}"
        return (
            "DC109",
            f"run k of backfill_service_periods: row {record['record_id']} ({days}) {why}",
            hint,
        )

    def state(name: str, record: Row, /, **linkage: object) -> None:
        books.database.execute(
            f"UPDATE {LEDGER} SET lifecycle_state = %(state)s, invoice_id = %(invoice_id)s,"
            " invoice_charge_id = %(invoice_charge_id)s,"
            " invoice_charge_detail_id = %(invoice_charge_detail_id)s,"
            " invoice_linked_at = %(invoice_linked_at)s WHERE record_id = %(id)s".encode(),
            {"state": name, "id": record["record_id"], **linkage},
        )

    linked = books.invoice(line, JANUARY, FEBRUARY)
    none = dict.fromkeys(linked)
    state("billed", first, **linked)
    assert refused(books) == reason(first, "is billed")
    state("locked", first, **none)
    assert refused(books) == reason(first, "is locked")


@pytest.mark.parametrize("work", ["skip", "archive", "retire", "edit"])
def test_what_was_done_to_a_row_is_named(books: Billing, work: str) -> None:
    line = books.line()
    books.call(run_key="k")
    row = books.ledger()[1]
    given: dict[str, object] = {"record_id": row["record_id"], "reason": "why"}
    if work == "retire":
        given = {"schedule_key": line.schedule_key, "as_of": AS_OF, "reason": "why"}
        books.perform("retire_schedule", **given)
        row = books.ledger()[1]
    elif work == "edit":
        books.perform(
            "edit_service_period",
            **given,
            invoice_window_start=FEBRUARY + timedelta(days=1),
            invoice_window_end=MARCH,
        )
    else:
        books.perform(f"{work}_service_period", **given)
    by = books.ledger()[2]["record_id"]
    why = {
        "skip": f"is replaced by row {by} of edit:skipped",
        "edit": f"is replaced by row {by} of edit:boundary_adjusted",
        "archive": "is archived",
        "retire": "is superseded",
    }[work]
    days = f"{row['service_period_start']} to {row['service_period_end']}"
    sqlstate, detail, _ = refused(books)
    assert sqlstate == "DC109"
    assert detail == f"run k of backfill_service_periods: row {row['record_id']} ({days}) {why}"


def test_a_later_run_over_its_schedules_is_named(books: Billing) -> None:
    books.line()
    books.call(run_key="k")
    books.call("replenish", run_key="later", as_of="2025-06-01")
    assert len(live(books)) > 7
    sqlstate, detail, _ = refused(books)
    assert sqlstate == "DC109"
    assert detail.startswith(
        "run k of backfill_service_periods: run later of replenish_service_periods wrote row "
    )
    revert(books, "later")
    assert revert(books) == (7, "reverted")
    assert live(books) == []


def test_what_the_run_accepted_is_forgotten(books: Billing) -> None:
    line = books.line()
    start = AS_OF + timedelta(days=40)
    books.period(line, start, start + timedelta(days=3), lifecycle_state="edited")
    before = live(books), plan(books)
    books.call(run_key="k", accept_escalations=books.summary()["plan_hash"])
    accepted = "SELECT count(*) FROM billing.accepted_escalations WHERE tenant = %s"
    assert books.database.execute(accepted, (books.tenant,)).fetchone() != (0,)
    revert(books)
    assert books.database.execute(accepted, (books.tenant,)).fetchone() == (0,)
    assert (live(books), plan(books)) == before


def test_repaired_linkage_is_put_back(books: Billing) -> None:
    gone, line = dangling(books, books.priced()), books.line()
    found = unlinked(books, line)
    books.invoice(line, JANUARY, FEBRUARY)
    before = {record: row_of(books, record) for record in (gone, found)}
    assert repair(books, run_key="k") == (2, "done")
    assert revert(books, dry_run=True) == (2, "done")
    assert revert(books) == (2, "reverted")
    for record, row in before.items():
        assert {**row_of(books, record), "updated_at": None} == {**row, "updated_at": None}
    events = books.database.execute(
        "SELECT event_kind, reason, row_before ->> 'lifecycle_state',"
        " row_after ->> 'lifecycle_state' FROM billing.service_period_events"
        " WHERE tenant = %s AND record_id = %s ORDER BY acted_at",
        (books.tenant, gone),
    ).fetchall()
    assert events[1:] == [("repair_reverted", "wrong day", "locked", "billed")]
    assert repair(books, run_key="again") == (2, "done")
    books.perform("archive_service_period", record_id=gone, reason="why")
    assert refused(books, "again") == (
        "DC109",
        f"run again of repair_invoice_linkage: row {gone} has changed since: it is archived "
        "(unlinked)",
        "Undo that first, the last one first.",
    )


def test_runs_that_are_not_reverted(books: Billing) -> None:
    books.line()
    books.call(run_key="k")
    sqlstate, detail, _ = refused(books, "other")
    assert (sqlstate, detail) == ("DC003", f"run other of tenant {books.tenant}")
    with pytest.raises(psycopg.Error) as raised:
        revert(books, reason=" ")
    assert (raised.value.diag.sqlstate, raised.value.diag.message_detail) == (
        "DC001", "p_reason is null or blank")  # fmt: skip


def test_a_run_that_runs_is_not_reverted(books: Billing, dsn: str) -> None:
    fill(books, 6)
    with running(dsn, books):
        with pytest.raises(psycopg.Error) as raised:
            revert(books)
        found = raised.value.diag
        assert (found.sqlstate, found.message_detail, found.message_hint) == (
            "DC009",
            "run k of backfill_service_periods is running",
            "Cancel it, or wait for its end; then call again.",
        )
        ask(books.database, "cancel")
    assert revert(books) == (14, "reverted")


def test_the_cycles_of_a_night_stay(books: Billing) -> None:
    books.line()
    books.call(run_key="k")
    books.database.execute(
        "UPDATE ops.runs SET procedure_name = 'advance_billing_cycles' WHERE run_key = 'k'"
    )
    assert refused(books) == (
        "DC009",
        "run k is of advance_billing_cycles, which is not reverted as a whole: due work stands on "
        "the billing cycles that it made",
        "Revert the runs that made its rows, or correct what is wrong one by one.",
    )
