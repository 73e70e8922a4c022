"""Rent books imported again: what is brought up to date, what is kept and named, what is silent."""

import csv
from pathlib import Path
from typing import Any

import pytest

from duecourse.book_files import find_files
from duecourse.books import import_books
from duecourse.config import load
from tests.charges.owner import Owner, Row
from tests.charges.stripe_events import metadata, refund, session
from tests.charges.stripe_inbox import Inbox
from tests.conftest import Command, Database

PAYMENTS, CHARGES = "04_payments.csv", "05_charges.csv"
HEADERS = {
    "01_properties.csv": "property_id name timezone",
    "02_units.csv": "unit_id property_id unit_number rent_amount_cents rent_due_day",
    "03_tenancies.csv": "tenancy_id tenant_user_id unit_id start_on end_on",
    PAYMENTS: "payment_id tenant_user_id unit_id amount_cents currency payment_method status"
    " billing_period stripe_session_id stripe_payment_intent_id paid_on refunded_cents refunded_on"
    " created_on",
    CHARGES: "charge_id tenant_user_id unit_id type description amount_cents currency"
    " billing_period created_by effective_on reverses_charge_id",
}
PENDING = {
    "tenant_user_id": "r-1", "unit_id": "u-1", "amount_cents": "90000", "currency": "usd",
    "status": "pending", "billing_period": "2026-05", "refunded_cents": "0",
    "created_on": "2026-05-01",
}  # fmt: skip
PAID = {**PENDING, "status": "succeeded", "paid_on": "2026-05-03", "amount_cents": "100000"}
RENT = {
    "tenant_user_id": "r-1", "unit_id": "u-1", "type": "rent", "amount_cents": "100000",
    "currency": "USD", "billing_period": "2026-05", "effective_on": "2026-05-01",
}  # fmt: skip


