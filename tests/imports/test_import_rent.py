"""Rent books: brought in whole, twice as once, and every line that cannot be read named."""

import csv
from collections.abc import Callable
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import Command, Database
from tests.imports.test_import_books_bad_input import edit, rejects, value
from tests.rent import OWNER

PROPERTIES, UNITS, TENANCIES, PAYMENTS, CHARGES, RENTS = (
    "01_properties.csv",
    "02_units.csv",
    "03_tenancies.csv",
    "04_payments.csv",
    "05_charges.csv",
    "06_unit_rents.csv",
)
TABLES = ("properties", "units", "unit_rents", "tenancies", "accounts", "payments", "charges")

Import = Callable[..., "CompletedProcess[str]"]


def fingerprint(database: Database) -> list[object]:
    """Return every table's row versions: any write, even of the same values, changes one."""
    return [
        database.execute(
            f"SELECT md5(string_agg(t.ctid::text || t.xmin || t::text, ',' ORDER BY t.ctid))"
            f" FROM {table} AS t".encode()
        ).fetchone()
        for table in (*(f"ledger.{name}" for name in TABLES), "billing.tenants")
    ]


def append(folder: Path, name: str, **values: str) -> None:
    """Append a line: the last one with other values."""
    path = folder / name
    with path.open(newline="") as file:
        header, *rows = csv.reader(file)
    row = dict(zip(header, rows[-1], strict=True)) | values
    with path.open("a", newline="") as file:
        csv.writer(file, lineterminator="\n").writerow(row.values())


