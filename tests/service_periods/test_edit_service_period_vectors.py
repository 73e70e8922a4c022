"""The vectors of edits over the stored ledger: the procedures answer as the operation does."""

from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.conftest import Database
from tests.offline import vectors
from tests.service_periods.books import LEDGER, insert, perform

CASES = [
    case
    for file in vectors.FILES
    if vectors.operation(file) == "edits"
    for case in vectors.cases(Path(file))
    # A procedure is told no second record id.
    if case["expected"].get("issues", [{}])[0].get("code") != "record_mismatch"
]
PROCEDURES = {
    "boundary_adjustment": "edit_service_period",
    "skip": "skip_service_period",
    "defer": "defer_service_period",
}
OTHERWISE = {
    "record_id", "source_rule_version", "source_run_key", "created_at", "updated_at",
    "supersedes_record_id",
}  # fmt: skip


def stored(row: dict[str, Any]) -> dict[str, Any]:
    """Return a row as the ledger takes it without its invoice and without what it replaced."""
    state = {"billed": "locked"}.get(row["lifecycle_state"], row["lifecycle_state"])
    linkage = {"invoice_id", "invoice_charge_id", "invoice_charge_detail_id", "invoice_linked_at"}
    left_out = {"supersedes_record_id", "timing_metadata", *linkage}
    kept = {key: value for key, value in row.items() if key not in left_out}
    return kept | {"lifecycle_state": state}


def arguments_of(request: dict[str, Any]) -> dict[str, Any]:
    """Return the arguments of a procedure for an offline request."""
    renamed = {
        key.removeprefix("updated_").removeprefix("deferred_"): value
        for key, value in request.items()
        if key != "operation"
    }
    clears = "activity_window_start" in renamed and renamed["activity_window_start"] is None
    return renamed | ({"clear_activity_window": True} if clears else {})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_stored_ledger_answers_alike(shared_database: Database, case: dict[str, Any]) -> None:
    given, expected = case["input"], case["expected"]
    whole = given["row_defaults"] | given["row"]
    tenant = whole["tenant"]
    insert(shared_database, "billing.tenants", {"tenant": tenant, "tenant_name": case["id"]})
    insert(shared_database, LEDGER, stored(whole))
    for sibling in (given["row_defaults"] | row for row in given["siblings"] or []):
        is_dead = sibling["lifecycle_state"] in ("superseded", "archived")
        if sibling["record_id"] != whole["record_id"] and not is_dead:
            insert(shared_database, LEDGER, stored(sibling))
    call = {"tenant": tenant, "reason": "r", **arguments_of(given["request"])}
    procedure = PROCEDURES[given["request"]["operation"]]
    if not expected["ok"]:
        with pytest.raises(psycopg.Error) as raised:
            perform(shared_database, procedure, call)
        issues = (raised.value.diag.message_detail or "").partition(":")[0]
        assert issues.split(", ") == [f"{i['code']} ({i['field']})" for i in expected["issues"]]
        return
    new = perform(shared_database, procedure, call)["o_record_id"]
    edited = given["row_defaults"] | expected["edited_row"]
    assert str(new) == edited["record_id"]
    ((row,),) = shared_database.execute(
        "SELECT to_jsonb(r) FROM billing.recurring_service_periods AS r WHERE r.record_id = %s",
        (new,),
    )
    same = stored(edited).keys() - OTHERWISE
    assert {key: row[key] for key in same} == {key: edited[key] for key in same}
