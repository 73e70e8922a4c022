"""A copy of another system's tables: exported, imported, planned, and told as a script for them."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from duecourse.database import connect
from duecourse.errors import ExitStatus
from duecourse.export import export_books
from tests.books import BOOKS, HARBOR, NORTHLIGHT
from tests.charge_plan.scripts import CHARGES
from tests.conftest import Command, Database, clone
from tests.plan.test_plan_script import LEDGER
from tests.profiles.comparison import RELATIONS, answer, assert_same
from tests.profiles.loading import load_rental
from tests.rent import OWNER
from tests.scripts import carry_out, refused

DAY = "2026-11-20"

#: What an exported rental ledger has of what its book had: the days of refunds, which that system
#: does not know, and payments of units that it does not know either are not among it.
RENTS = {
    "properties": "SELECT * FROM ledger.properties",
    "units": "SELECT * FROM ledger.units",
    "tenancies": "SELECT * FROM ledger.tenancies",
    "charges": "SELECT * FROM ledger.charges",
    "payments": "SELECT tenant, payment_id, account_id, amount_cents, status, billing_period,"
    " stripe_session_id, stripe_payment_intent_id, paid_on, created_on, quarantine_reason"
    " FROM ledger.payments WHERE quarantine_reason IS DISTINCT FROM 'unknown_unit'",
}


def exported(duecourse: Command, *arguments: object) -> Any:
    """Run duecourse export; return what it prints as JSON."""
    done = duecourse("export", *arguments, "--format", "json")
    assert done.returncode == ExitStatus.DONE, done.stderr
    return json.loads(done.stdout)


def records(folder: Path) -> dict[str, list[dict[str, str]]]:
    """Return the lines of each file."""
    found = {}
    for path in sorted(folder.glob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            found[path.name] = list(csv.DictReader(file))
    return found


def test_a_copy_does_what_is_done_in_place(
    duecourse: Command,
    tmp_path: Path,
    adopted_alga_dsn: str,
    adopted_alga: Database,
    dsn: str,
    database: Database,
    books_database: Database,
) -> None:
    """The copy is the books; its script writes what the run in place writes, byte for byte."""
    folder = tmp_path / "copy"
    exported(duecourse, "alga", folder, "--tenant", HARBOR, "--dsn", adopted_alga_dsn)
    assert {path.stat().st_mode & 0o077 for path in folder.iterdir()} == {0}
    assert duecourse("import", folder, "--dsn", dsn).returncode == ExitStatus.DONE
    for relation in RELATIONS:
        query = f"SELECT * FROM billing.{relation} WHERE tenant = '{HARBOR}'"
        assert_same(books_database, database, query)

    scope = ("backfill", "--tenant", HARBOR, "--as-of", DAY, "--run-key", "the same")
    told, in_place = (
        duecourse("plan", *scope, "--format", "sql", "--dsn", where).stdout.rstrip("\n")
        for where in (dsn, adopted_alga_dsn)
    )
    assert told == in_place
    ledger = LEDGER.format("public", HARBOR)
    before = answer(adopted_alga, ledger)
    with adopted_alga.transaction(force_rollback=True):
        carry_out(adopted_alga, told)
        by_script = answer(adopted_alga, ledger)
    assert (by_script - before).total() > 200
    run = duecourse("run", *scope, "--dsn", adopted_alga_dsn)
    assert run.returncode == ExitStatus.REFUSED, run.stderr
    assert answer(adopted_alga, ledger) == by_script
    refused(adopted_alga, told, "carried out before")

    [(parts,)] = adopted_alga.execute(
        "SELECT count(*) FROM billing.ledger_side WHERE tenant = %s AND whole_period_start < "
        " whole_period_end",
        (HARBOR,),
    )
    again = tmp_path / "again"
    exported(duecourse, "alga", again, "--tenant", HARBOR, "--dsn", adopted_alga_dsn)
    lines = records(again)["15_recurring_service_periods.csv"]
    assert len(lines) == by_script.total()
    assert sum(line["whole_period_start"] > "" for line in lines) == parts > 0


@pytest.fixture
def source_dsn(empty_server: NoopExecutor) -> Iterator[str]:
    """Yield the connection string of a database with rental tables in a schema of that name."""
    with clone(empty_server, "_source") as dsn:
        with psycopg.connect(dsn, autocommit=True) as connection:
            connection.execute('CREATE SCHEMA "Rents, old"')
            load_rental(connection, "Rents, old")
        yield dsn


def test_rents_are_exported(
    duecourse: Command,
    tmp_path: Path,
    source_dsn: str,
    dsn: str,
    database: Database,
    rent_database: Database,
) -> None:
    """Of a database where nothing of ours is, under the tenant that is named."""
    folder = tmp_path / "rents"
    where = ("--schema", "Rents, old", "--dsn", source_dsn)
    rows = exported(duecourse, "rental", folder, *where, "--tenant", OWNER)["rows"]
    assert rows == {
        "properties": 5,
        "units": 180,
        "tenancies": 192,
        "payments": 2474,
        "charges": 633,
    }
    assert duecourse("import", folder, "--dsn", dsn).returncode == ExitStatus.DONE
    for query in RENTS.values():
        assert_same(rent_database, database, query)

    # Whoever names no tenant gets the same one each time.
    ids = []
    for name in ("first", "second"):
        exported(duecourse, "rental", tmp_path / name, *where)
        ids.append(records(tmp_path / name)["01_properties.csv"][0]["tenant"])
    assert ids[0] == ids[1] != OWNER


def test_adopted_rents_are_exported_with_what_stands_beside_them(
    duecourse: Command,
    tmp_path: Path,
    adopted_rental_dsn: str,
    adopted_rental: Database,
    dsn: str,
    database: Database,
) -> None:
    [(tenant,)] = adopted_rental.execute("SELECT tenant FROM ops.adoption")
    done = duecourse(
        *("run", "charges", "--tenant", tenant, "--as-of", DAY), "--dsn", adopted_rental_dsn
    )
    assert done.returncode in (ExitStatus.DONE, ExitStatus.REFUSED), done.stderr
    folder = tmp_path / "rents"
    rows = exported(duecourse, "rental", folder, "--dsn", adopted_rental_dsn)["rows"]
    assert rows["charges"] > 700
    assert rows["unit_rents"] == 0
    assert duecourse("import", folder, "--dsn", dsn).returncode == ExitStatus.DONE
    kept = "SELECT charge_id, account_id, type, amount_cents, billing_period, effective_on,"
    kept += " reverses_charge_id, duplicates_charge_id FROM ledger.charges"
    assert_same(adopted_rental, database, kept)
    wrong = duecourse("export", "alga", tmp_path / "alga", "--dsn", adopted_rental_dsn)
    assert wrong.returncode == ExitStatus.REFUSED
    assert wrong.stderr == (
        "error: the database was adopted as rental (schema public) — export that:"
        " duecourse export rental FOLDER\n"
    )


def test_rents_by_script_are_those_of_the_run_in_place(
    duecourse: Command,
    tmp_path: Path,
    adopted_rental_dsn: str,
    adopted_rental: Database,
    dsn: str,
) -> None:
    """The copy tells the script that is told in place; it writes what the run there writes."""
    [(tenant,)] = adopted_rental.execute("SELECT tenant FROM ops.adoption")
    charges = CHARGES.format("public")
    whose = ("--tenant", tenant)
    for number, operation in enumerate((("charges",), ("rent", "--as-of", DAY))):
        folder = tmp_path / str(number)
        exported(duecourse, "rental", folder, "--dsn", adopted_rental_dsn)
        assert duecourse("import", folder, "--dsn", dsn).returncode == ExitStatus.DONE
        printed = [
            duecourse("plan", *operation, *whose, "--format", "sql", "--dsn", where).stdout
            for where in (dsn, adopted_rental_dsn)
        ]
        # A month that is none is null in the copy, and an empty text there: the hash differs.
        told, in_place = (text[text.index("\n\\set ") + 1 :].rstrip("\n") for text in printed)
        assert told == in_place
        before = answer(adopted_rental, charges)
        with adopted_rental.transaction(force_rollback=True):
            carry_out(adopted_rental, told)
            by_script = answer(adopted_rental, charges)
        assert (by_script - before).total() > 50
        run = duecourse("run", *operation, *whose, "--dsn", adopted_rental_dsn)
        assert run.returncode in (ExitStatus.DONE, ExitStatus.REFUSED), run.stderr
        assert answer(adopted_rental, charges) == by_script
        refused(adopted_rental, told)


def test_one_snapshot_of_one_tenant(adopted_alga_dsn: str, tmp_path: Path) -> None:
    """What is committed while it goes is in no file; what is of another tenant is not either."""
    folder = tmp_path / "copy"
    told: list[tuple[str, int, int | None]] = []

    def change(file: str, rows: int, about: int | None) -> None:
        told.append((file, rows, about))
        if len(told) == 1:
            with psycopg.connect(adopted_alga_dsn) as other:
                other.execute("DELETE FROM public.recurring_service_periods")

    with connect(adopted_alga_dsn) as connection:
        rows = export_books(connection, "alga", folder, tenant=UUID(NORTHLIGHT), on_rows=change)
    assert rows["tenants"] == 1
    assert told[0][:2] == ("01_tenants.csv", 0)
    assert told[-1] == ("15_recurring_service_periods.csv", rows["recurring_service_periods"], None)
    given = dict(BOOKS.tables())["recurring_service_periods"]
    wanted = {
        line["record_id"]
        for line in csv.DictReader(given.splitlines())
        if line["tenant"] == NORTHLIGHT
    }
    lines = records(folder)["15_recurring_service_periods.csv"]
    assert {line["record_id"] for line in lines} == wanted


def test_what_cannot_be_exported(duecourse: Command, tmp_path: Path, source_dsn: str) -> None:
    folder = tmp_path / "copy"
    folder.mkdir()
    where = ("--dsn", source_dsn)
    missing = duecourse("export", "rental", folder, *where)
    assert missing.returncode == ExitStatus.ERROR
    assert missing.stderr.splitlines()[-1] == (
        'error: properties cannot be read: relation "public.properties" does not exist — see which'
        " database, schema (--schema) and role it is; nothing was exported"
    )
    with psycopg.connect(source_dsn, autocommit=True) as connection:
        connection.execute('ALTER TABLE "Rents, old".charges DROP COLUMN created_by')
    half = duecourse("export", "rental", folder, "--schema", "Rents, old", *where)
    assert half.returncode == ExitStatus.ERROR
    assert "charges cannot be read: column c.created_by does not exist" in half.stderr
    assert list(folder.iterdir()) == []
    (folder / "notes.txt").write_text("mine")
    full = duecourse("export", "rental", folder, *where)
    assert full.returncode == ExitStatus.REFUSED
    assert full.stderr == (
        f"error: the folder {folder} is not empty — name one that is, or that is not there yet\n"
    )


def test_rows_that_a_policy_hides_are_not_left_out(
    duecourse: Command, tmp_path: Path, source_dsn: str
) -> None:
    with psycopg.connect(source_dsn, autocommit=True) as connection:
        connection.execute("CREATE ROLE duecourse_reader")
        try:
            connection.execute(
                """
                GRANT USAGE ON SCHEMA "Rents, old" TO duecourse_reader;
                GRANT SELECT ON ALL TABLES IN SCHEMA "Rents, old" TO duecourse_reader;
                ALTER TABLE "Rents, old".charges ENABLE ROW LEVEL SECURITY
                """
            )
            done = duecourse(
                *("export", "rental", tmp_path / "x", "--schema", "Rents, old"),
                *("--dsn", source_dsn),
                env={"PGOPTIONS": "-c role=duecourse_reader"},
            )
            assert done.returncode == ExitStatus.ERROR
            assert "affected by row-level security" in done.stderr
        finally:
            connection.execute("DROP OWNED BY duecourse_reader; DROP ROLE duecourse_reader")
