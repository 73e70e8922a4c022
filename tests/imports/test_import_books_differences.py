"""Books imported again: what differs from what is there is named, and what was done here is not."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import Command, Database
from tests.imports.test_import_books import fingerprint
from tests.imports.test_import_books_bad_input import edit

LEDGER = "15_recurring_service_periods.csv"
FILE = "duecourse-import-differences.csv"

Row = dict[str, str]


class Source:
    """The sample books, imported once into a database, and their folder to change."""

    def __init__(self, folder: Path, dsn: str, database: Database, duecourse: Command) -> None:
        self.folder = folder
        self.database = database
        self._arguments = ("--dsn", dsn)
        self._duecourse = duecourse
        folder.mkdir()
        for file in SAMPLE.iterdir():
            (folder / file.name).write_bytes(file.read_bytes())
        assert self.run().stderr == ""

    def run(self, *arguments: str) -> Any:
        """Import the folder."""
        done = self._duecourse("import", self.folder, *arguments, *self._arguments)
        assert done.returncode == 0, done.stderr
        return done

    def summary(self) -> dict[str, Any]:
        """Return what an import tells as JSON."""
        return dict(json.loads(self.run("--format", "json").stdout))

    def differences(self) -> dict[tuple[str, int], dict[str, Any]]:
        """Return the columns that differ, by file and line."""
        found = self.summary()["differences"]
        return {(line["file"], line["line"]): line["columns"] for line in found}

    def lines(self, name: str) -> Iterator[tuple[int, Row]]:
        """Yield the lines of a file by their numbers."""
        with (self.folder / name).open(newline="") as file:
            yield from enumerate(csv.DictReader(file), start=2)

    def first(self, name: str, **columns: str) -> tuple[int, Row]:
        """Return the first line that has these values."""
        return next(
            (number, row) for number, row in self.lines(name) if columns.items() <= row.items()
        )

    def call(self, procedure: str, *arguments: object) -> None:
        """CALL a procedure for the tenant."""
        marks = ", ".join(["%s"] * (len(arguments) + 1))
        call = f"CALL billing.{procedure}({marks})".encode()
        self.database.execute(call, (TENANT, *arguments))


@pytest.fixture
def source(tmp_path: Path, dsn: str, database: Database, duecourse: Command) -> Source:
    """Return the sample books, imported once."""
    return Source(tmp_path / "source", dsn, database, duecourse)


#: A column of each file, another value for it, and what becomes of the row.
CHANGES = [
    ("01_tenants.csv", "client_name", "Other", "updated"),
    ("04_clients.csv", "client_name", "Łódź “Ltd”", "updated"),
    ("05_client_billing_settings.csv", "suppress_zero_dollar_invoices", "t", "updated"),
    ("06_client_billing_profiles.csv", "bills_separately", "t", "updated"),
    ("07_client_billing_cycles.csv", "is_active", "f", "updated"),
    ("08_contracts.csv", "status", "expired", "updated"),
    ("09_client_contracts.csv", "end_date", "2031-01-01", "updated"),
    ("10_contract_lines.csv", "is_template", "t", "updated"),
    ("11_contract_line_service_configuration.csv", "configuration_type", "Other", "updated"),
    ("12_invoices.csv", "status", "paid late", "kept"),
    ("13_invoice_charges.csv", "unit_price", "77", "kept"),
    ("14_invoice_charge_details.csv", "rate", "78", "kept"),
    (LEDGER, "source_rule_version", "other", "kept"),
]


def test_every_table_is_compared(source: Source, tmp_path: Path) -> None:
    for name, column, value, _ in CHANGES:
        edit(source.folder, name, 3 if name > "02" else 2, **{column: value})
    before = fingerprint(source.database)
    done = source.run("--dry-run")
    assert fingerprint(source.database) == before
    assert done.stderr == (
        f"warning: lines that differ from rows that stay as they are: 4; see {FILE}\n"
    )
    assert "dry run: nothing was written" in done.stdout
    assert (
        "invoices                               57    0        0          1        56"
        in done.stdout
    )
    with (tmp_path / FILE).open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "line", "column", "existing", "imported", "outcome"]
    found = {(row[0], row[2]): (row[4], row[5]) for row in rows}
    for name, column, value, outcome in CHANGES:
        shown = {"t": "true", "f": "false"}.get(value, value)
        assert found[name, column] == (shown, outcome)
        assert f"{name} " in done.stdout
    assert [row[5] for row in rows] == sorted(row[5] for row in rows)

    kept = source.summary()
    assert {line["file"] for line in kept["differences"]} == {name for name, *_ in CHANGES}
    counts = kept["tables"]
    assert {table for table in counts if counts[table]["differing"]} == {
        "invoices", "invoice_charges", "invoice_charge_details", "recurring_service_periods",
    }  # fmt: skip
    for table in counts.values():
        assert table["read"] == sum(table[name] for name in table if name != "read")
    # Sources follow the books; what is kept goes on differing.
    after = source.summary()
    assert {line["outcome"] for line in after["differences"]} == {"kept"}
    assert len(after["differences"]) == 4
    row = source.database.execute(
        "SELECT count(*) FROM billing.invoices WHERE status = 'paid late'"
    ).fetchone()
    assert row == (0,)


def test_books_that_are_told_otherwise_are_no_difference(source: Source) -> None:
    """Another spelling of the same values, and columns that import derives."""
    for name, column, change in [
        ("12_invoices.csv", "invoice_id", str.upper),
        ("13_invoice_charges.csv", "quantity", lambda value: f"{value}.000"),
        (LEDGER, "created_at", lambda value: value.replace("+00", "Z")),
    ]:
        [(number, row), *_] = source.lines(name)
        edit(source.folder, name, number, **{column: change(row[column])})
    assert source.differences() == {}


def test_what_the_ledger_row_became_at_the_source(source: Source) -> None:
    number, _ = source.first(LEDGER, lifecycle_state="generated")
    edit(source.folder, LEDGER, number, lifecycle_state="skipped")
    assert source.differences() == {(LEDGER, number): {"lifecycle_state": ["generated", "skipped"]}}
    billed, row = source.first(LEDGER, lifecycle_state="billed")
    links = [name for name in row if name.startswith("invoice_") and "window" not in name]
    gone = dict.fromkeys(links, "")
    edit(source.folder, LEDGER, billed, **gone, lifecycle_state="locked", updated_at="2031-01-01")
    assert set(source.differences()[LEDGER, billed]) == {*links, "lifecycle_state", "updated_at"}


def test_details_of_cancelled_invoices_that_no_row_is_linked_to_are_counted(
    source: Source, database: Database
) -> None:
    assert source.summary()["cancelled_details"] == 0
    database.execute("UPDATE billing.invoices SET status = 'Cancelled'")
    unlinked = database.execute(
        "SELECT count(*) FROM billing.invoice_charge_details AS d WHERE NOT EXISTS ("
        " SELECT FROM billing.recurring_service_periods AS r"
        " WHERE r.invoice_charge_id = d.invoice_charge_id)"
    ).fetchone()
    assert (source.summary()["cancelled_details"],) == unlinked != (0,)


def test_what_runs_did_is_no_difference(source: Source) -> None:
    source.database.execute(
        "CALL billing.backfill_service_periods(p_tenant => %s, p_as_of => %s)", (TENANT, AS_OF)
    )
    superseded = source.database.execute(
        "SELECT record_id::text FROM billing.recurring_service_periods"
        " WHERE lifecycle_state = 'superseded' AND record_id::text = ANY (%s)",
        ([r["record_id"] for _, r in source.lines(LEDGER) if r["lifecycle_state"] == "generated"],),
    ).fetchall()
    assert superseded
    assert source.differences() == {}
    # What the run cannot have replaced is named.
    number, _ = source.first(LEDGER, record_id=superseded[0][0])
    edit(source.folder, LEDGER, number, lifecycle_state="edited")
    found = source.differences()[LEDGER, number]
    assert found["lifecycle_state"] == ["superseded", "edited"]


def test_what_operators_did_to_rows_is_no_difference(source: Source) -> None:
    rows = [
        (number, row)
        for number, row in source.lines(LEDGER)
        if row["lifecycle_state"] == "generated"
        and source.database.execute(
            "SELECT quarantine_reason IS NULL FROM billing.recurring_service_periods"
            " WHERE record_id = %s",
            (row["record_id"],),
        ).fetchone() == (True,)
    ]  # fmt: skip
    source.call("skip_service_period", rows[0][1]["record_id"], "not wanted")
    source.call("archive_service_period", rows[1][1]["record_id"], "wrong")
    assert source.differences() == {}
    for number, _ in rows[:2]:
        edit(source.folder, LEDGER, number, lifecycle_state="locked")
    assert source.differences() == {
        (LEDGER, rows[0][0]): {"lifecycle_state": ["superseded", "locked"]},
        (LEDGER, rows[1][0]): {"lifecycle_state": ["archived", "locked"]},
    }


def test_an_invoice_that_was_reversed_here_is_no_difference(source: Source) -> None:
    number, row = source.first(LEDGER, lifecycle_state="billed")
    invoice, invoiced = source.first("12_invoices.csv", invoice_id=row["invoice_id"])
    source.call("reverse_invoice", row["invoice_id"], "wrong")
    assert source.differences() == {}
    # A further word of the source about it is one.
    edit(source.folder, "12_invoices.csv", invoice, status="overdue")
    edit(source.folder, LEDGER, number, invoice_linked_at="2031-01-01 00:00:00+00")
    found = source.differences()
    assert found["12_invoices.csv", invoice] == {"status": ["cancelled", "overdue"]}
    assert "invoice_linked_at" in found[LEDGER, number]
    assert invoiced["status"] != "overdue"


def test_what_repairing_linkage_did_is_no_difference(source: Source) -> None:
    source.database.execute(
        "CALL billing.repair_invoice_linkage(p_tenant => %s, p_as_of => %s)", (TENANT, AS_OF)
    )
    repaired = source.database.execute(
        "SELECT count(*) FROM billing.service_period_events"
        " WHERE event_kind = 'invoice_linkage_repaired'"
    ).fetchone()
    assert repaired == (1,)
    assert source.differences() == {}


def bill(source: Source) -> list[str]:
    """Invoice what is due of one client; return the rows of the books that it billed."""
    told = {row["record_id"]: row["lifecycle_state"] for _, row in source.lines(LEDGER)}
    due = source.database.execute(
        "SELECT client_id, invoice_window_start, invoice_window_end"
        " FROM billing.due_work(%s, %s) WHERE record_id::text = ANY (%s)"
        " ORDER BY invoice_window_start, client_id",
        (TENANT, AS_OF, [record for record, state in told.items() if state == "generated"]),
    ).fetchall()
    for client, start, end in due:
        source.database.execute(
            "CALL billing.generate_invoice(p_tenant => %s, p_client_id => %s,"
            " p_window_start => %s, p_window_end => %s, p_as_of => %s)",
            (TENANT, client, start, end, AS_OF),
        )
        billed = source.database.execute(
            "SELECT record_id::text FROM billing.recurring_service_periods"
            " WHERE lifecycle_state = 'billed' AND record_id::text = ANY (%s)",
            ([record for record, state in told.items() if state == "generated"],),
        ).fetchall()
        if billed:
            return [record for (record,) in billed]
    raise AssertionError(due)


def test_what_an_invoice_of_ours_billed_is_no_difference(source: Source) -> None:
    record, *_ = bill(source)
    assert source.differences() == {}
    # Billed at the source as well is what must be seen.
    number, _ = source.first(LEDGER, record_id=record)
    _, other = source.first(LEDGER, lifecycle_state="billed")
    edit(source.folder, LEDGER, number, lifecycle_state="billed", invoice_id=other["invoice_id"])
    assert {*source.differences()[LEDGER, number]} == {
        "invoice_id", "invoice_charge_id", "invoice_charge_detail_id", "invoice_linked_at",
        "updated_at",
    }  # fmt: skip


def test_what_became_of_an_invoice_of_ours_is_no_difference(source: Source) -> None:
    record, *_ = bill(source)
    [(invoice,)] = source.database.execute(
        "SELECT invoice_id FROM billing.recurring_service_periods WHERE record_id = %s", (record,)
    ).fetchall()
    source.call("delete_invoice", invoice, "wrong")
    assert source.differences() == {}
    source.call("archive_service_period", record, "not wanted")
    assert source.differences() == {}
