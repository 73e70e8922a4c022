"""Windows as people write them, and CALLs as commands."""

from datetime import date

import pytest

from duecourse import commands, windows


@pytest.mark.parametrize(
    ("start", "end", "written"),
    [
        ("2026-09-01", "2026-10-01", "2026-09"),
        ("2026-12-01", "2027-01-01", "2026-12"),
        ("2026-10-01", "2027-01-01", "2026-10..12"),
        ("2026-11-01", "2027-02-01", "2026-11..2027-01"),
        ("2026-09-15", "2026-10-15", "2026-09-15..10-15"),
        ("2026-12-15", "2027-01-15", "2026-12-15..2027-01-15"),
        ("2026-09-01", "2026-10-15", "2026-09-01..10-15"),
        ("0001-01-01", "0001-02-01", "0001-01"),
    ],
)
def test_a_window_is_read_as_it_is_written(start: str, end: str, written: str) -> None:
    days = (date.fromisoformat(start), date.fromisoformat(end))
    assert windows.text(*days) == windows.of_texts(start, end) == written
    assert windows.parse(written) == days


@pytest.mark.parametrize("given", ["2026-09-15..2026-10-15", "2026-09-15..10-15"])
def test_the_year_may_stand_there_twice(given: str) -> None:
    assert windows.parse(given) == (date(2026, 9, 15), date(2026, 10, 15))


@pytest.mark.parametrize(
    "given",
    ["", "2026", "2026-13", "2026-09-15", "2026-09..2026-08", "2026-09-15..09-15", "09..10"],
)
def test_no_window(given: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        windows.parse(given)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "The owner grants it: CALL ops.grant_permission(p_tenant => 'a1', p_role_name =>"
            " 'o''x', p_permission => 'view');",
            "The owner grants it: duecourse grant 'o'\"'\"'x' view --tenant a1",
        ),
        (
            "CALL \"my books\".generate_invoice(p_tenant => 'a', p_client_id => 'c', p_window_start"
            " => '2026-08-31', p_window_end => '2026-09-30', p_as_of => '2026-09-15')",
            "duecourse invoice generate c 2026-08-31..09-30 --tenant a --as-of 2026-09-15",
        ),
        (
            "CALL billing.defer_service_period(p_tenant => 'a', p_record_id => 'r',"
            " p_invoice_window_start => '2026-09-01', p_invoice_window_end => '2026-10-01',"
            " p_reason => 'it (really) is');",
            "duecourse period defer r --tenant a --reason 'it (really) is' --to 2026-09",
        ),
        (
            "CALL billing.retire_schedule(p_tenant => 'a', p_schedule_key => 's');",
            "CALL billing.retire_schedule(p_tenant => 'a', p_schedule_key => 's');",
        ),
    ],
)
def test_a_call_is_a_command(text: str, expected: str) -> None:
    assert commands.as_commands(text) == expected


def test_a_parameter_is_an_option() -> None:
    assert commands.as_options("p_batch_size is 0; p_client_id, not xp_y: CALL x(p_z => 1)") == (
        "--batch-size is 0; --client, not xp_y: CALL x(p_z => 1)"
    )
