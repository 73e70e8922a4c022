"""Books in other clothes: byte order mark, CRLF, quoted newlines, other file names, no manifest."""

import json
from pathlib import Path

from tests.conftest import Command, Database
from tests.imports.test_import_books_bad_input import rejects

LINES = "10_contract_lines.csv"


def test_files_of_another_system(
    database: Database, dsn: str, books: Path, duecourse: Command
) -> None:
    clients = books / "04_clients.csv"
    text = clients.read_text().replace("Umber Schools", '"Umber\nSchools, ""Łódź"""')
    clients.write_bytes(b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode() + b"\r\n\r\n")
    done = duecourse("import", books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert database.execute(
        "SELECT DISTINCT client_name FROM billing.clients WHERE client_name LIKE 'Umber%Schools%'"
    ).fetchall() == [('Umber\r\nSchools, "Łódź"',)]


def test_a_column_more_is_a_warning_unless_the_manifest_announces_it(
    dsn: str, books: Path, duecourse: Command
) -> None:
    tenants = books / "01_tenants.csv"
    tenants.write_text(tenants.read_text().replace("\n", ",x\n").replace("name,x", "name,colour"))
    done = duecourse("import", books, "--dsn", dsn)
    assert done.returncode == 0
    assert done.stderr == "warning: 01_tenants.csv: the column 'colour' is not read\n"
    manifest = json.loads((books / "manifest.json").read_text())
    manifest["tables"][0]["columns"].append({"name": "colour"})
    (books / "manifest.json").write_text(json.dumps(manifest))
    assert duecourse("import", books, "--dsn", dsn).stderr == ""


def test_the_manifest_may_name_other_files(dsn: str, books: Path, duecourse: Command) -> None:
    (books / LINES).rename(books / "lines.csv")
    manifest = (books / "manifest.json").read_text()
    (books / "manifest.json").write_text(manifest.replace(LINES, "lines.csv"))
    assert duecourse("import", books, "--dsn", dsn).returncode == 0


def test_no_manifest_is_needed(dsn: str, books: Path, duecourse: Command) -> None:
    (books / "manifest.json").unlink()
    done = duecourse("import", books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")


def test_a_session_of_any_settings_reads_the_same(
    database: Database, dsn: str, books: Path, duecourse: Command
) -> None:
    query = (
        "SELECT md5(string_agg(t::text, '' ORDER BY t.billing_cycle_id)) "
        "FROM billing.client_billing_cycles AS t"
    )
    cycles = books / "07_client_billing_cycles.csv"
    cycles.write_text(cycles.read_text().replace(" 00:00:00+00", " 00:00:00"))
    settings = {"PGOPTIONS": "-c timezone=Australia/Sydney -c datestyle=SQL,DMY"}
    assert duecourse("import", books, "--dsn", dsn, env=settings).returncode == 0
    before = database.execute(query).fetchone()
    cycles.write_text(cycles.read_text().replace(" 00:00:00", " 00:00:00+00"))
    assert duecourse("import", books, "--dsn", dsn).returncode == 0
    assert database.execute(query).fetchone() == before
    assert database.execute(
        "SELECT count(*) FROM billing.client_billing_cycles WHERE source_not_utc_midnight"
    ).fetchone() == (3,)


def test_a_ledger_may_say_of_which_whole_period_a_row_is_a_part(
    database: Database, dsn: str, books: Path, duecourse: Command
) -> None:
    ledger = books / "15_recurring_service_periods.csv"
    header, first, *rest = ledger.read_text().splitlines()
    start, end = first.split(",")[11:13]
    lines = [header + ",whole_period_start,whole_period_end", f"{first},2026-01-01,2027-01-01"]
    ledger.write_text("\n".join([*lines, *(f"{line},," for line in rest)]))
    done = duecourse("import", books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert database.execute(
        "SELECT whole_period_start::text, whole_period_end::text, service_period_start::text,"
        " service_period_end::text FROM billing.recurring_service_periods"
        " WHERE num_nulls(whole_period_start, whole_period_end) < 2"
    ).fetchall() == [("2026-01-01", "2027-01-01", start, end)]


def test_a_whole_period_holds_more_than_its_part(
    dsn: str, books: Path, tmp_path: Path, duecourse: Command
) -> None:
    ledger = books / "15_recurring_service_periods.csv"
    header, *lines = ledger.read_text().splitlines()
    start, end = lines[0].split(",")[11:13]
    no_whole = ("whole_period_start", "begins no period of which the service period is a part")
    wholes = [
        (start, end, *no_whole),
        (end, "9999-01-01", *no_whole),
        ("2000-01-01", start, *no_whole),
        ("2000-01-01", "", "whole_period_end", "is empty, but whole_period_start is not"),
        ("", "9999-01-01", "whole_period_end", "is set, but whole_period_start is not"),
        ("9999-01-01", "2000-01-01", "whole_period_end", "is not after 9999-01-01"),
    ]
    for number, (first, last, *_) in enumerate(wholes):
        columns = lines[number].split(",")
        columns[11:13] = start, end
        columns[15:17] = "", ""
        lines[number] = ",".join([*columns, first, last])
    lines[len(wholes) :] = [f"{line},," for line in lines[len(wholes) :]]
    ledger.write_text("\n".join([header + ",whole_period_start,whole_period_end", *lines]))
    assert duecourse("import", books, "--dsn", dsn).returncode == 1
    found = [(row[1], row[2], row[4]) for row in rejects(tmp_path)]
    for number, (*_, column, reason) in enumerate(wholes, start=2):
        assert (str(number), column, reason) in found


def test_an_optional_column_that_is_there_twice(dsn: str, books: Path, duecourse: Command) -> None:
    ledger = books / "15_recurring_service_periods.csv"
    header, rest = ledger.read_text().split("\n", 1)
    ledger.write_text(f"{header},whole_period_end,whole_period_end\n{rest}")
    done = duecourse("import", books, "--dsn", dsn)
    assert done.returncode == 1
    assert "the column whole_period_end is there twice" in done.stderr
