"""What an import makes of the books, and that it makes nothing of them the second time."""

import csv
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from tests.books import BOOKS, EXPECTED
from tests.conftest import Command, Database

FAULTS = BOOKS.read("manifest.json")["expected_findings"]


def fingerprint(database: Database) -> list[tuple[object, ...]]:
    """Return every table's row versions: any write, even of the same values, changes one."""
    tables = database.execute(
        "SELECT c.oid::regclass::text FROM pg_class AS c WHERE c.relkind = 'r'"
        " AND c.relnamespace IN ('billing'::regnamespace, 'ops'::regnamespace) ORDER BY 1"
    ).fetchall()
    return [
        database.execute(
            f"SELECT '{table}', count(*), md5(string_agg(t.ctid::text || t.xmin || t::text, ','"
            f" ORDER BY t.ctid)) FROM {table} AS t".encode()
        ).fetchone()
        or ()
        for (table,) in tables
    ]


def ids(database: Database, query: str) -> set[str]:
    return {str(found) for (found,) in database.execute(query.encode())}


@pytest.mark.parametrize("tenant", EXPECTED)
def test_quarantine_is_as_expected(books_database: Database, tenant: str) -> None:
    rows = books_database.execute(
        "SELECT record_id::text, quarantine_reason FROM billing.recurring_service_periods"
        " WHERE tenant = %s AND quarantine_reason IS NOT NULL",
        [tenant],
    ).fetchall()
    assert dict(rows) == BOOKS.read(EXPECTED[tenant])["summary"]["quarantined_at_import"]


def test_ends_that_were_exclusive_are_recognised(books_database: Database) -> None:
    marked = ids(
        books_database,
        "SELECT invoice_charge_detail_id FROM billing.invoice_charge_details"
        " WHERE source_end_was_exclusive",
    )
    assert marked == {fault["detail_id"] for fault in FAULTS["detail_exclusive_end"]}


def test_details_end_where_their_ledger_rows_end(books_database: Database) -> None:
    apart = ids(
        books_database,
        "SELECT r.record_id FROM billing.recurring_service_periods AS r"
        " JOIN billing.invoice_charge_details AS d USING (tenant, invoice_charge_detail_id)"
        " WHERE coalesce(r.activity_window_end, r.service_period_end) <> d.service_period_end",
    )
    assert apart == {fault["record_id"] for fault in FAULTS["detail_mismatch"]}


def test_cycles_off_midnight_are_marked(books_database: Database) -> None:
    marked = ids(
        books_database,
        "SELECT billing_cycle_id FROM billing.client_billing_cycles WHERE source_not_utc_midnight",
    )
    assert marked == {fault["billing_cycle_id"] for fault in FAULTS["cycle_not_utc_midnight"]}


def test_a_reference_is_read_as_its_day_in_utc(books_database: Database) -> None:
    days = ids(
        books_database,
        "SELECT billing_cycle_anchor_reference_date FROM billing.client_billing_settings"
        " WHERE billing_cycle_anchor_reference_date IS NOT NULL",
    )
    assert days == {"2025-01-06", "2025-09-03"}


def test_references_off_midnight_are_marked(books_database: Database) -> None:
    marked = ids(
        books_database,
        "SELECT client_id FROM billing.client_billing_settings"
        " WHERE reference_was_not_utc_midnight",
    )
    assert marked == {fault["client_id"] for fault in FAULTS["anchor_reference_not_utc_midnight"]}


def test_profiles_are_kept_as_the_books_have_them(books_database: Database, books: Path) -> None:
    with (books / "06_client_billing_profiles.csv").open(newline="") as file:
        told = {
            (
                *(row[name] for name in ("billing_profile_id", "client_id", "name")),
                *(row[name] == "t" for name in ("bills_separately", "is_active")),
            )
            for row in csv.DictReader(file)
        }
    kept = books_database.execute(
        "SELECT billing_profile_id::text, client_id::text, profile_name, bills_separately,"
        " is_active FROM billing.client_billing_profiles"
    ).fetchall()
    assert set(kept) == told
    assert {row[3] for row in kept} == {True, False}


def test_prices_are_cents_summed_over_configurations(books_database: Database) -> None:
    wrong = ids(
        books_database,
        "SELECT l.contract_line_id FROM billing.contract_lines AS l WHERE l.unit_price_cents <>"
        " (SELECT coalesce(sum(c.rate_cents * c.quantity), 0)"
        " FROM billing.contract_line_configurations AS c"
        " WHERE (c.tenant, c.contract_line_id) = (l.tenant, l.contract_line_id))",
    )
    assert wrong == set()
    other = ids(
        books_database,
        "SELECT d.invoice_charge_detail_id FROM billing.invoice_charge_details AS d"
        " JOIN billing.contract_line_configurations AS c USING (tenant, config_id)"
        " WHERE c.rate_cents <> d.rate_cents OR c.contract_line_id <> d.contract_line_id",
    )
    assert other == set()


def test_ids_that_name_nothing_are_kept_aside(books_database: Database) -> None:
    [fault] = FAULTS["billed_dangling_link"]
    row = books_database.execute(
        "SELECT invoice_id, invoice_charge_id, invoice_charge_detail_id, invoice_linked_at,"
        " unresolved_linkage ->> 'invoice_id' FROM billing.recurring_service_periods"
        " WHERE record_id = %s",
        [fault["record_id"]],
    ).fetchone()
    assert row == (None, None, None, None, fault["missing_invoice_id"])


