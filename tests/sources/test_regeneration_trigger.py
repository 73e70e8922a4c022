"""What an edit makes stale: which kind of trigger, in which scope, whose schedules."""

from typing import Any

import pytest

from tests.conftest import Database


def trigger(database: Database, *given: object) -> dict[str, Any]:
    [(answer,)] = database.execute(
        "SELECT billing.regeneration_trigger(%s, %s::text[], %s, %s)", given
    ).fetchall()
    assert answer["preserve_edited_rows"] is answer["preserve_billed_history"] is True
    return dict(answer)


@pytest.mark.parametrize(
    ("source", "fields", "owners", "kind", "code", "scope", "affected"),
    [
        ("contract_line_edit", ["cadence_owner"], ("client", "contract"), "cadence_owner_change",
         "cadence_owner_changed", "replace_schedule_identity", ["client", "contract"]),
        ("contract_line_edit", ["billing_timing", "name"], ("client", "client"),
         "contract_line_edit", "source_rule_changed", "obligation_schedule_only", ["client"]),
        ("contract_assignment_edit", ["end_date"], ("contract", "contract"),
         "contract_assignment_edit", "activity_window_changed", "obligation_schedule_only",
         ["contract"]),
        ("billing_schedule_edit", ["billing_anchor_date"], (None, "contract"),
         "billing_schedule_change", "billing_schedule_changed", "client_cadence_dependents",
         ["client"]),
    ],
)  # fmt: skip
def test_what_must_be_regenerated(
    database: Database,
    source: str,
    fields: list[str],
    owners: tuple[str | None, str],
    kind: str,
    code: str,
    scope: str,
    affected: list[str],
) -> None:
    answer = trigger(database, source, fields, *owners)
    assert (answer["should_regenerate"], answer["trigger_kind"]) == (True, kind)
    assert (answer["regeneration_reason_code"], answer["scope"]) == (code, scope)
    assert answer["affected_cadence_owners"] == affected
    assert answer["changed_fields"] == fields


@pytest.mark.parametrize(
    "given",
    [
        ("contract_line_edit", ["name"], "client", "client"),
        ("contract_line_edit", [], None, "client"),
        ("billing_schedule_edit", None, "client", None),
        ("client_edit", ["billing_frequency"], "client", "contract"),
        (None, None, None, None),
    ],
)
def test_what_makes_nothing_stale(database: Database, given: tuple[object, ...]) -> None:
    answer = trigger(database, *given)
    assert answer["should_regenerate"] is False
    assert answer["trigger_kind"] is answer["regeneration_reason_code"] is answer["scope"] is None


def test_a_field_is_named_once_in_its_first_place(database: Database) -> None:
    answer = trigger(database, "contract_line_edit", ["b", "a", "b"], "client", "client")
    assert answer["changed_fields"] == ["b", "a"]
