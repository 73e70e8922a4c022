"""Books in other clothes: byte order mark, CRLF, quoted newlines, other file names, no manifest."""

import json
from pathlib import Path

from tests.conftest import Command, Database

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