def test_the_second_time_changes_nothing(
    rent_database: Database, rent_dsn: str, rent_books: Path, duecourse: Command
) -> None:
    before = fingerprint(rent_database)
    done = duecourse("import", rent_books, "--dsn", rent_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["payments", "2501", "0", "0", "0", "2501"] in lines
    assert ["charges", "633", "0", "0", "0", "633"] in lines
    assert done.stdout.endswith(
        "payments in quarantine: 27 unknown_unit, 31 invalid_billing_period\n"
    )
    assert fingerprint(rent_database) == before


def test_a_dry_run_shows_the_same_and_writes_nothing(
    database: Database, dsn: str, rent_books: Path, duecourse: Command
) -> None:
    dry = duecourse("import", rent_books, "--dry-run", "--format", "json", "--dsn", dsn)
    assert (dry.returncode, dry.stderr) == (0, "")
    assert database.execute("SELECT FROM ledger.units").fetchall() == []
    real = duecourse("import", rent_books, "--format", "json", "--dsn", dsn)
    assert real.stdout == dry.stdout
    assert '"new": 2501' in real.stdout
    assert database.execute("SELECT tenant::text FROM billing.tenants").fetchall() == [(OWNER,)]


def test_units_follow_the_books_and_release_payments(
    rent_database: Database, rent_dsn: str, rent_books: Path, duecourse: Command
) -> None:
    [lost, *_] = rent_database.execute(
        "SELECT unit_id FROM ledger.payments WHERE quarantine_reason = 'unknown_unit'"
    ).fetchall()
    edit(rent_books, UNITS, 2, rent_amount_cents="1")
    append(rent_books, UNITS, unit_id=lost[0])
    done = duecourse("import", rent_books, "--dsn", rent_dsn)
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["units", "181", "1", "1", "0", "179"] in lines
    assert rent_database.execute(
        "SELECT DISTINCT quarantine_reason FROM ledger.payments WHERE unit_id = %s", lost
    ).fetchall() == [(None,)]


def test_rent_reversed_and_charged_anew_since(
    rent_database: Database, rent_dsn: str, rent_books: Path, duecourse: Command
) -> None:
    [row] = rent_database.execute(
        "SELECT charge_id, tenant_user_id, unit_id, billing_period, amount_cents::text"
        " FROM ledger.charges WHERE type = 'rent' AND reverses_charge_id IS NULL"
        " AND reversed_at IS NULL ORDER BY charge_id LIMIT 1"
    ).fetchall()
    charge, renter, unit, period, amount = row
    account = {"tenant_user_id": renter, "unit_id": unit, "billing_period": period, "type": "rent"}
    append(rent_books, CHARGES, charge_id="new", amount_cents="5", **account)
    append(
        rent_books, CHARGES, charge_id="undo", amount_cents=f"-{amount}",
        reverses_charge_id=charge, effective_on="2026-11-02", **account,
    )  # fmt: skip
    done = duecourse("import", rent_books, "--dsn", rent_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert ["charges", "635", "2", "0", "0", "633"] in [
        line.split() for line in done.stdout.splitlines()
    ]
    assert rent_database.execute(
        "SELECT reversed_at = '2026-11-02 00:00:00+00' FROM ledger.charges WHERE charge_id = %s",
        [charge],
    ).fetchone() == (True,)


def test_a_currency_is_an_account_of_its_own(
    rent_database: Database, rent_dsn: str, rent_books: Path, duecourse: Command
) -> None:
    [(renter, unit)] = rent_database.execute(
        "SELECT tenant_user_id, unit_id FROM ledger.accounts ORDER BY 1 LIMIT 1"
    ).fetchall()
    append(
        rent_books, PAYMENTS, payment_id="new", tenant_user_id=renter, unit_id=unit,
        currency="chf", stripe_payment_intent_id="",
    )  # fmt: skip
    done = duecourse("import", rent_books, "--dsn", rent_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    assert rent_database.execute(
        "SELECT currency FROM ledger.accounts WHERE (tenant_user_id, unit_id) = (%s, %s)"
        " ORDER BY currency",
        (renter, unit),
    ).fetchall() == [("CHF",), ("USD",)]


def test_ids_are_texts_of_any_kind(
    database: Database, dsn: str, rent_books: Path, duecourse: Command
) -> None:
    ids = ["A", "a", "a:b", 'o\'neil "x"', "🙂", "\u00e9", "e\u0301", "x\ny"]
    for unit in ids:
        append(rent_books, UNITS, unit_id=unit)
        append(rent_books, PAYMENTS, payment_id=unit, unit_id=unit, stripe_payment_intent_id=unit)
    done = duecourse("import", rent_books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")
    found = database.execute(
        "SELECT payment_id FROM ledger.payments WHERE unit_id = ANY (%s)"
        " AND quarantine_reason IS NULL AND payment_id = unit_id",
        [ids],
    )
    assert {payment for (payment,) in found} == set(ids)


@pytest.fixture
def refuse(
    shared_dsn: str, shared_database: Database, rent_books: Path, duecourse: Command
) -> Import:
    """Return a function that imports the test's folder in vain and gives the error."""

    def run() -> "CompletedProcess[str]":
        done = duecourse("import", rent_books, "--dsn", shared_dsn)
        assert (done.returncode, done.stdout) == (1, "")
        assert shared_database.execute("SELECT FROM ledger.properties").fetchall() == []
        return done

    return run


NO_CENTS = "is not a whole number of cents of 13 digits at most"
NO_REFUND = "is not a whole number of cents from 0, of 13 digits at most"
BAD_VALUES = [
    (UNITS, "rent_amount_cents", "12.50", NO_CENTS),
    (UNITS, "rent_due_day", "32", "is not a day of the month"),
    (UNITS, "unit_id", "x" * 251, "is longer than 250 characters"),
    (TENANCIES, "start_on", "2026-02-30", "is not a day (YYYY-MM-DD)"),
    (TENANCIES, "start_on", "0000-12-31", "is not a day (YYYY-MM-DD)"),
    (PAYMENTS, "amount_cents", "1" + "0" * 13, NO_CENTS),
    (PAYMENTS, "amount_cents", "1e3", NO_CENTS),
    (PAYMENTS, "currency", "DOLLAR", "is not a currency of three letters"),
    (PAYMENTS, "refunded_cents", "-1", NO_REFUND),
    (PAYMENTS, "refunded_cents", "1" + "0" * 13, NO_REFUND),
    (PAYMENTS, "paid_on", "2026-01-01 BC", "is not a day (YYYY-MM-DD)"),
    (PAYMENTS, "status", "", "is empty"),
    (CHARGES, "type", "utility", "is not a type of charge"),
    (CHARGES, "billing_period", "2026-13", "is not a period (YYYY-MM)"),
    (CHARGES, "effective_on", "", "is empty"),
    (CHARGES, "effective_on", "infinity", "is not a day (YYYY-MM-DD)"),
]


def test_bad_values_are_named(rent_books: Path, tmp_path: Path, refuse: Import) -> None:
    for line, (name, column, bad, _) in enumerate(BAD_VALUES, start=10):
        edit(rent_books, name, line, **{column: bad})
    assert "02_units.csv, line 10, column rent_amount_cents: '12.50'" in refuse().stderr
    found = rejects(tmp_path)
    for line, (name, column, bad, reason) in enumerate(BAD_VALUES, start=10):
        assert [name, str(line), column, bad, reason] in found


def test_a_time_zone_that_is_none(rent_books: Path, tmp_path: Path, refuse: Import) -> None:
    reason = "is not a time zone, such as America/Chicago"
    edit(rent_books, PROPERTIES, 3, timezone="America/Chicag0")
    edit(rent_books, PROPERTIES, 4, timezone="europe/zurich")
    assert f"column timezone: 'America/Chicag0' {reason}" in refuse().stderr
    assert rejects(tmp_path) == [[PROPERTIES, "3", "timezone", "America/Chicag0", reason]]


REFERENCES = [
    (UNITS, "property_id", "properties"),
    (TENANCIES, "unit_id", "units"),
    (CHARGES, "reverses_charge_id", "charges"),
]


def test_ids_that_name_nothing(rent_books: Path, tmp_path: Path, refuse: Import) -> None:
    for line, (name, column, _) in enumerate(REFERENCES, start=10):
        edit(rent_books, name, line, **{column: "nothing"})
    refuse()
    for line, (name, column, target) in enumerate(REFERENCES, start=10):
        reason = f"names nothing in {target}"
        assert [name, str(line), column, "nothing", reason] in rejects(tmp_path)


def test_what_no_quarantine_could_hold(rent_books: Path, tmp_path: Path, refuse: Import) -> None:
    with (rent_books / CHARGES).open(newline="") as file:
        lines = list(csv.DictReader(file))
    last = str(len(lines) + 2)
    reversal = next(row for row in lines if row["reverses_charge_id"])
    reversed_ids = {row["reverses_charge_id"] for row in lines}
    standing, moved = [
        row for row in lines
        if row["type"] == "rent" and not row["reverses_charge_id"]
        and row["charge_id"] not in reversed_ids
    ][:2]  # fmt: skip
    append(rent_books, CHARGES, **{**reversal, "charge_id": "twice"})
    undo = {"charge_id": "undo", "reverses_charge_id": standing["charge_id"]}
    append(rent_books, CHARGES, **{**standing, **undo})
    moved |= {"reverses_charge_id": moved["charge_id"], "billing_period": "2031-01"}
    moved |= {"charge_id": "moved", "amount_cents": str(-int(moved["amount_cents"]))}
    append(rent_books, CHARGES, **moved)
    intent = next(
        value(rent_books, PAYMENTS, line, "stripe_payment_intent_id")
        for line in range(2, 50)
        if value(rent_books, PAYMENTS, line, "stripe_payment_intent_id")
    )
    append(rent_books, PAYMENTS, payment_id="again", stripe_payment_intent_id=intent)
    edit(rent_books, TENANCIES, 2, end_on=value(rent_books, TENANCIES, 2, "start_on"))
    refuse()
    found = {(row[0], row[1], row[2]): row[4] for row in rejects(tmp_path)}
    numbers = [str(int(last) + offset) for offset in range(3)]
    assert "is reversed already, in line" in found[(CHARGES, numbers[0], "reverses_charge_id")]
    assert found[(CHARGES, numbers[1], "reverses_charge_id")] == "has not the opposite amount"
    assert found[(CHARGES, numbers[2], "reverses_charge_id")] == "is of another billing period"
    assert "is there already, in line" in found[(PAYMENTS, "2503", "stripe_payment_intent_id")]
    assert found[(TENANCIES, "2", "end_on")].startswith("is not after ")


def test_an_id_that_is_there_twice(rent_books: Path, tmp_path: Path, refuse: Import) -> None:
    append(rent_books, CHARGES, charge_id="two")
    append(rent_books, CHARGES, charge_id="two")
    assert "column charge_id: 'two' is there already, in line 635" in refuse().stderr
    assert [(row[1], row[2]) for row in rejects(tmp_path)] == [("636", "charge_id")]


def test_a_file_that_is_missing(rent_books: Path, refuse: Import) -> None:
    (rent_books / UNITS).unlink()
    assert f"error: cannot read {rent_books / UNITS}" in refuse().stderr


def test_no_manifest_is_needed(dsn: str, rent_books: Path, duecourse: Command) -> None:
    (rent_books / "manifest.json").unlink()
    done = duecourse("import", rent_books, "--dsn", dsn)
    assert (done.returncode, done.stderr) == (0, "")


def write_rents(folder: Path, *lines: str) -> None:
    """Write the file of dated rents, which the books need not have."""
    header = "tenant,unit_id,effective_from,rent_amount_cents"
    (folder / RENTS).write_text("\n".join([header, *(f"{OWNER},{line}" for line in lines), ""]))


def add_column(folder: Path, name: str, column: str, value: str) -> None:
    """Add a column with one value."""
    header, *lines = (folder / name).read_text().splitlines()
    lines = [f"{header},{column}", *(f"{line},{value}" for line in lines), ""]
    (folder / name).write_text("\n".join(lines))


def drop_column(folder: Path, name: str) -> None:
    """Take the last column away."""
    lines = (folder / name).read_text().splitlines()
    (folder / name).write_text("\n".join([*(line.rpartition(",")[0] for line in lines), ""]))


def test_dated_and_own_rents_and_currencies(
    rent_database: Database, rent_dsn: str, rent_books: Path, duecourse: Command
) -> None:
    unit = value(rent_books, UNITS, 2, "unit_id")
    write_rents(rent_books, f"{unit},2026-01-01,100", f"{unit},2026-02-01,200")
    add_column(rent_books, PROPERTIES, "currency", "chf")
    add_column(rent_books, TENANCIES, "rent_amount_cents", "12345")
    done = duecourse("import", rent_books, "--dsn", rent_dsn)
    assert (done.returncode, done.stderr) == (0, "")
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["unit_rents", "2", "2", "0", "0", "0"] in lines
    assert ["tenancies", "192", "0", "192", "0", "0"] in lines

    # The same lines write nothing again, and neither do files without what may be missing.
    before = fingerprint(rent_database)
    for is_lacking in (False, True):
        if is_lacking:
            drop_column(rent_books, PROPERTIES)
            drop_column(rent_books, TENANCIES)
            (rent_books / RENTS).unlink()
        done = duecourse("import", rent_books, "--dsn", rent_dsn)
        assert (done.returncode, done.stderr) == (0, "")
        assert fingerprint(rent_database) == before

    write_rents(rent_books, f"{unit},2026-01-01,100", f"{unit},2026-02-01,300")
    done = duecourse("import", rent_books, "--dsn", rent_dsn)
    assert ["unit_rents", "2", "0", "1", "0", "1"] in [
        line.split() for line in done.stdout.splitlines()
    ]
    assert rent_database.execute(
        "SELECT rent_amount_cents FROM ledger.unit_rents ORDER BY effective_from"
    ).fetchall() == [(100,), (300,)]
    assert rent_database.execute(
        "SELECT DISTINCT h.currency, t.rent_amount_cents FROM ledger.properties AS h"
        " CROSS JOIN ledger.tenancies AS t"
    ).fetchall() == [("CHF", 12345)]


def test_dated_rents_that_cannot_be(rent_books: Path, tmp_path: Path, refuse: Import) -> None:
    unit = value(rent_books, UNITS, 2, "unit_id")
    write_rents(rent_books, f"{unit},2026-01-01,1", "lost,2026-01-01,1", f"{unit},2026-01-01,2",
                f"{unit},soon,1", f"{unit},2026-03-01,")  # fmt: skip
    assert "06_unit_rents.csv, line 3, column unit_id: 'lost'" in refuse().stderr
    found = [row[1:] for row in rejects(tmp_path) if row[0] == RENTS]
    assert found == [
        ["3", "unit_id", "lost", "names nothing in units"],
        ["4", "effective_from", "2026-01-01", "has a rent of that unit already, in line 2"],
        ["5", "effective_from", "soon", "is not a day (YYYY-MM-DD)"],
        ["6", "rent_amount_cents", "", "is empty"],
    ]
