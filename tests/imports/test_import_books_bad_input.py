"""Books that cannot be read: one clear line, every such line in the rejects, nothing written."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import psycopg
import pytest

from tests.books import NORTHLIGHT
from tests.conftest import Command, Database

NOBODY = "00000000-0000-4000-8000-00000000dead"
REJECTS = "duecourse-import-rejects.csv"

Import = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def import_books(shared_dsn: str, books: Path, duecourse: Command) -> Import:
    """Return a function that imports the test's folder into a database that stays empty."""

    def run(*arguments: str) -> "CompletedProcess[str]":
        return duecourse("import", books, *arguments, "--dsn", shared_dsn)

    return run


@pytest.fixture(autouse=True)
def _nothing_is_written(shared_database: Database) -> object:
    yield
    for table in ("billing.tenants", "billing.contract_lines", "ops.import_lines"):
        assert shared_database.execute(f"SELECT FROM {table}".encode()).fetchall() == []


def edit(books: Path, name: str, line: int, **values: str) -> None:
    """Set columns of a line, counted from 1 with the header."""
    path = books / name
    with path.open(newline="") as file:
        rows = list(csv.reader(file))
    for column, value in values.items():
        rows[line - 1][rows[0].index(column)] = value
    with path.open("w", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows(rows)


def value(books: Path, name: str, line: int, column: str) -> str:
    with (books / name).open(newline="") as file:
        rows = list(csv.reader(file))
    return rows[line - 1][rows[0].index(column)]


def rewrite(books: Path, name: str, line: int, change: Callable[[bytes], bytes]) -> None:
    path = books / name
    lines = path.read_bytes().split(b"\n")
    lines[line - 1] = change(lines[line - 1])
    path.write_bytes(b"\n".join(lines))


def rejects(tmp_path: Path) -> list[list[str]]:
    with (tmp_path / REJECTS).open(newline="") as file:
        header, *rows = csv.reader(file)
    assert header == ["file", "line", "column", "value", "reason"]
    return rows


def error(done: "CompletedProcess[str]") -> str:
    assert (done.returncode, done.stdout) == (1, "")
    [line] = done.stderr.splitlines()
    assert line.startswith("error: ")
    assert "nothing was written" in line
    return line


LINES = "10_contract_lines.csv"
CONFIGURATIONS = "11_contract_line_service_configuration.csv"
LEDGER = "15_recurring_service_periods.csv"
LONG = "9" * 30
NO_CENTS = "is not a whole number of cents"
NO_TIME = "is not a time (YYYY-MM-DD HH:MM:SS+00)"


BAD_VALUES = [
    ("04_clients.csv", "client_id", "abc", "is not a UUID"),
    ("04_clients.csv", "client_name", "", "is empty"),
    ("04_clients.csv", "is_inactive", "maybe", "is not t or f"),
    ("04_clients.csv", "default_currency_code", "EURO", "is not a currency of three letters"),
    ("04_clients.csv", "tenant", "", "is empty"),
    ("04_clients.csv", "tenant", "here", "is not a UUID"),
    ("04_clients.csv", "client_name", "x" * 501, "is longer than 500 characters"),
    ("05_client_billing_settings.csv", "billing_cycle_anchor_reference_date", "now", NO_TIME),
    ("07_client_billing_cycles.csv", "period_start_date", "infinity", NO_TIME),
    ("09_client_contracts.csv", "start_date", "2026-02-30", "is not a day (YYYY-MM-DD)"),
    ("09_client_contracts.csv", "start_date", "01/02/2026", "is not a day (YYYY-MM-DD)"),
    (LINES, "custom_rate", "NaN", "is not a number"),
    (LINES, "custom_rate", "9" * 16, "is not a number"),
    (CONFIGURATIONS, "quantity", "NaN", "is not a number"),
    (CONFIGURATIONS, "quantity", "Infinity", "is not a number"),
    (CONFIGURATIONS, "quantity", "1e3", "is not a number"),
    ("13_invoice_charges.csv", "quantity", "-infinity", "is not a number"),
    ("13_invoice_charges.csv", "unit_price", "9223372036854775808", NO_CENTS),
    ("13_invoice_charges.csv", "total_price", "1.5", NO_CENTS),
    ("14_invoice_charge_details.csv", "rate", "-9223372036854775809", NO_CENTS),
    (LINES, "display_order", "1.5", "is not a whole number"),
    (LINES, "display_order", LONG, "is not a whole number"),
    (LINES, "cadence_owner", "nobody", "is not client or contract"),
    ("12_invoices.csv", "total_amount", LONG, "is not a whole number of cents"),
    (LEDGER, "revision", "0", "is not a whole number from 1"),
    (LEDGER, "lifecycle_state", "lost", "is not a lifecycle state"),
    (LEDGER, "timing_metadata", "{nope", "is not JSON"),
    (LEDGER, "timing_metadata", "[" * 60_000, "is not JSON"),
    (LEDGER, "schedule_key", "x" * 251, "is longer than 250 characters"),
]


def test_bad_values_are_named(books: Path, tmp_path: Path, import_books: Import) -> None:
    for line, (name, column, bad, _) in enumerate(BAD_VALUES, start=10):
        edit(books, name, line, **{column: bad})
    first = error(import_books())
    assert "04_clients.csv, line 10, column client_id: 'abc' is not a UUID" in first
    found = rejects(tmp_path)
    for line, (name, column, bad, reason) in enumerate(BAD_VALUES, start=10):
        assert [name, str(line), column, bad, reason] in found


def test_every_line_goes_to_the_rejects(books: Path, tmp_path: Path, import_books: Import) -> None:
    edit(books, "04_clients.csv", 3, client_name="")
    edit(books, LINES, 5, is_active="perhaps", display_order="first")
    edit(books, LEDGER, 4_000, revision="-1")
    line = error(import_books("--rejects", "bad lines.csv"))
    assert "04_clients.csv, line 3, column client_name: is empty" in line
    assert "bad lines.csv lists (4)" in line
    (tmp_path / "bad lines.csv").rename(tmp_path / REJECTS)
    assert sorted(rejects(tmp_path)) == [
        ["04_clients.csv", "3", "client_name", "", "is empty"],
        [LINES, "5", "display_order", "first", "is not a whole number"],
        [LINES, "5", "is_active", "perhaps", "is not t or f"],
        [LEDGER, "4000", "revision", "-1", "is not a whole number from 1"],
    ]


def test_a_price_beyond_the_range_of_cents(
    books: Path, tmp_path: Path, import_books: Import
) -> None:
    edit(books, CONFIGURATIONS, 7, custom_rate="9" * 15, quantity="9" * 15)
    error(import_books())
    reason = "makes a price of its line that is out of range"
    assert rejects(tmp_path) == [[CONFIGURATIONS, "7", "quantity", "9" * 15, reason]]


def test_a_field_beyond_what_a_csv_may_hold(
    books: Path, tmp_path: Path, import_books: Import
) -> None:
    edit(books, LINES, 9, contract_line_name="x" * 140_000)
    error(import_books())
    [first, *_] = rejects(tmp_path)
    assert first == [LINES, "9", "", "", "is not CSV: field larger than field limit (131072)"]


BROKEN: list[tuple[Callable[[bytes], bytes], str, str]] = [
    (lambda line: line + b",more", "", "has 16 fields, the header has 15"),
    (lambda line: line.rpartition(b",")[0], "", "has 14 fields, the header has 15"),
    (lambda line: line.replace(b"line", b"l\xefne", 1), "contract_line_name", "is not UTF-8"),
    (lambda line: line.replace(b"line", b"l\0ne", 1), "contract_line_name", "holds a NUL byte"),
    (lambda line: b'"' + line.replace(b",", b'"x,', 1), "", "is not CSV: ',' expected after '\"'"),
]


def test_broken_lines_are_named(books: Path, tmp_path: Path, import_books: Import) -> None:
    for line, (change, _, _) in enumerate(BROKEN, start=10):
        rewrite(books, LINES, line, change)
    error(import_books())
    found = [[*row[:3], row[4]] for row in rejects(tmp_path)]
    for line, (_, column, reason) in enumerate(BROKEN, start=10):
        assert [LINES, str(line), column, reason] in found


def test_a_quote_that_never_ends(books: Path, tmp_path: Path, import_books: Import) -> None:
    rewrite(books, "01_tenants.csv", 3, lambda line: line.replace(b",", b',"'))
    assert "01_tenants.csv, line 3: is not CSV: unexpected end of data" in error(import_books())


REFERENCES = [
    (LINES, "tenant", "tenants"),
    ("05_client_billing_settings.csv", "client_id", "clients"),
    ("06_client_billing_profiles.csv", "client_id", "clients"),
    ("08_contracts.csv", "owner_client_id", "clients"),
    (LINES, "contract_id", "contracts"),
    ("11_contract_line_service_configuration.csv", "contract_line_id", "contract_lines"),
    ("13_invoice_charges.csv", "invoice_id", "invoices"),
    ("14_invoice_charge_details.csv", "config_id", "contract_line_service_configuration"),
    (LEDGER, "supersedes_record_id", "recurring_service_periods"),
]


def test_ids_that_name_nothing(books: Path, tmp_path: Path, import_books: Import) -> None:
    for line, (name, column, _) in enumerate(REFERENCES, start=10):
        edit(books, name, line, **{column: NOBODY})
    error(import_books())
    found = rejects(tmp_path)
    for line, (name, column, target) in enumerate(REFERENCES, start=10):
        assert [name, str(line), column, NOBODY, f"names nothing in {target}"] in found


def test_a_key_that_is_there_twice(books: Path, tmp_path: Path, import_books: Import) -> None:
    first = value(books, LINES, 4, "contract_line_id")
    edit(books, LINES, 6, contract_line_id=first.upper())
    assert f"{LINES}, line 6, column contract_line_id: '{first.upper()}' is there already" in error(
        import_books()
    )


@pytest.mark.parametrize(
    ("name", "values", "column", "reason"),
    [
        (
            LEDGER,
            {"service_period_start": "2026-07-01"},
            "service_period_end",
            "is not after 2026-07-01",
        ),
        (LEDGER, {"activity_window_end": ""}, "activity_window_end", "is empty, but"),
        (
            LEDGER,
            {"activity_window_end": "2026-08-01"},
            "activity_window_start",
            "begins or ends outside of the service period",
        ),
        (
            LEDGER,
            {"supersedes_record_id": "c07fa760-8d31-5892-b0bb-8e3e5a0ed939"},
            "supersedes_record_id",
            "is not a superseded row of the same obligation",
        ),
        (
            "14_invoice_charge_details.csv",
            {"service_period_end": "2026-08-30"},
            "service_period_end",
            "is before 2026-08-31",
        ),
    ],
)
def test_rows_that_no_quarantine_could_hold(
    books: Path,
    tmp_path: Path,
    import_books: Import,
    name: str,
    values: dict[str, str],
    column: str,
    reason: str,
) -> None:
    edit(books, name, 2, **values)
    assert f"{name}, line 2, column " in error(import_books())
    assert [name, "2", column] in [row[:3] for row in rejects(tmp_path)]
    assert any(row[4].startswith(reason) for row in rejects(tmp_path))


def test_a_revision_and_a_claim_that_are_there_twice(
    books: Path, tmp_path: Path, import_books: Import
) -> None:
    edit(
        books,
        LEDGER,
        3,
        period_key=value(books, LEDGER, 2, "period_key"),
        invoice_charge_detail_id=value(books, LEDGER, 2, "invoice_charge_detail_id"),
    )
    error(import_books())
    assert [(row[1], row[2], row[4]) for row in rejects(tmp_path)] == [
        ("3", "revision", "is there already for this period, in line 2"),
        ("3", "invoice_charge_detail_id", "is claimed already, in line 2"),
    ]


def test_a_file_that_is_missing(books: Path, tmp_path: Path, import_books: Import) -> None:
    (books / LINES).unlink()
    assert LINES in error(import_books())
    assert not (tmp_path / REJECTS).exists()


def test_a_file_that_is_empty(books: Path, import_books: Import) -> None:
    (books / LINES).write_text("")
    assert f"{LINES}, line 1: the column tenant is missing" in error(import_books())


def test_a_column_that_is_missing_whatever_the_manifest_says(
    books: Path, import_books: Import
) -> None:
    rewrite(books, LINES, 1, lambda line: line.replace(b"billing_timing", b"timing"))
    manifest = json.loads((books / "manifest.json").read_text())
    for table in manifest["tables"]:
        table["columns"] = [c for c in table["columns"] if c["name"] != "billing_timing"]
    (books / "manifest.json").write_text(json.dumps(manifest))
    assert f"{LINES}, line 1: the column billing_timing is missing" in error(import_books())


def test_a_column_that_is_there_twice(books: Path, import_books: Import) -> None:
    rewrite(books, LINES, 1, lambda line: line.replace(b"billing_profile_id", b"is_active"))
    assert f"{LINES}, line 1: the column is_active is there twice" in error(import_books())


def test_a_manifest_that_is_none(books: Path, import_books: Import) -> None:
    (books / "manifest.json").write_text("[]")
    done = import_books()
    assert (done.returncode, done.stdout) == (1, "")
    assert "manifest.json is not a manifest of books" in done.stderr


def test_a_tenant_that_is_in_no_file(books: Path, tmp_path: Path, import_books: Import) -> None:
    rewrite(books, "01_tenants.csv", 2, lambda line: b"")
    done = error(import_books())
    assert f"column tenant: '{NORTHLIGHT}' names nothing in tenants" in done
    assert {row[2] for row in rejects(tmp_path)} == {"tenant"}


@pytest.mark.parametrize("procedure", ["billing.import_books", "ledger.import_rent"])
@pytest.mark.parametrize(
    ("arguments", "detail"),
    [("NULL, 'key'", "p_tenant is null"), (f"'{NOBODY}', NULL", "p_import_key is null")],
)
def test_what_is_null_is_named(
    shared_database: Database, procedure: str, arguments: str, detail: str
) -> None:
    with pytest.raises(psycopg.Error) as raised:
        shared_database.execute(f"CALL {procedure}({arguments})".encode())
    assert (raised.value.sqlstate, raised.value.diag.message_detail) == ("DC001", detail)