class Source:
    """Rent books of a few lines, whose owner has the units u-1 and u-2."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder = folder
        self.owner = Owner(database)
        self.lines: dict[str, dict[str, dict[str, str]]] = {PAYMENTS: {}, CHARGES: {}}
        folder.mkdir()

    def pay(self, payment: str, line: Row | None = None, **columns: str) -> None:
        """Set the line of a payment: as it was, or the given one, with other columns."""
        known = self.lines[PAYMENTS]
        known[payment] = {**(line or known[payment]), **columns, "payment_id": payment}

    def charge(self, charge: str, **columns: str) -> None:
        """Set the line of a charge, rent of May."""
        self.lines[CHARGES][charge] = {**RENT, **columns, "charge_id": charge}

    def run(self) -> dict[str, Any]:
        """Import the lines; each of a table's ends in one of its counts."""
        self.write()
        connection, config = self.owner.database, load()
        files, warnings = find_files(connection, config, self.folder)
        assert warnings == []
        summary = import_books(connection, config, files, rejects=self.folder / "rejects.csv")
        for counts in summary["tables"].values():
            assert counts["read"] == sum(counts.values()) - counts["read"]
        return summary

    def write(self) -> None:
        """Write the files."""
        for name, header in HEADERS.items():
            columns = ["tenant", *header.split()]
            with (self.folder / name).open("w", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                for row in self.lines.get(name, {}).values():
                    writer.writerow({**row, "tenant": self.owner.tenant})

    def differences(self) -> dict[tuple[int, str], dict[str, list[str | None]]]:
        """Import, and return the columns that differ by line and outcome; all of one file."""
        found = self.run()["differences"]
        return {(line["line"], line["outcome"]): line["columns"] for line in found}


@pytest.fixture
def source(tmp_path: Path, shared_database: Database) -> Source:
    """Return books of a tenant of its own."""
    return Source(tmp_path / "books", shared_database)


def test_payments_go_on(source: Source) -> None:
    source.pay("a", PENDING)
    source.pay("b", PAID)
    source.pay("c", PAID)
    source.pay("d", PENDING, stripe_session_id="cs_1")
    source.pay("e", PAID, paid_on="")
    assert source.run()["tables"]["payments"]["new"] == 5
    source.pay("a", PAID)
    source.pay("b", refunded_cents="10000", refunded_on="2026-06-02")
    source.pay("c", status="failed", paid_on="")
    source.pay("d", stripe_payment_intent_id="pi_1", amount_cents="90001")
    source.pay("e", paid_on="2026-05-09")
    assert source.differences() == {
        (2, "updated"): {
            "status": ["pending", "succeeded"], "paid_on": [None, "2026-05-03"],
            "amount_cents": ["90000", "100000"],
        },
        (3, "updated"): {"refunded_cents": ["0", "10000"], "refunded_on": [None, "2026-06-02"]},
        (4, "updated"): {"status": ["succeeded", "failed"], "paid_on": ["2026-05-03", None]},
        (5, "updated"): {
            "stripe_payment_intent_id": [None, "pi_1"], "amount_cents": ["90000", "90001"],
        },
        (6, "updated"): {"paid_on": [None, "2026-05-09"]},
    }  # fmt: skip
    assert source.run()["tables"]["payments"]["already_there"] == 5
    rows = source.owner.rows("payments")
    assert (rows["a"]["status"], rows["c"]["status"]) == ("succeeded", "failed")
    [balance] = source.owner.select("balances")
    assert (balance["paid_cents"], balance["refunded_cents"]) == (300_000, 10_000)


def test_what_no_payment_does_since_is_kept_and_named(source: Source) -> None:
    source.pay("a", PAID, refunded_cents="500", refunded_on="2026-05-09")
    source.pay("b", PENDING)
    source.run()
    source.pay(
        "a", status="pending", paid_on="2026-05-04", amount_cents="1", currency="EUR",
        refunded_cents="0", refunded_on="",
    )  # fmt: skip
    source.pay("b", unit_id="u-2", status="failed")
    found = {
        (2, "kept"): {
            "status": ["succeeded", "pending"], "paid_on": ["2026-05-03", "2026-05-04"],
            "amount_cents": ["100000", "1"], "currency": ["USD", "EUR"],
            "refunded_cents": ["500", "0"], "refunded_on": ["2026-05-09", None],
        },
        (3, "kept"): {"unit_id": ["u-1", "u-2"]},
        (3, "updated"): {"status": ["pending", "failed"]},
    }  # fmt: skip
    assert source.differences() == found
    del found[3, "updated"]
    assert source.differences() == found
    assert source.run()["tables"]["payments"]["differing"] == 2


def test_charges_are_kept_and_named(source: Source) -> None:
    source.charge("a")
    source.run()
    source.charge("a", amount_cents="1")
    assert source.differences() == {(2, "kept"): {"amount_cents": ["100000", "1"]}}
    assert source.owner.rows("charges")["a"]["amount_cents"] == 100_000


def test_rents_charged_twice_are_kept(source: Source) -> None:
    source.charge("0", effective_on="2026-05-02", amount_cents="1")
    source.charge("b", amount_cents="2")
    source.charge("a", amount_cents="4")
    source.charge("undone", effective_on="2026-04-30")
    source.charge("undo", effective_on="2026-04-30", amount_cents="-100000",
                  reverses_charge_id="undone")  # fmt: skip
    source.charge("june", billing_period="2026-06")
    found = source.run()["duplicate_rents"]
    assert found == [
        {"file": CHARGES, "line": 2, "charge_id": "0", "duplicates_charge_id": "a"},
        {"file": CHARGES, "line": 3, "charge_id": "b", "duplicates_charge_id": "a"},
    ]
    assert source.owner.balance() == 7 + 100_000
    [first, second] = source.owner.select("check_rent_charged_twice", as_of="2026-06-01")
    assert (first["object_key"], second["object_key"]) == ("0", "b")
    assert {first["expected"], second["expected"]} == {"only charge a"}
    assert source.run()["duplicate_rents"] == []
    source.charge("more")
    assert source.run()["duplicate_rents"] == [
        {"file": CHARGES, "line": 8, "charge_id": "more", "duplicates_charge_id": "a"}
    ]
    # Nothing makes another, and what was reversed leaves the next one standing.
    source.pay("p", PAID)
    source.run()
    source.owner.call("reverse_charge", charge_id="a", reason="twice")
    assert [row["action"] for row in source.owner.select("plan_charge_backfill")] == [
        "already_charged"
    ]
    source.charge("again")
    [again] = source.run()["duplicate_rents"]
    assert again["duplicates_charge_id"] == "b"


def test_a_rent_that_is_there_stands(source: Source) -> None:
    posted = source.owner.post()
    source.charge("a")
    assert source.run()["duplicate_rents"] == [
        {"file": CHARGES, "line": 2, "charge_id": "a", "duplicates_charge_id": posted}
    ]
    [finding] = source.owner.select("check_rent_charged_twice", as_of="2026-06-01")
    assert (finding["object_key"], finding["expected"]) == ("a", f"only charge {posted}")


def test_another_id_of_the_same_payment_at_stripe_is_named(source: Source) -> None:
    source.pay("a", PENDING, stripe_payment_intent_id="pi_a")
    source.pay("b", PENDING, stripe_session_id="cs_b")
    source.run()
    [by_intent, by_session] = [source.lines[PAYMENTS].pop(payment) for payment in "ab"]
    source.pay("x", by_intent, status="failed")
    source.pay("y", by_session)
    source.pay("z", by_session, stripe_payment_intent_id="pi_z")
    assert source.differences() == {
        (2, "kept"): {"payment_id": ["a", "x"]},
        (2, "updated"): {"status": ["pending", "failed"]},
        (3, "kept"): {"payment_id": ["b", "y"]},
    }
    assert sorted(source.owner.rows("payments")) == ["a", "b", "z"]


STRIPE = metadata("r-1", "u-1", "2026-05")


@pytest.mark.parametrize(
    "known", [{"stripe_payment_intent_id": "pi_1"}, {"stripe_session_id": "cs_pi_1"}]
)
def test_a_payment_that_stripe_brought_takes_the_id_of_its_line(
    source: Source, known: dict[str, str]
) -> None:
    inbox = Inbox(source.owner.database, source.owner.tenant)
    inbox.ingest(session("pi_1", meta=STRIPE))
    inbox.ingest(refund("pi_1", 500))
    [stripes] = source.owner.rows("payments")
    before = source.owner.movements(stripes)
    source.pay("mine", PENDING, **known)
    counts = source.run()["tables"]["payments"]
    assert (counts["updated"], counts["new"], counts["differing"]) == (1, 0, 0)
    [payment] = source.owner.rows("payments").values()
    assert (payment["payment_id"], payment["status"]) == ("mine", "succeeded")
    assert source.owner.movements("mine") == before
    # The line says what it was before the events: no difference.
    assert source.differences() == {}
    assert source.owner.movements("mine") == before
    source.pay("mine", unit_id="u-2", refunded_cents="900", status="failed")
    assert source.differences() == {
        (2, "kept"): {
            "unit_id": ["u-1", "u-2"], "refunded_cents": ["500", "900"],
            "status": ["succeeded", "failed"],
        }
    }  # fmt: skip
    assert source.owner.movements("mine") == before
    # Another event settles it as ever.
    inbox.ingest(refund("pi_1", 700))
    assert source.owner.rows("payments")["mine"]["refunded_cents"] == 700


def test_what_is_known_by_its_session_is_one_payment_with_its_events(source: Source) -> None:
    source.pay("mine", PENDING, stripe_session_id="cs_pi_1")
    source.run()
    inbox = Inbox(source.owner.database, source.owner.tenant)
    inbox.ingest(session("pi_1", meta=STRIPE))
    [payment] = source.owner.rows("payments").values()
    assert (payment["payment_id"], payment["stripe_payment_intent_id"]) == ("mine", "pi_1")
    assert source.differences() == {}
    assert len(source.owner.movements("mine")) == 1


def test_acts_by_hand_stay(source: Source) -> None:
    for payment in "abc":
        source.pay(payment, PAID)
    source.run()
    source.owner.record(o_payment_id="d", amount_cents=7)
    source.pay("d", PAID, amount_cents="7", payment_method="cash", created_on="2026-05-03")
    source.owner.refund("a", 100)
    source.owner.move("b", unit_id="u-2")
    source.owner.correct("c", amount_cents=5)
    assert source.differences() == {}
    assert [source.owner.rows("payments")[p]["refunded_cents"] for p in "abc"] == [100, 0, 0]
    source.pay("a", refunded_cents="200", refunded_on="2026-06-01")
    source.pay("b", status="failed")
    source.pay("d", status="failed")
    assert source.differences() == {
        (2, "kept"): {
            "refunded_cents": ["100", "200"],
            "refunded_on": ["2026-05-09", "2026-06-01"],
        },
        (3, "kept"): {"status": ["succeeded", "failed"]},
        (5, "kept"): {"status": ["succeeded", "failed"]},
    }  # fmt: skip


def test_the_command_tells_both(source: Source, shared_dsn: str, duecourse: Command) -> None:
    source.pay("p", PAID)
    source.charge("a")
    source.charge("b")
    source.run()
    source.pay("p", amount_cents="1")
    source.charge("c")
    source.write()
    done = duecourse("import", source.folder, "--dry-run", "--dsn", shared_dsn)
    assert done.returncode == 0
    assert "lines that differ from rows that stay as they are: 1" in done.stderr
    assert "rents kept that stand beside another of their period: 1" in done.stdout
    assert [CHARGES, "4", "c", "a"] in [line.split() for line in done.stdout.splitlines()]
