"""What all readings have in common: they read, in a READ ONLY transaction and at every level."""

from copy import copy
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import IsolationLevel, sql
from psycopg.rows import dict_row

from tests.charges.owner import Owner
from tests.charges.runs import backfill, tenancy
from tests.conftest import Database
from tests.invoices.books import LATE, Billing
from tests.invoices.linkage import dangling
from tests.service_periods.books import AS_OF, FEBRUARY, JANUARY, MARCH, Row, fill, fingerprint
from tests.service_periods.test_reviewed_plans import conflicting

NOBODY = UUID(int=99)

#: Every reading that takes a tenant, with what else it needs; ``{name}`` is of the scene.
READINGS: dict[str, Row] = {
    "billing.assess_coverage": {"as_of": AS_OF},
    "billing.candidate_service_periods": {"as_of": AS_OF},
    "billing.captured_rows": {"obligation_id": "{obligation}"},
    "billing.cutover_checklist": {"as_of": AS_OF},
    "billing.due_work": {"as_of": AS_OF},
    "billing.escalations": {"as_of": AS_OF},
    "billing.find_clients": {"text": "cli"},
    "billing.invoice_candidates": {"as_of": AS_OF},
    "billing.invoiced_history": {},
    "billing.linkage_repair_summary": {"as_of": AS_OF},
    "billing.linkage_script": {"as_of": AS_OF},
    "billing.plan_linkage_repair": {"as_of": AS_OF},
    "billing.plan_script": {"as_of": AS_OF, "mode": "backfill"},
    "billing.plan_service_periods": {"as_of": AS_OF, "mode": "backfill"},
    "billing.plan_summary": {"as_of": AS_OF, "mode": "backfill"},
    "billing.preview_invoice": {
        "client_id": "{client}",
        "window_start": FEBRUARY,
        "window_end": MARCH,
        "as_of": LATE,
    },
    "billing.schedule_names": {},
    "billing.verify": {"as_of": AS_OF},
    "ledger.verify": {"as_of": AS_OF},
    "ops.verify": {"as_of": AS_OF},
    "ledger.balances": {},
    "ledger.charge_backfill_script": {},
    "ledger.charge_backfill_summary": {},
    "ledger.explain_balance": {"tenant_user_id": "r-1", "unit_id": "u-1"},
    "ledger.orphans": {},
    "ledger.plan_charge_backfill": {},
    "ledger.plan_rent": {"as_of": LATE},
    "ledger.read_stripe_settings": {},
    # Before the first rent: the ids of this scene are none that a script can write.
    "ledger.rent_script": {"as_of": "2024-12-31"},
    "ledger.rent_summary": {"as_of": LATE},
    "ledger.show_payment": {"payment_id": "p-1"},
    "ops.run_records": {},
    "ops.verify_history": {},
    "ops.waivers": {"as_of": AS_OF},
    "ops.run_status": {},
}

#: Those to which no tenant is the database itself.
OF_DATABASE = {"billing.verify", "ledger.verify", "ops.verify", "ops.verify_history", "ops.waivers"}

#: Those that answer for a tenant that they do not know: there is nothing of it.
INDIFFERENT = {"billing.captured_rows", "ops.run_records", "ops.run_status"}