def test_every_ledger_row_is_kept(books_database: Database) -> None:
    tables = {table["table"]: table["rows"] for table in BOOKS.read("manifest.json")["tables"]}
    for table in ("recurring_service_periods", "invoice_charge_details", "client_billing_cycles"):
        query = f"SELECT count(*) FROM billing.{table}".encode()
        assert books_database.execute(query).fetchone() == (tables[table],)


def test_rows_know_whom_they_bill(books_database: Database) -> None:
    wrong = ids(
        books_database,
        "SELECT r.record_id FROM billing.recurring_service_periods AS r"
        " LEFT JOIN billing.recurring_obligations AS o USING (tenant, obligation_id)"
        " WHERE r.client_id IS DISTINCT FROM o.client_id",
    )
    assert wrong == set()


def test_the_second_time_changes_nothing(
    books_database: Database, books_dsn: str, books: Path, duecourse: Command
) -> None:
    before = fingerprint(books_database)
    done = duecourse("import", books, "--dsn", books_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert fingerprint(books_database) == before


def test_a_dry_run_shows_the_same_and_writes_nothing(
    database: Database, dsn: str, books: Path, duecourse: Command
) -> None:
    before = fingerprint(database)
    dry = duecourse("import", books, "--dry-run", "--format", "json", "--dsn", dsn)
    assert (dry.returncode, dry.stderr) == (0, "")
    assert fingerprint(database) == before
    real = duecourse("import", books, "--format", "json", "--dsn", dsn)
    assert real.stdout == dry.stdout
    assert '"new": 4706' in real.stdout


def test_sources_follow_the_books(
    books_database: Database, books_dsn: str, books: Path, duecourse: Command
) -> None:
    clients = books / "04_clients.csv"
    clients.write_text(clients.read_text().replace("Umber Schools,monthly", "Umber,weekly"))
    done = duecourse("import", books, "--dsn", books_dsn)
    [line] = [line for line in done.stdout.splitlines() if line.startswith("clients ")]
    assert line.split() == ["clients", "98", "0", "1", "0", "97"]
    assert books_database.execute(
        "SELECT billing_cycle FROM billing.clients WHERE client_name = 'Umber'"
    ).fetchall() == [("weekly",)]


def test_lines_that_were_made_from_presets_are_planned(
    books_database: Database, database: Database, dsn: str, books: Path, duecourse: Command
) -> None:
    """The source leaves is_template true; where the contract is assigned, that says nothing."""
    lines = books / "10_contract_lines.csv"
    with lines.open(newline="") as file:
        reader = csv.DictReader(file)
        rows = [{**row, "is_template": "t"} for row in reader]
    with lines.open("w", newline="") as file:
        writer = csv.DictWriter(file, reader.fieldnames or (), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    done = duecourse("import", books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert ids(database, "SELECT DISTINCT is_template FROM billing.contract_lines") == {"True"}
    for tenant in EXPECTED:
        plan = (
            "SELECT plan_hash FROM billing.plan_summary("
            f"p_tenant => '{tenant}', p_as_of => '2026-11-20', p_mode => 'backfill')"
        )
        assert ids(database, plan) == ids(books_database, plan)


def test_a_repair_is_not_undone(
    books_database: Database, books_dsn: str, books: Path, duecourse: Command
) -> None:
    for tenant in EXPECTED:
        books_database.execute(
            "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => '2026-11-20')",
            [tenant],
        )
    before = fingerprint(books_database)
    done = duecourse("import", books, "--dsn", books_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert fingerprint(books_database) == before


@pytest.mark.parametrize(("shared_days", "quarantined"), [(0, None), (1, "overlap")])
def test_rows_collide_when_they_share_a_day(
    database: Database,
    dsn: str,
    books: Path,
    duecourse: Command,
    shared_days: int,
    quarantined: str | None,
) -> None:
    ledger = books / "15_recurring_service_periods.csv"
    with ledger.open(newline="") as file:
        rows = list(csv.DictReader(file))
    rows.sort(key=lambda row: (row["schedule_key"], row["service_period_start"]))
    first, second = next(
        (one, other)
        for one, other in pairwise(rows)
        if one["schedule_key"] == other["schedule_key"]
        and one["service_period_end"] == other["service_period_start"]
        and one["lifecycle_state"] == other["lifecycle_state"] == "generated"
    )
    end = date.fromisoformat(first["service_period_end"][:10]) + timedelta(days=shared_days)
    first["activity_window_start"] = first["service_period_start"]
    first["activity_window_end"] = str(end)
    first["service_period_end"] = second["service_period_end"]
    with ledger.open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    done = duecourse("import", books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    reasons: dict[str, str | None] = dict(
        database.execute(
            "SELECT record_id::text, quarantine_reason FROM billing.recurring_service_periods"
            " WHERE record_id::text = ANY (%s)",
            [[first["record_id"], second["record_id"]]],
        ).fetchall()
    )
    assert reasons == {first["record_id"]: None, second["record_id"]: quarantined}
