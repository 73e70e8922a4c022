"""Checks of the charge ledger, most of which its guards and constraints hold as well."""

from collections.abc import Iterator

import pytest

from tests.charges.owner import Owner
from tests.service_periods.books import AS_OF, Row, select
from tests.verify.scene import COLUMNS


class Checked(Owner):
    """An owner whose rent of May is charged and paid."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.rent = self.charge()
        self.paid = self.payment()

    def find(self, check: str) -> list[Row]:
        """Return the findings of a check, in a transaction that cannot write."""
        with self.database.transaction(force_rollback=True):
            self.database.execute("SET TRANSACTION READ ONLY")
            rows = select(self.database, f"check_{check}", {"tenant": self.tenant, "as_of": AS_OF})
        assert all(list(row) == COLUMNS and row["check_name"] == check for row in rows)
        return rows

    def find_one(self, check: str, key: str, severity: str = "error") -> Row:
        """Return the only finding of a check, which must be of this object and severity."""
        [row] = self.find(check)
        assert (row["object_key"], row["severity"]) == (key, severity)
        return row

    def repair(self, finding: Row) -> None:
        """Run the statement that a finding names; the check finds nothing then."""
        self.database.execute(finding["repair_call"])
        assert self.find(finding["check_name"]) == []

    def change(self, table: str, key: str, change: str) -> None:
        """Change a charge or payment past its guards."""
        with self.unguarded():
            self.database.execute(
                f"UPDATE ledger.{table} SET {change} WHERE tenant = %s"
                f" AND {table[:-1]}_id = %s".encode(),
                [self.tenant, key],
            )


@pytest.fixture
def owner(shared_database: object) -> Checked:
    """Return an owner in good order, in a database that the tests of a module share."""
    return Checked(shared_database)  # type: ignore[arg-type]


@pytest.fixture
def unindexed(owner: Checked) -> Iterator[Checked]:
    """Take away the index that holds rent to once, and put it back."""
    with owner.database.transaction(force_rollback=True):
        owner.database.execute("DROP INDEX ledger.charges_one_rent_key")
        yield owner


CHECKS = (
    "rent_charged_twice", "reversal_unmarked", "reversal_pair", "account", "rent_currency",
    "payment_quarantine", "payment_judgement", "payment_status", "undated_payment",
    "payment_movement", "payment_net_negative", "session_counted_twice", "missing_rent",
    "quarantined_key", "unpaid_rent", "refunded_month", "roommates", "charge_guard",
)  # fmt: skip


@pytest.mark.parametrize("check", CHECKS)
def test_a_ledger_in_good_order_has_no_findings(owner: Checked, check: str) -> None:
    owner.reverse(owner.charge(period="2026-06"))
    assert owner.find(check) == []


def test_rent_charged_twice(unindexed: Checked) -> None:
    again = unindexed.charge(90_000, created_at="2100-01-01")
    unindexed.charge(period=None)
    [finding] = select(
        unindexed.database, "check_rent_charged_twice", {"tenant": unindexed.tenant, "as_of": AS_OF}
    )
    assert (finding["object_key"], finding["severity"]) == (again, "error")
    assert finding["expected"] == f"only charge {unindexed.rent}"
    unindexed.database.execute(finding["repair_call"])
    assert unindexed.rows("charges")[again]["reversed_at"] is not None
    assert (
        select(
            unindexed.database,
            "check_rent_charged_twice",
            {"tenant": unindexed.tenant, "as_of": AS_OF},
        )
        == []
    )


def test_reversal_unmarked(owner: Checked) -> None:
    reversal = owner.reverse(owner.rent)
    owner.change("charges", owner.rent, "reversed_at = NULL")
    finding = owner.find_one("reversal_unmarked", owner.rent)
    assert finding["detail"] == f"charge {reversal} reverses it"
    assert finding["repair_call"].startswith("CALL ledger.reverse_charge(")
    owner.repair(finding)
    rows = owner.rows("charges")
    assert rows[owner.rent]["reversed_at"] == rows[reversal]["created_at"]


@pytest.mark.parametrize(
    ("change", "detail"),
    [
        ("amount_cents = -1", "do not add up to 0"),
        ("type = 'credit'", "is of another account or type"),
        ("tenant_user_id = 'r-7'", "is of another account or type"),
        ("billing_period = '2026-06'", "is of another billing period"),
        ("billing_period = NULL", "is of another billing period"),
    ],
)
def test_reversal_pair(owner: Checked, change: str, detail: str) -> None:
    reversal = owner.reverse(owner.rent)
    owner.change("charges", reversal, change)
    finding = owner.find_one("reversal_pair", reversal, "warning")
    assert detail in finding["detail"]
    assert (finding["expected"], finding["actual"]) == (
        "-100000",
        "-1" if "amount" in change else "-100000",
    )


def test_reversal_pair_without_a_reversal(owner: Checked) -> None:
    owner.change("charges", owner.rent, "reversed_at = now()")
    finding = owner.find_one("reversal_pair", owner.rent, "warning")
    assert (finding["expected"], finding["actual"]) == ("a reversal", "none")


def test_account(owner: Checked) -> None:
    with owner.unguarded():
        owner.payment(tenant_user_id="new'", status="failed")
    finding = owner.find_one("account", """["new'", "u-1", "USD"]""")
    owner.repair(finding)
    assert [row["tenant_user_id"] for row in owner.select("balances")] == ["new'", "r-1"]


def test_account_of_another_currency(owner: Checked) -> None:
    owner.change("payments", owner.paid, "currency = 'EUR'")
    owner.repair(owner.find_one("account", """["r-1", "u-1", "EUR"]"""))


def test_rent_currency(owner: Checked) -> None:
    owner.insert("ledger.properties", property_id="h", currency="EUR")
    for unit, rent in (("u-e", 100_000), ("u-x", None)):
        owner.insert("ledger.units", unit_id=unit, property_id="h", rent_amount_cents=rent)
        owner.charge(unit_id=unit, currency="EUR")
        owner.charge(unit_id=unit, currency="USD", type="late_fee", period=None)
    assert owner.find("rent_currency") == []
    owner.charge(unit_id="u-x", period="2026-06")
    charge = owner.charge(unit_id="u-e", period="2026-06")
    finding = owner.find_one("rent_currency", charge, "warning")
    assert (finding["expected"], finding["actual"]) == ("EUR", "USD")
    owner.repair(finding)


def test_payment_quarantine(owner: Checked) -> None:
    payment = owner.payment(unit_id="u-9", period="2026-06")
    owner.payment(unit_id="u-9", status="failed")
    finding = owner.find_one("payment_quarantine", payment, "warning")
    assert (finding["detail"], finding["actual"]) == ("there is no unit u-9", "unknown_unit")
    [row] = owner.database.execute(finding["repair_call"]).fetchall()
    assert "quarantine" in row
    owner.unit("u-9", None)
    assert owner.find("payment_quarantine") == []


def test_payment_judgement(owner: Checked) -> None:
    owner.change("payments", owner.paid, "quarantine_reason = 'unknown_unit'")
    finding = owner.find_one("payment_judgement", owner.paid)
    assert (finding["expected"], finding["actual"]) == ("not quarantined", "unknown_unit")
    owner.repair(finding)


def test_payment_status(owner: Checked) -> None:
    owner.payment(status="refunded")
    payment = owner.payment(status="Succeeded")
    assert owner.find_one("payment_status", payment, "warning")["actual"] == "Succeeded"


def test_undated_payment(owner: Checked) -> None:
    payment = owner.payment(paid_on=None, period="2026-06")
    owner.payment(paid_on=None, status="pending")
    finding = owner.find_one("undated_payment", payment, "warning")
    assert finding["actual"] == "counts from 2026-06-01"
    owner.repair(finding)
    assert str(owner.rows("payments")[payment]["paid_on"]) == "2026-06-01"


@pytest.mark.parametrize(
    ("change", "expected", "actual"),
    [
        ("amount_cents = 5", "5 came on 2026-05-03", "100000 came on 2026-05-03"),
        ("paid_on = '2026-05-04'", "100000 came on 2026-05-04", "100000 came on 2026-05-03"),
        ("refunded_cents = 7", "7 went back by 2026-05-03", "unit u-1 USD"),
        ("status = 'failed'", "renter r-1 unit u-1 USD", "100000 came on 2026-05-03"),
        ("unit_id = 'u-2'", "unit u-2 USD", "unit u-1 USD"),
    ],
)
def test_payment_movement(owner: Checked, change: str, expected: str, actual: str) -> None:
    owner.change("payments", owner.paid, change)
    finding = owner.find_one("payment_movement", owner.paid)
    assert expected in finding["expected"]
    assert actual in finding["actual"]
    owner.repair(finding)


def test_payment_net_negative(owner: Checked) -> None:
    owner.change("payments", owner.paid, "refunded_cents = 100000")
    owner.database.execute(
        "UPDATE ledger.payments SET refunded_cents = 100001 WHERE tenant = %s", [owner.tenant]
    )
    finding = owner.find_one("payment_net_negative", owner.paid, "warning")
    assert finding["actual"] == "-1"
    [shown] = owner.database.execute(finding["repair_call"]).fetchall()
    assert len(shown[1]) == 2
    owner.correct(owner.paid, amount_cents=100_000, movement_number=2)
    assert owner.find("payment_net_negative") == []


def test_session_counted_twice(owner: Checked) -> None:
    session: Row = {"stripe_session_id": "cs_1", "period": "2026-06"}
    first = owner.payment(created_on="2026-06-01", **session)
    owner.payment(status="failed", created_on="2026-06-02", **session)
    assert owner.find("session_counted_twice") == []
    again = owner.payment(created_on="2026-06-02", **session)
    finding = owner.find_one("session_counted_twice", again, "warning")
    assert (finding["expected"], finding["actual"]) == (
        f"only payment {first}",
        "100000 cents more",
    )
    owner.repair(finding)
    [balance] = owner.select("balances")
    assert balance["paid_cents"] == 200_000


def test_refunded_month(owner: Checked) -> None:
    owner.refund(owner.paid, 99_999)
    assert owner.find("refunded_month") == []
    owner.refund(owner.paid, 1)
    finding = owner.find_one("refunded_month", owner.rent, "warning")
    assert finding["actual"] == "100000 cents refunded"
    assert len(owner.database.execute(finding["repair_call"]).fetchall()) == 4
    again = owner.record()
    assert owner.find("refunded_month") == []
    owner.refund(again, 100_000)
    owner.reverse(owner.rent)
    assert owner.find("refunded_month") == []


def test_roommates(owner: Checked) -> None:
    mate: Row = {"tenant_user_id": "r-2"}
    part = owner.charge(99_999, **mate)
    assert owner.find("roommates") == []
    owner.reverse(part)
    whole = owner.charge(**mate)
    finding = owner.find_one("roommates", '["u-1", "2026-05"]', "warning")
    assert finding["detail"].startswith("renters r-1, r-2 owe the whole rent each")
    assert (finding["expected"], finding["actual"]) == (
        "100000 cents of all together", "200000 cents",
    )  # fmt: skip
    assert owner.database.execute(finding["repair_call"]).fetchall() == []
    # A rent of their own is theirs, and the rent of the day counts.
    tenancy = {"tenancy_id": "t", "unit_id": "u-1", "start_on": "2026-05-31", **mate}
    owner.insert("ledger.tenancies", rent_amount_cents=100_000, **tenancy)
    assert owner.find("roommates") == []
    owner.database.execute("DELETE FROM ledger.tenancies WHERE tenant = %s", [owner.tenant])
    owner.insert(
        "ledger.unit_rents", unit_id="u-1", effective_from="2026-05-01", rent_amount_cents=200_000
    )
    assert owner.find("roommates") == []
    owner.database.execute("DELETE FROM ledger.unit_rents WHERE tenant = %s", [owner.tenant])
    owner.reverse(whole)
    assert owner.find("roommates") == []


def test_missing_rent(owner: Checked) -> None:
    owner.payment(period="2026-06")
    finding = owner.find_one("missing_rent", '["r-1", "u-1", "2026-06"]')
    assert finding["expected"] == "a rent charge of 100000"
    owner.repair(finding)


def test_quarantined_key(owner: Checked) -> None:
    for amount in (0, -5):
        owner.payment(amount, period="2026-06", unit_id="u-2")
    finding = owner.find_one("quarantined_key", '["r-1", "u-2", "2026-06"]', "warning")
    assert finding["actual"] == "non_positive_amount"
    [row] = owner.database.execute(finding["repair_call"]).fetchall()
    assert "quarantine" in row
    owner.post(unit_id="u-2", billing_period="2026-06", amount_cents=5)
    assert owner.find("quarantined_key") == []


def test_unpaid_rent(owner: Checked) -> None:
    charge = owner.charge(period="2026-06")
    undated = owner.charge(period=None)
    assert [row["object_key"] for row in owner.find("unpaid_rent")] == [charge, undated]
    owner.reverse(undated)
    finding = owner.find_one("unpaid_rent", charge, "warning")
    assert finding["detail"] == "no payment of renter r-1 for unit u-1 is of 2026-06"
    assert len(owner.database.execute(finding["repair_call"]).fetchall()) == 5
    owner.payment(period="2026-06", status="pending")
    assert owner.find("unpaid_rent") == []


@pytest.mark.parametrize(
    "table",
    ["accounts", "charges", "payment_acts", "payment_movements", "payments", "properties", "units"],
)
def test_charge_guard(owner: Checked, table: str) -> None:
    with owner.database.transaction(force_rollback=True):
        owner.database.execute(f"ALTER TABLE ledger.{table} DISABLE TRIGGER USER".encode())
        findings = select(
            owner.database, "check_charge_guard", {"tenant": owner.tenant, "as_of": AS_OF}
        )
        triggers = owner.database.execute(
            "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
            " ORDER BY tgname",
            [f"ledger.{table}"],
        ).fetchall()
        assert [row["object_key"] for row in findings] == [name for (name,) in triggers]
        for row in findings:
            assert row["actual"] == "switched off"
            owner.database.execute(row["repair_call"])
        assert (
            select(owner.database, "check_charge_guard", {"tenant": owner.tenant, "as_of": AS_OF})
            == []
        )


def test_property_time_zone(owner: Checked) -> None:
    for number, zone in enumerate((None, "UTC", "asia/tokyo")):
        owner.insert("ledger.properties", property_id=f"h-{number}", timezone=zone)
    assert owner.find("property_time_zone") == []
    with owner.unguarded():
        owner.insert("ledger.properties", property_id="h-9", timezone="America/Chicag0")
    finding = owner.find_one("property_time_zone", "h-9")
    assert finding["actual"] == "America/Chicag0"
    owner.repair(finding)
