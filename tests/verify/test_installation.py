"""Checks of what surrounds the ledger: its guards, the applied objects, the runs."""

import pytest

from duecourse import migrate
from tests.service_periods.books import LEDGER
from tests.verify.scene import Scene

GUARDS = [
    f"recurring_service_periods_guard_{name}"
    for name in ("columns", "delete", "insert", "release", "transition", "truncate")
]


def test_ledger_guard_knows_every_trigger(scene: Scene) -> None:
    rows = scene.database.execute(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = %s::regclass AND NOT tgisinternal"
        " ORDER BY tgname",
        (LEDGER,),
    )
    assert [name for (name,) in rows] == GUARDS


@pytest.mark.parametrize("guard", GUARDS)
def test_ledger_guard_that_is_switched_off(scene: Scene, guard: str) -> None:
    scene.database.execute(f"ALTER TABLE {LEDGER} DISABLE TRIGGER {guard}")
    finding = scene.find_one("ledger_guard", guard)
    assert finding["actual"] == "switched off"
    scene.database.execute(finding["repair_call"])
    assert scene.find("ledger_guard") == []


def test_ledger_guard_that_is_missing(own_scene: Scene, dsn: str) -> None:
    own_scene.database.execute(f"DROP TRIGGER {GUARDS[0]} ON {LEDGER}")
    finding = own_scene.find_one("ledger_guard", GUARDS[0])
    assert (finding["actual"], finding["repair_call"]) == ("missing", "duecourse apply")
    migrate.apply(dsn)
    assert own_scene.find("ledger_guard") == []


@pytest.mark.parametrize(
    ("change", "actual"),
    [
        ("COMMENT ON FUNCTION ops.all_tenants(text) IS 'changed'", "changed"),
        ("ALTER FUNCTION ops.all_tenants(text) VOLATILE", "changed"),
        ("DROP FUNCTION ops.all_tenants(text)", "missing"),
    ],
)
def test_catalog_drift_of_an_object(own_scene: Scene, dsn: str, change: str, actual: str) -> None:
    own_scene.database.execute(change.encode())
    finding = own_scene.find_one("catalog_drift", "function ops.all_tenants(pg_catalog.text)")
    assert finding["detail"] == "sql/ops/all_tenants.sql.j2 made it otherwise"
    assert (finding["actual"], finding["repair_call"]) == (actual, "duecourse apply")
    migrate.apply(dsn)
    assert own_scene.find("catalog_drift") == []


@pytest.mark.parametrize(
    ("change", "identity", "actual"),
    [
        (
            "ALTER TABLE ops.runs ALTER role_name DROP NOT NULL",
            "column ops.runs.role_name",
            "ALTER TABLE ops.runs ADD COLUMN role_name text",
        ),
        (
            "DROP INDEX billing.recurring_service_periods_one_claim_key",
            "index billing.recurring_service_periods_one_claim_key",
            "missing",
        ),
    ],
)
def test_catalog_drift_of_a_table(scene: Scene, change: str, identity: str, actual: str) -> None:
    scene.database.execute(change.encode())
    finding = scene.find_one("catalog_drift", identity)
    assert finding["detail"].startswith("migrations/000")
    assert finding["actual"].startswith(actual)
    scene.database.execute(finding["repair_call"])
    assert scene.find("catalog_drift") == []


def test_catalog_drift_of_an_edited_migration(own_scene: Scene, dsn: str) -> None:
    own_scene.database.execute(
        "UPDATE ops.applied_migrations SET checksum = 'x' WHERE migration_id = '0005.stripe'"
    )
    migrate.apply(dsn)
    finding = own_scene.find_one("catalog_drift", "migration 0005.stripe")
    assert finding["detail"] == "its text was edited after it had been applied"
    [(text,)] = own_scene.database.execute(finding["repair_call"])
    assert "stripe_events" in text


def test_unfinished_run(scene: Scene) -> None:
    scene.line()
    scene.call(run_key="it's mine", batch_size=1, max_batches=1)
    key = "backfill_service_periods:it's mine"
    finding = scene.find_one("unfinished_run", key, "warning")
    assert finding["actual"].startswith("partial, last heard of at ")
    # Also one that an operator has paused.
    scene.database.execute("CALL ops.pause_run(p_run_key => %s)", ["it's mine"])
    finding = scene.find_one("unfinished_run", key, "warning")
    assert finding["actual"].startswith("paused, last heard of at ")
    assert scene.repair(finding) == [(7, 2, "done")]
    assert scene.find("unfinished_run") == []
