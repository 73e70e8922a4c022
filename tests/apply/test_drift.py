"""What apply made and somebody changed by hand: named, with what brings it back."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse import embedded
from duecourse.catalog import Difference
from duecourse.database import SETTINGS, connect
from duecourse.errors import DuecourseError
from duecourse.frozen import names
from duecourse.migrate import apply, status
from duecourse.postgres import binaries
from tests.apply.test_repeating import assert_applied
from tests.conftest import Command, Database

LEDGER = "billing.recurring_service_periods"
#: A change by hand, and the identity, state and repair of the one difference that it makes.
BY_HAND = [
    (
        f"ALTER TABLE {LEDGER} DROP CONSTRAINT recurring_service_periods_revision_check",
        f"constraint recurring_service_periods_revision_check on {LEDGER}",
        "missing",
        f"ALTER TABLE {LEDGER} ADD CONSTRAINT recurring_service_periods_revision_check"
        " CHECK ((revision >= 1))",
    ),
    (
        "DROP INDEX billing.recurring_service_periods_one_claim_key",
        "index billing.recurring_service_periods_one_claim_key",
        "missing",
        f"CREATE UNIQUE INDEX recurring_service_periods_one_claim_key ON {LEDGER} USING btree"
        " (tenant, invoice_charge_detail_id) WHERE (invoice_charge_detail_id IS NOT NULL);"
        " COMMENT ON INDEX billing.recurring_service_periods_one_claim_key"
        " IS 'A detail of an invoice bills one row.'",
    ),
    (
        "ALTER TABLE ops.engine_settings DROP CONSTRAINT engine_settings_pkey",
        "constraint engine_settings_pkey on ops.engine_settings",
        "missing",
        "ALTER TABLE ops.engine_settings ADD CONSTRAINT engine_settings_pkey PRIMARY KEY (setting)",
    ),
    (
        f"ALTER TABLE {LEDGER} ADD hack integer NOT NULL DEFAULT 1",
        f"column {LEDGER}.hack",
        "not ours",
        f"ALTER TABLE {LEDGER} DROP COLUMN hack",
    ),
    (
        "ALTER TABLE ops.runs ALTER role_name DROP NOT NULL",
        "column ops.runs.role_name",
        "changed",
        "ALTER TABLE ops.runs ALTER COLUMN role_name SET NOT NULL",
    ),
    (
        "ALTER TABLE billing.invoices OWNER TO pg_monitor",
        "owner of table billing.invoices",
        "changed",
        "ALTER TABLE billing.invoices OWNER TO {owner}",
    ),
    (
        "ALTER TABLE ops.runs ALTER batches TYPE bigint, ALTER batches SET DEFAULT 7",
        "column ops.runs.batches",
        "changed",
        "ALTER TABLE ops.runs ALTER COLUMN batches TYPE integer;"
        " ALTER TABLE ops.runs ALTER COLUMN batches SET DEFAULT 0",
    ),
    (
        "ALTER TABLE ops.runs ALTER status SET DEFAULT 'done'",
        "column ops.runs.status",
        "changed",
        "ALTER TABLE ops.runs ALTER COLUMN status DROP DEFAULT",
    ),
    (
        f"ALTER TABLE {LEDGER} ALTER tenant SET STATISTICS 100",
        f"column {LEDGER}.tenant",
        "changed",
        f"ALTER TABLE {LEDGER} ALTER COLUMN tenant SET STATISTICS 0",
    ),
    (
        "COMMENT ON COLUMN ledger.charges.created_by IS NULL",
        "column ledger.charges.created_by",
        "changed",
        "COMMENT ON COLUMN ledger.charges.created_by IS"
        " 'Who posted it; null: made by a bulk run, such as the backfill.'",
    ),
    (
        "ALTER TABLE ops.import_lines SET UNLOGGED",
        "table ops.import_lines",
        "changed",
        "ALTER TABLE ops.import_lines SET LOGGED",
    ),
    (
        "ALTER TABLE ops.tenant_locks SET (fillfactor = 50)",
        "table ops.tenant_locks",
        "changed",
        "ALTER TABLE ops.tenant_locks RESET (fillfactor)",
    ),
    (
        "ALTER TABLE ops.runs ENABLE ROW LEVEL SECURITY",
        "table ops.runs",
        "changed",
        "ALTER TABLE ops.runs DISABLE ROW LEVEL SECURITY",
    ),
    (
        "CREATE POLICY p ON ops.runs",
        "policy p on ops.runs",
        "not ours",
        "DROP POLICY p ON ops.runs",
    ),
    (
        "CREATE RULE r AS ON DELETE TO ops.runs DO INSTEAD NOTHING",
        "rule r on ops.runs",
        "not ours",
        "DROP RULE r ON ops.runs",
    ),
    (
        "CREATE INDEX mine ON ops.runs (status)",
        "index ops.mine",
        "not ours",
        "DROP INDEX ops.mine",
    ),
    (
        "ALTER TABLE billing.clients ADD CONSTRAINT mine CHECK (client_name <> '')",
        "constraint mine on billing.clients",
        "not ours",
        "ALTER TABLE billing.clients DROP CONSTRAINT mine",
    ),
    (
        "CREATE TABLE billing.mine (a integer PRIMARY KEY)",
        "table billing.mine",
        "not ours",
        "DROP TABLE billing.mine",
    ),
    (
        "CREATE FUNCTION ops.mine(p integer) RETURNS integer LANGUAGE sql AS 'SELECT 1'",
        "function ops.mine(integer)",
        "not ours",
        "DROP FUNCTION ops.mine(integer)",
    ),
    (
        "CREATE TRIGGER mine BEFORE DELETE ON ops.runs FOR EACH ROW"
        " EXECUTE FUNCTION pg_catalog.suppress_redundant_updates_trigger()",
        "trigger mine on ops.runs",
        "not ours",
        "DROP TRIGGER mine on ops.runs",
    ),
    (
        "ALTER TABLE ledger.stripe_events DISABLE TRIGGER ALL",
        "constraint stripe_events_payment_fkey on ledger.stripe_events",
        "changed",
        "ALTER TABLE ledger.stripe_events ENABLE TRIGGER ALL",
    ),
    (
        "REVOKE INSERT, UPDATE ON ledger.charges FROM CURRENT_USER",
        "rights of the owner on table ledger.charges",
        "changed",
        "GRANT INSERT, UPDATE ON TABLE ledger.charges TO {owner}",
    ),
    (
        "COMMENT ON SCHEMA ledger IS 'mine'",
        "schema ledger",
        "changed",
        "COMMENT ON SCHEMA ledger IS 'The charge ledger: who rents which unit, what was charged,"
        " what was paid.'",
    ),
]


def differences(dsn: str) -> list[Difference]:
    """Return where the catalog is not as apply left it."""
    with connect(dsn) as connection:
        return status(connection).differences


@pytest.mark.parametrize(("change", "identity", "state", "repair"), BY_HAND)
def test_a_change_by_hand_is_named(
    shared_dsn: str, shared_database: Database, change: str, identity: str, state: str, repair: str
) -> None:
    shared_database.execute(change.encode())
    [found] = differences(shared_dsn)
    assert (found.identity, found.state) == (identity, state)
    assert found.repair == repair.format(owner=shared_database.info.user)
    applied = apply(shared_dsn)
    assert (applied.objects, applied.differences) == ([], [found])
    shared_database.execute(found.repair.encode())
    assert_applied(shared_dsn)


def test_a_dropped_table_is_named_and_made_anew(dsn: str, database: Database) -> None:
    database.execute("DROP TABLE billing.service_period_events CASCADE")
    [found] = [item for item in differences(dsn) if item.identity.startswith("table ")]
    assert (found.identity, found.state) == ("table billing.service_period_events", "missing")
    with pytest.raises(DuecourseError) as caught:
        apply(dsn)
    assert caught.value.message == "what was applied is gone: table billing.service_period_events"
    assert caught.value.hint == (
        "restore it from a backup; or, to have it anew and empty: duecourse apply --remake"
    )
    assert apply(dsn, remake=True).migrations == ["0003.invoices_and_periods"]
    assert_applied(dsn)


def test_what_a_migration_finds_changed_stays_named(dsn: str, database: Database) -> None:
    database.execute("ALTER TABLE ops.runs ALTER role_name DROP NOT NULL")
    database.execute("DELETE FROM ops._yoyo_migration")
    assert apply(dsn).migrations == names()
    assert [found.identity for found in differences(dsn)] == ["column ops.runs.role_name"]


def test_a_users_own_objects_elsewhere_are_no_drift(dsn: str, database: Database) -> None:
    database.execute(
        "CREATE SCHEMA mine; CREATE VIEW mine.v AS SELECT * FROM billing.invoices;"
        "CREATE TABLE mine.t (tenant uuid REFERENCES billing.tenants)"
    )
    assert_applied(dsn)


def test_commands_tell_and_exit(dsn: str, database: Database, duecourse: Command) -> None:
    database.execute(
        "ALTER TABLE ops.runs ALTER role_name DROP NOT NULL; CREATE INDEX mine ON ops.runs (unit)"
    )
    told = duecourse("status", "--dsn", dsn, "--detailed-exitcode")
    assert told.returncode == 2
    assert re.fullmatch(
        r"\S+ on \S+ as \w+, PostgreSQL [\d.]+.*, duecourse [\d.]+\n"
        rf"migrations  {len(names())} applied, 0 pending\nobjects     \d+ applied, 0 to apply\n"
        r"drift       2 differences\n",
        told.stdout[: told.stdout.index("kind ")],
    )
    applied = duecourse("apply", "--dsn", dsn)
    assert applied.returncode == 1
    place, *lines = applied.stdout.splitlines()
    assert place.endswith(": nothing to apply")
    assert lines == [
        "left       changed   column ops.runs.role_name:"
        " ALTER TABLE ops.runs ALTER COLUMN role_name SET NOT NULL",
        "left       not ours  index ops.mine: DROP INDEX ops.mine",
    ]
    shown = duecourse("status", "--dsn", dsn, "--diff", "role_name")
    lines = shown.stdout.splitlines()
    assert lines[:2] == [
        "--- column ops.runs.role_name as applied",
        "+++ column ops.runs.role_name as it is",
    ]
    gone = [line.rstrip(";") for line in lines[3:] if line.startswith("-")]
    assert "-ALTER TABLE ops.runs ALTER COLUMN role_name SET NOT NULL" in gone
    missed = duecourse("status", "--dsn", dsn, "--diff", "nothing")
    assert (missed.returncode, missed.stdout) == (1, "")
    database.execute("ALTER TABLE ops.runs ALTER role_name SET NOT NULL")
    assert duecourse("apply", "--dsn", dsn).returncode == 0


def test_other_settings_are_no_drift(dsn: str, database: Database) -> None:
    other = {
        "DateStyle": "German",
        "IntervalStyle": "iso_8601",
        "quote_all_identifiers": "on",
        "search_path": "billing, ledger, ops",
        "standard_conforming_strings": "off",
        "TimeZone": "Asia/Tokyo",
    }
    for name, value in other.items():
        database.execute(
            sql.SQL("ALTER DATABASE {} SET {} = {}").format(
                sql.Identifier(database.info.dbname), sql.Identifier(name), sql.Literal(value)
            )
        )
    assert SETTINGS.keys() & other.keys()
    assert_applied(dsn)
    assert apply(dsn).objects == []


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Yield the connection string of a server of another version than the tests' one."""
    with monkeypatch.context() as patch:
        version = 16 if os.environ.get("DUECOURSE_POSTGRES", "") != "16" else 18
        patch.setenv("DUECOURSE_POSTGRES", str(version))
        with embedded.serve(durable=False) as server:
            yield server.dsn