class Scene:
    """Books and a charge ledger of one tenant, in which every reading finds something."""

    def __init__(self, database: Database, books: Billing | None = None) -> None:
        self.database = database
        self.books = books = books or Billing(database)
        conflicting(books)
        dangling(books, books.line())
        fill(books, 2)
        client = books.named("Client")
        line = books.priced(client)
        books.call(as_of=JANUARY, client_id=client)
        books.generate(client)
        self.owner = owner = Owner(database)
        owner.tenant = books.tenant
        owner.unit("u-1", 100_000)
        owner.payment()
        database.execute(
            "CALL ops.waive_check(%s, 'coverage', p_reason => 'agreed', p_until => %s)",
            (books.tenant, AS_OF),
        )
        database.execute(
            "CALL ops.record_checks(%s, %s, %s)",
            (
                books.tenant,
                AS_OF,
                '[{"check_name": "coverage", "outcome": "ok", "errors": 0, "warnings": 0,'
                ' "waived": 0}]',
            ),
        )
        backfill(owner)
        owner.payment(period="soon")
        tenancy(owner, "2025-01-01")
        self.tenant = books.tenant
        self._given = {"tenant": books.tenant, "client": client, "obligation": line.obligation}

    def at(self, database: Database) -> "Scene":
        """Return the same scene as another connection sees it."""
        other = copy(self)
        other.database = database
        return other

    def read(self, reading: str, **arguments: Any) -> list[Row]:
        """Return the rows of a reading, for the tenant of the scene if no other is given."""
        given = {"tenant": "{tenant}", **READINGS[reading], **arguments}
        for name, value in given.items():
            if isinstance(value, str):
                given[name] = self._given.get(value.strip("{}"), value)
        named = (
            sql.SQL("{} => {}").format(sql.Identifier(f"p_{n}"), sql.Placeholder(n)) for n in given
        )
        statement = sql.SQL("SELECT * FROM {}({})").format(
            sql.Identifier(*reading.split(".")), sql.SQL(", ").join(named)
        )
        return self.database.cursor(row_factory=dict_row).execute(statement, given).fetchall()


@pytest.fixture(scope="module")
def scene(shared_database: Database) -> Scene:
    """Return a tenant in which every reading finds something."""
    return Scene(shared_database)


def test_every_reading_stands_here(shared_database: Database) -> None:
    declared = shared_database.execute(
        "SELECT d.routine_schema || '.' || d.routine_name FROM ops.routine_permissions() AS d"
        " JOIN pg_proc AS p ON p.pronamespace = d.routine_schema AND p.proname = d.routine_name"
        " WHERE p.prokind = 'f' AND d.permissions IS NOT NULL AND d.routine_name !~ '^(_|check_)'"
    )
    assert {name for (name,) in declared} == READINGS.keys()


@pytest.mark.parametrize("level", [None, IsolationLevel.SERIALIZABLE])
@pytest.mark.parametrize("reading", READINGS)
def test_it_reads_only(scene: Scene, reading: str, level: IsolationLevel | None) -> None:
    database = scene.database
    before = fingerprint(database)
    expected = scene.read(reading)
    assert expected
    database.isolation_level, database.read_only = level, True
    try:
        with database.transaction():
            assert scene.read(reading) == expected
    finally:
        database.isolation_level = database.read_only = None
    assert fingerprint(database) == before


@pytest.mark.parametrize("reading", [name for name in READINGS if name not in INDIFFERENT])
def test_it_refuses_a_tenant_that_is_unknown(scene: Scene, reading: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        scene.read(reading, tenant=NOBODY)
    assert raised.value.sqlstate == "DC002"
    assert raised.value.diag.message_detail == f"tenant {NOBODY}"
    assert raised.value.diag.message_hint == (
        "SELECT * FROM ops.tenants() shows the tenants of this database."
    )


@pytest.mark.parametrize(
    "reading",
    [name for name in READINGS if name not in INDIFFERENT | OF_DATABASE],
)
def test_it_refuses_no_tenant(scene: Scene, reading: str) -> None:
    with pytest.raises(psycopg.Error) as raised:
        scene.read(reading, tenant=None)
    assert raised.value.sqlstate == "DC001"
    assert raised.value.diag.message_detail == "p_tenant is null"
    assert raised.value.diag.message_hint


@pytest.mark.parametrize("reading", sorted(INDIFFERENT))
def test_it_finds_nothing_of_an_unknown_tenant(scene: Scene, reading: str) -> None:
    assert [row for row in scene.read(reading, tenant=NOBODY) if any(row.values())] == []
