"""A drift that was reviewed and accepted is what is recorded; nothing else is."""

import psycopg
import pytest
from psycopg import sql
from psycopg.conninfo import make_conninfo

from duecourse.acceptance import accept
from duecourse.catalog import Difference
from duecourse.database import connect
from duecourse.errors import DuecourseError, ExitStatus
from duecourse.migrate import apply, status
from duecourse.objects import State
from tests.conftest import Command, Database

FUNCTION = "function billing.escalation_reasons(pg_catalog.uuid,pg_catalog.date)"


def differences(dsn: str) -> list[Difference]:
    """Return what status tells of the catalog."""
    with connect(dsn) as connection:
        return status(connection).differences


def test_what_was_accepted_is_no_drift_and_stays(
    duecourse: Command, dsn: str, database: Database
) -> None:
    database.execute(
        "ALTER TABLE billing.contracts ADD note text; CREATE INDEX mine ON ops.runs (unit);"
        "CREATE TABLE billing.mine (a integer PRIMARY KEY, b text); DROP TABLE ops.import_lines;"
        "CREATE INDEX ON billing.mine (b); ALTER TABLE ops.runs ALTER role_name DROP NOT NULL;"
        "ALTER FUNCTION billing.escalation_reasons COST 7"
    )
    drifted = {
        "column billing.contracts.note": "not ours",
        "table billing.mine": "not ours",
        "table ops.import_lines": "missing",
        "column ops.runs.role_name": "changed",
        FUNCTION: "changed",
    }
    given = ("accept", "--dsn", dsn, "billing.contracts.note", *list(drifted)[1:])
    refused = duecourse(*given, "billing.contracts", "--reason", "reports")
    assert refused.returncode == ExitStatus.REFUSED
    assert "nothing differs in 'billing.contracts' — duecourse status names" in refused.stderr
    assert len(differences(dsn)) == len(drifted) + 1

    done = duecourse(*given, "--reason", " reports ")
    assert done.stdout.splitlines() == [
        f"accepted   {state:<9} {name}" for name, state in drifted.items()
    ]
    assert [found.identity for found in differences(dsn)] == ["index ops.mine"]
    applied = apply(dsn)
    assert ([found.identity for found in applied.differences], applied.objects) == (
        ["index ops.mine"],
        [],
    )
    assert database.execute(
        "SELECT identity, state, reason, accepted_by = session_user,"
        " accepted_at BETWEEN now() - interval '5 minutes' AND now(), recorded = '', live = ''"
        ' FROM ops.accepted_drift ORDER BY identity COLLATE "C"'
    ).fetchall() == [
        (name, state, "reports", True, True, state == "not ours", state == "missing")
        for name, state in sorted(drifted.items())
    ]

    # What was accepted drifts again when it changes again.
    database.execute(
        "ALTER TABLE billing.mine DROP b; ALTER TABLE billing.contracts ALTER note SET NOT NULL;"
        "ALTER FUNCTION billing.escalation_reasons COST 100"
    )
    assert {(found.identity, found.state) for found in differences(dsn)} == {
        ("index ops.mine", "not ours"),
        ("index billing.mine_b_idx", "missing"),
        ("column billing.mine.b", "missing"),
        ("column billing.contracts.note", "changed"),
        (FUNCTION, "changed"),
    }
    # And an object whose file changes is made anew.
    database.execute(
        "UPDATE ops.applied_objects SET loose_checksum = '', exact_checksum = ''"
        " WHERE path LIKE '%/escalation_reasons.sql.j2'"
    )
    assert [item.state for item in apply(dsn).objects] == [State.CHANGED]
    assert FUNCTION not in {found.identity for found in differences(dsn)}


def test_it_is_the_owners_and_needs_a_reason(dsn: str, database: Database) -> None:
    database.execute("ALTER TABLE billing.contracts ADD note text")
    with pytest.raises(DuecourseError, match="a reason is missing"):
        accept(dsn, ["billing.contracts.note"], reason=" ")
    role = f"stranger_to_{database.info.dbname}"
    database.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(role)))
    try:
        with pytest.raises(DuecourseError, match=f"belongs to role .* not to {role}"):
            accept(make_conninfo(dsn, user=role), ["billing.contracts.note"], reason="mine")
    finally:
        database.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(role)))
    with pytest.raises(psycopg.errors.CheckViolation):
        database.execute(
            "INSERT INTO ops.accepted_drift VALUES ('x', now(), 'x', ' ', 'changed', '', '')"
        )
    assert len(differences(dsn)) == 1


def test_in_an_adopted_database(duecourse: Command, adopted_alga_dsn: str) -> None:
    """A drift is accepted there as well; a bundle and a dry run are adopt's."""
    with connect(adopted_alga_dsn) as connection:
        connection.execute("ALTER TABLE ops.runs ADD note text")
    given = ("--dsn", adopted_alga_dsn)
    assert duecourse("accept", *given, "ops.runs.note", "--reason", "x").returncode == 0
    assert differences(adopted_alga_dsn) == []
    for command in (("bundle",), ("bundle", "--undo"), ("apply", "--dry-run")):
        refused = duecourse(*command, *given)
        assert refused.returncode == ExitStatus.REFUSED
        assert "the database was adopted as alga (schema public) — " in refused.stderr
