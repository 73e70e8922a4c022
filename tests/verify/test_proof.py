"""verify --prove: every check finds the fault of its name, and nothing of it stays."""

import json
from collections.abc import Callable, Iterator

import psycopg
import pytest
from pytest_postgresql.executors import NoopExecutor

from duecourse import locate, proof
from duecourse.config import Config
from duecourse.database import connect
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.objects import Check, checks, declared
from duecourse.proof import Proof
from duecourse.render import render
from tests.conftest import Database, clone
from tests.service_periods.books import fingerprint
from tests.settings.sample import cli

CHECKS = {check.name: check for check in declared()}

Breaker = Callable[[str], None]


@pytest.fixture(scope="module")
def proofs(applied_server: NoopExecutor) -> Iterator[dict[str, Proof]]:
    """Return the proof of every check, made in a database in which nothing of it stayed."""
    with clone(applied_server, "_proved") as dsn, connect(dsn) as connection:
        catalog = "SELECT identity, place, fingerprint FROM ops.applied_catalog ORDER BY 1, 2"
        before = fingerprint(connection), connection.execute(catalog).fetchall()
        made = {each.check.name: each for each in proof.prove(connection, Config(), declared())}
        assert (fingerprint(connection), connection.execute(catalog).fetchall()) == before
        drift = connection.execute("SELECT * FROM ops.verify(NULL, %s)", [proof.AS_OF])
        assert drift.fetchall() == []
        yield made


def test_every_check_has_a_fault() -> None:
    assert sorted(proof.faults(Config())) == sorted(checks())


def test_books_in_good_order_have_no_findings(database: Database) -> None:
    with database.transaction(force_rollback=True):
        database.execute(render("verify/faults/_scene.sql.j2").encode())
        where = "SELECT * FROM ops.verify(%s, %s)"
        assert database.execute(where, [proof.TENANT, proof.AS_OF]).fetchall() == []


@pytest.mark.parametrize("check", CHECKS.values(), ids=lambda check: check.name)
def test_a_fault_is_found(proofs: dict[str, Proof], check: Check) -> None:
    found = proofs[check.name]
    assert found.error is None
    [finding] = found.findings
    assert finding["check_name"] == check.name
    assert finding["severity"] in check.severity
    assert found.fault.endswith(".")


def test_a_fault_has_no_tenant_but_its_own() -> None:
    """What is planted is of the tenant of the proof, or of the database itself."""
    for file in (locate.folder("verify") / "faults").glob("[a-z]*"):
        text = render(f"verify/faults/{file.name}")
        of_database = CHECKS[file.name.removesuffix(".sql.j2")].of_database
        assert str(proof.TENANT) in text or of_database or "DROP INDEX" in text, file.name


def test_a_check_that_is_blind_is_named(dsn: str, database: Database) -> None:
    [(made,)] = database.execute(
        "SELECT pg_get_functiondef('billing.check_cycle_gap(uuid, date)'::regprocedure)"
    ).fetchall()
    database.execute(made.replace("ORDER BY f.object_key", "WHERE false ORDER BY f.object_key"))
    database.execute("DROP FUNCTION billing.check_cycle_open_end")
    some = ("--check", "cycle_gap", "--check", "cycle_open_end", "--check", "cycle_overlap")
    at = ("verify", "--prove", *some, "--dsn", dsn)
    with pytest.raises(DuecourseError) as raised:
        cli(*at)
    assert raised.value.exit_status == ExitStatus.REFUSED
    assert raised.value.message.startswith("other sessions are connected to the database (1)")
    status, said = cli(*at, "--yes")
    assert status == ExitStatus.VERIFICATION_FAILED
    assert said.startswith("1 of 3 checks found what was planted for them")
    assert "MISSED  cycle_gap: The cycle of February is inactive.\n" in said
    assert "function billing.check_cycle_open_end does not exist" in said
    assert "found   cycle_overlap" in said
    found = json.loads(cli(*at, "--yes", "--format", "json")[1])
    assert [each["found"] for each in found] == [False, True, False]


def test_a_lock_that_others_hold_is_not_waited_for(dsn: str, database: Database) -> None:
    with database.transaction(), psycopg.connect(dsn) as other:
        other.execute("SELECT 1 FROM ledger.charges")
        other.commit()
        database.execute("LOCK TABLE ledger.charges IN SHARE MODE")
        status, said = cli("verify", "--prove", "--yes", "--check", "charge_guard", "--dsn", dsn)
    assert status == ExitStatus.VERIFICATION_FAILED
    assert "lock timeout" in said


def test_where_tables_were_adopted(adopted_alga_dsn: str) -> None:
    status, said = cli("verify", "--prove", "--dsn", adopted_alga_dsn)
    assert status == ExitStatus.DONE
    assert said.startswith("2 of 61 checks found what was planted")
    assert said.endswith(
        "59 are not proved here: their faults would be planted in adopted tables\n"
    )