def restore(source: str, target: str, *arguments: str) -> None:
    """Dump a database and restore it into an empty one."""

    def run(command: list[Path | str], text: bytes = b"") -> bytes:
        return subprocess.run(command, input=text, check=True, capture_output=True).stdout

    folder = binaries()
    text = run([folder / "pg_dump", *arguments, f"--dbname={source}"])
    if "--format=custom" in arguments:
        text = run([folder / "pg_restore", "--file=-"], text)
    # An older server does not know the one setting.
    text = text.replace(b"SET transaction_timeout = 0;", b"")
    run([folder / "psql", "--quiet", "--set=ON_ERROR_STOP=1", f"--dbname={target}"], text)


@pytest.mark.parametrize("arguments", [(), ("--format=custom",)], ids=["plain", "custom"])
def test_a_restored_database_has_not_drifted(
    dsn: str, empty_dsn: str, arguments: tuple[str, ...]
) -> None:
    restore(dsn, empty_dsn, *arguments)
    assert_applied(empty_dsn)
    applied = apply(empty_dsn)
    assert (applied.migrations, applied.objects, applied.differences) == ([], [], [])


def test_another_owner_who_restores_is_no_drift(
    dsn: str, empty_dsn: str, empty_database: Database
) -> None:
    name = f"owner_of_{empty_database.info.dbname}"
    names = [sql.Identifier(empty_database.info.dbname), sql.Identifier(name)]
    empty_database.execute(sql.SQL("CREATE ROLE {1} LOGIN").format(*names))
    try:
        empty_database.execute(sql.SQL("GRANT CREATE ON DATABASE {0} TO {1}").format(*names))
        theirs = make_conninfo(empty_dsn, user=name)
        restore(dsn, theirs, "--no-owner", "--no-acl")
        with connect(theirs) as connection:
            assert status(connection).differences == []
    finally:
        empty_database.execute(sql.SQL("DROP OWNED BY {1} CASCADE").format(*names))
        empty_database.execute(sql.SQL("DROP ROLE {1}").format(*names))


def test_another_version_of_postgresql_is_no_drift(dsn: str, elsewhere: str) -> None:
    with connect(elsewhere) as connection:
        connection.execute("CREATE DATABASE applied")
    apply(make_conninfo(elsewhere, dbname="applied"))
    recorded = "SELECT identity, place, fingerprint FROM ops.applied_catalog ORDER BY 1, 2"
    with connect(dsn) as one, connect(make_conninfo(elsewhere, dbname="applied")) as other:
        assert one.execute(recorded).fetchall() == other.execute(recorded).fetchall()
