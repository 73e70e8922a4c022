"""What may stand on a line: each bad one is named by its number, the others are answered."""

import json

import psycopg
import pytest

from duecourse import offline
from duecourse.offline import Fault
from tests.conftest import Database
from tests.offline.conftest import Plan

GOOD = b'{"id": "good", "input": {"from": "generated", "to": "billed"}}'
ANSWER = {"id": "good", "output": {"allowed": True, "from_is_terminal": False}}


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{nope}", "invalid input syntax for type json"),
        (GOOD + GOOD, "invalid input syntax for type json"),
        (b'{"id": NaN, "input": {}}', 'Token "NaN" is invalid'),
        (b'{"id": 1, "from": "\\ud800", "to": ""}', "high surrogate"),
        (b'{"from": "\\u0000", "to": ""}', "\\u0000 cannot be converted to text"),
        (b'{"from": "a\x00b"}', "NUL byte"),
        (b'{"from": "\xff"}', "not UTF-8 at byte 11"),
        (b"[" * 100_000, "stack depth limit exceeded"),
        (b"[1, 2]", "[1, 2] is not a JSON object"),
        (b'{"id": 7, "input": "billed"}', '"billed" is not a JSON object'),
        (b'{"to": "billed"}', "from is missing, not a text"),
        (b'{"from": "generated", "to": 5}', "to is 5, not a text"),
    ],
)
def test_a_bad_line_is_named(plan: Plan, line: bytes, reason: str) -> None:
    given = plan("transitions", [GOOD, b"", line, GOOD, GOOD])
    fault = given.pop(1)
    assert given == [ANSWER] * 3
    assert isinstance(fault, Fault)
    assert fault.number == 3
    assert reason in fault.reason
    assert "\n" not in fault.reason


@pytest.mark.parametrize(
    ("operation", "given", "reason"),
    [
        ("coverage", {}, "as_of is missing, not a day"),
        ("coverage", {"as_of": "infinity"}, 'as_of is "infinity", not a day'),
        ("coverage", {"as_of": "18/03/2026"}, 'as_of is "18/03/2026", not a day'),
        ("coverage", {"as_of": "2026-02-30"}, "date field value out of range: 2026-02-30"),
        ("coverage", {"as_of": "2026-01-01", "target_horizon_days": 2**31 - 1}, "out of range"),
        ("coverage", {"as_of": "2026-01-01", "target_horizon_days": 10**10}, "out of range"),
        ("coverage", {"as_of": "2026-01-01", "future_periods": {}}, "future_periods is {}"),
        ("coverage", {"as_of": "2026-01-01", "future_periods": [7]}, "future_periods is [7]"),
        (
            "coverage",
            {"as_of": "2026-01-01", "future_periods": [{"start": "2026-01-01"}]},
            "end is missing, not a day",
        ),
        (
            "candidates_client",
            {"as_of": "2026-01-01", "billing_cycle": "weekly", "anchor_day_of_week": "x" * 5000},
            'anchor_day_of_week is "xxx',
        ),
        (
            "candidates_client",
            {"as_of": "2026-01-01", "billing_cycle": "weekly", "anchor_day_of_week": 2**31},
            "anchor_day_of_week is 2147483648, not an integer of 32 bits",
        ),
        (
            "candidates_client",
            {"as_of": "2026-01-01", "billing_cycle": "weekly", "materialized_at": "x" * 5000},
            "xxx…",
        ),
        ("triggers", {"source": "x", "changed_fields": "rate"}, 'changed_fields is "rate"'),
        ("triggers", {"source": "x", "changed_fields": [1]}, "changed_fields is [1]"),
        ("triggers", {"source": "x", "changed_fields": [["rate"]]}, 'changed_fields is [["rate"]]'),
        ("parity", {"tenant": "t", "persisted": [[{}]]}, "persisted is [[{}]], not a list"),
        ("mutation_permissions", {"operation": "skip"}, "lifecycle_state is missing"),
        ("edits", {"row": {}}, "operation is missing, not a text"),
        (
            "edits",
            {"request": {"operation": "split"}},
            'operation is "split", not boundary_adjustment or defer or skip',
        ),
        ("edits", {"request": {"operation": "skip"}}, "record_id is missing"),
        ("edits", {"request": [], "row": {}}, "request is []"),
        (
            "edits",
            {"request": {"operation": "skip", "record_id": "r"}, "row": {"record_id": "r"}},
            "schedule_key is missing",
        ),
        ("linkage", {"row": 7, "linkage": {}}, "row is 7, not an object"),
        ("linkage", {"row": {}, "linkage": {}}, " is missing, not a text"),
        (
            "linkage",
            {"row": {"lifecycle_state": "edited"}, "linkage": {"invoice_id": None}},
            "invoice_id is null, not a text",
        ),
        ("due_selection", {"query": {"schedule_keys": "s"}}, 'schedule_keys is "s"'),
        ("due_selection", {"query": {"schedule_keys": ["s"]}}, "tenant is missing"),
        ("due_selection", {"query": {"lifecycle_states": [1]}}, "lifecycle_states is [1]"),
        (
            "due_selection",
            {
                "rows": [{}],
                "query": {
                    "tenant": "t",
                    "cadence_owner": "client",
                    "schedule_keys": ["s"],
                    "window_start": "2026-01-01",
                    "window_end": "2026-02-01",
                },
            },
            "record_id is missing",
        ),
        ("parity", {"tenant": "t", "row_defaults": 1, "persisted": [{}]}, "row_defaults is 1"),
        (
            "parity",
            {
                "tenant": "t",
                "derived": [
                    {
                        "service_period_start": "2026-01-01",
                        "service_period_end": "2026-02-01",
                        "invoice_window_start": "2026-01-01",
                        "invoice_window_end": "2026-02-01",
                    }
                ],
            },
            "obligation_type is missing",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_named(
    plan: Plan, operation: str, given: object, reason: str
) -> None:
    [fault] = plan(operation, [json.dumps(given).encode()])
    assert isinstance(fault, Fault)
    assert reason in fault.reason
    assert len(fault.reason) < 500


def test_what_is_null_is_named(database: Database) -> None:
    for arguments, detail in ("NULL, '{}'", "p_operation is null"), ("'edits', NULL", "p_lines is"):
        with pytest.raises(psycopg.Error) as raised:
            database.execute(f"SELECT billing.offline({arguments})".encode())
        assert raised.value.sqlstate == "DC001"
        assert (raised.value.diag.message_detail or "").startswith(detail)


@pytest.mark.parametrize("days", [0, -1, 1.5, "7", True, [], {}])
def test_a_horizon_must_be_a_positive_integer(plan: Plan, days: object) -> None:
    given = {"as_of": "2026-01-01", "target_horizon_days": days}
    assert plan("coverage", [json.dumps(given).encode()]) == [
        {"id": None, "output": {"error": "invalid_horizon"}}
    ]


def test_line_ends_blank_lines_and_the_byte_order_mark_do_not_matter(plan: Plan) -> None:
    assert plan("transitions", [b"\xef\xbb\xbf" + GOOD + b"\r", b"  \r", b"", GOOD]) == [ANSWER] * 2


def test_no_line_gives_no_answer(plan: Plan) -> None:
    assert plan("transitions", []) == []


def test_the_last_of_two_equal_keys_counts(plan: Plan) -> None:
    line = b'{"id": "good", "input": {"from": "x", "from": "generated", "to": "billed"}}'
    assert plan("transitions", [line]) == [ANSWER]


def test_ids_come_back_as_they_were(plan: Plan) -> None:
    ids = ["", None, 12345678901234567890, 1.5, True, [1, {"a": "\u2028é😀"}]]
    lines = [json.dumps({"id": i, "input": {"from": "a", "to": "b"}}).encode() for i in ids]
    assert [answer["id"] for answer in plan("transitions", lines)] == ids


def test_many_bad_lines_among_many_good_ones(plan: Plan) -> None:
    lines = [b"{" if n % 97 == 0 else GOOD for n in range(1, 1001)]
    given = plan("transitions", lines)
    assert [g.number for g in given if isinstance(g, Fault)] == list(range(97, 1001, 97))
    assert sum(g == ANSWER for g in given) == 990


def test_a_line_of_five_megabytes(plan: Plan) -> None:
    period = {"start": "2026-01-01", "end": "2026-02-01"}
    huge = {"as_of": "2026-01-01", "future_periods": [period] * 110_000}
    line = json.dumps(huge).encode()
    assert len(line) > 5_000_000
    [answer] = plan("coverage", [line])
    assert len(answer["output"]["continuity_issues"]) == 109_999


def test_a_line_without_end_is_refused(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "MAX_LINE_BYTES", 100)
    fault, answer = plan("transitions", [b"x" * 1_000, GOOD])
    assert fault == Fault(1, "longer than 100 bytes — split the input")
    assert answer == ANSWER


def test_planning_is_read_only_by_the_database(plan: Plan, database: Database) -> None:
    database.execute(
        "CREATE TABLE billing.probe (n integer);"
        "CREATE FUNCTION billing.offline_probe(jsonb[])"
        ' RETURNS TABLE ("position" integer, output jsonb) LANGUAGE sql AS'
        " 'INSERT INTO billing.probe VALUES (1) RETURNING n, to_jsonb(n)'"
    )
    with pytest.raises(psycopg.errors.ReadOnlySqlTransaction):
        plan("probe", [b"{}"])
