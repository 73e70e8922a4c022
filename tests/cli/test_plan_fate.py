"""What became of a plan: stale, and exactly in what; applied already, by whom and as which run."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from duecourse.errors import ExitStatus
from tests.charges.owner import Owner
from tests.charges.runs import tenancy
from tests.conftest import Command, Database
from tests.invoices.books import Billing
from tests.service_periods.books import AS_OF, JANUARY, Line

#: A schedule that has its rows, and one that has none yet.
Change = Callable[[Billing, Line, Line], object]
#: How a difference begins and what it says: of which schedule, what the plan said, what it is now.
Told = list[tuple[str, str, str]]


@pytest.fixture(autouse=True)
def _dsn(shared_dsn: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the command line find the database."""
    monkeypatch.setenv("DATABASE_URL", shared_dsn)


def change(table: str, what: str) -> Change:
    """Return what changes the first schedule: its line, or the contract or the client of it."""
    column, of = {
        "contract_lines": ("contract_line_id", "obligation"),
        "contracts": ("contract_id", "contract"),
        "client_contracts": ("contract_id", "contract"),
        "clients": ("client_id", "client"),
    }[table]

    def do(books: Billing, line: Line, other: Line) -> None:
        books.database.execute(
            f"UPDATE billing.{table} SET {what} WHERE {column} = %s", [getattr(line, of)]
        )

    return do


def record(books: Billing, line: Line, place: int) -> Any:
    """Return the id of a live row of a schedule."""
    rows = sorted(
        (row for row in books.ledger() if row["obligation_id"] == line.obligation),
        key=lambda row: row["service_period_start"],
    )
    return rows[place]["record_id"]


CHANGES: dict[str, tuple[Change, Told]] = {
    "the line is inactive": (
        change("contract_lines", "is_active = false"),
        [("First", "= 7 kept", "not an obligation (line inactive), - 6 superseded, = 1 history")],
    ),
    "the other line is inactive": (
        lambda books, line, other: change("contract_lines", "is_active = false")(
            books, other, line
        ),
        [("Second", "+ 7 periods", "not an obligation (line inactive)")],
    ),
    "the contract is inactive": (
        change("contracts", "is_active = false"),
        [
            (
                "First",
                "= 7 kept",
                "not an obligation (contract inactive), - 6 superseded, = 1 history",
            )
        ],
    ),
    "the assignment ends": (
        change("client_contracts", "end_date = '2025-05-01'"),
        [("First", "= 3 kept", "- 3 superseded")],
    ),
    "two assignments share a day": (
        lambda books, line, other: books.assign(other, JANUARY),
        [("Second", "+ 7 periods", "! ambiguous_assignment")],
    ),
    "the cadence": (
        change("clients", "billing_cycle = 'quarterly'"),
        [
            ("First", "= 7 kept", "- 7 superseded, ~ 3 replaced"),
            ("Second", "+ 7 periods", "+ 3 periods"),
        ],
    ),
    "the timing": (
        change("contract_lines", "billing_timing = 'arrears'"),
        [("First", "= 7 kept", "- 7 superseded, ~ 7 replaced")],
    ),
    "the owner of the cadence": (
        change("contract_lines", "cadence_owner = 'contract'"),
        [("First", "= 7 kept", "- 7 superseded, ~ 7 replaced")],
    ),
    "a row is edited": (
        lambda books, line, other: books.perform(
            "skip_service_period", record_id=record(books, line, 3), reason="a holiday"
        ),
        [("First", "= 1 kept", "= 1 preserved")],
    ),
    "a row is archived": (
        lambda books, line, other: books.perform(
            "archive_service_period", record_id=record(books, line, 6), reason="not wanted"
        ),
        [("First", "= 1 kept", "+ 1 period")],
    ),
    "a row is billed": (
        lambda books, line, other: books.generate(line.client),
        [("First", "= 1 kept", "= 1 history")],
    ),
    "a new line": (
        lambda books, line, other: books.priced(line.client, contract_line_name="Third"),
        [("Third", "nothing", "+ 7 periods")],
    ),
    "another run came first": (
        lambda books, line, other: books.call(schedule_key=other.schedule_key),
        [("Second", "+ 7 periods", "= 7 kept")],
    ),
}


def planned(database: Database, typed: Command) -> tuple[Billing, Line, Line]:
    """Return books with a schedule that has its rows and one that has none, and plan them."""
    books = Billing(database, number=next(_NUMBERS))
    client = books.named("Client")
    line = books.priced(client, contract_line_name="First")
    books.call()
    other = books.priced(client, contract_line_name="Second")
    scope = ("--tenant", books.tenant, "--as-of", AS_OF, "--out", "plan.json")
    assert typed("plan", "backfill", *scope).returncode == 0
    return books, line, other


_NUMBERS = iter(range(1, 1000))


@pytest.mark.parametrize("kind", CHANGES)
def test_stale(typed: Command, shared_database: Database, kind: str) -> None:
    do, expected = CHANGES[kind]
    books, *lines = planned(shared_database, typed)
    do(books, *lines)
    before = books.ledger()
    run = ("run", "backfill", "--plan", "plan.json")
    done = typed(*run, "--format", "json")
    assert done.returncode == ExitStatus.PLAN_STALE, done
    stale = json.loads(done.stdout)["stale"]
    told = [(each["name"], each["plan"], each["now"]) for each in stale["differences"]]
    assert told == [(f"Client: {name}", plan, now) for name, plan, now in expected]
    assert books.ledger() == before


def test_a_price_is_not_of_the_plan(typed: Command, shared_database: Database) -> None:
    books, line, _ = planned(shared_database, typed)
    change("contract_lines", "unit_price_cents = 7")(books, line, line)
    done = typed("run", "backfill", "--plan", "plan.json")
    assert (done.returncode, done.stdout[:23]) == (0, "7 rows written (7 made)")


def test_in_words(typed: Command, shared_database: Database) -> None:
    books, line, other = planned(shared_database, typed)
    run = ("run", "backfill", "--plan", "plan.json")
    CHANGES["a row is edited"][0](books, line, other)
    CHANGES["the other line is inactive"][0](books, line, other)
    for arguments in (run, (*run, "--dry-run")):
        done = typed(*arguments)
        assert done.returncode == ExitStatus.PLAN_STALE
        head, *lines = done.stdout.splitlines()
        assert re.fullmatch(
            r"stale: 2 schedules changed since the plan of \d\d:\d\d"
            r" \(hash [0-9a-f]{8}… is now [0-9a-f]{8}…\)",
            head,
        )
        assert lines == [
            f"{'  Client: First':<28} plan: = 1 kept              now: = 1 preserved",
            "    2025-04-01 to 2025-05-01 plan: = kept                now: = preserved",
            "  Client: Second",
            "      plan: + 7 periods           now: not an obligation (line inactive)",
        ]
        assert max(map(len, done.stdout.splitlines())) <= 90


def test_applied_already(typed: Command, shared_database: Database) -> None:
    books, _, _ = planned(shared_database, typed)
    run = ("run", "backfill", "--plan", "plan.json")
    begun = typed(*run, "--run-key", "half", "--batch-size", 1, "--max-batches", 1)
    assert begun.returncode == 0
    # Without its key the same plan goes on where it was stopped.
    rest = json.loads(typed(*run, "--batch-size", 1, "--format", "json").stdout)
    assert (rest["run_key"], rest["status"], rest["batches"]) == ("half", "done", 2)
    for again in (run, (*run, "--run-key", "other"), (*run, "--dry-run")):
        done = typed(*again)
        assert (done.returncode, done.stderr) == (0, "")
        assert re.fullmatch(
            r"this plan was applied at \d\d:\d\d:\d\d UTC by postgres as run half"
            r" \(7 rows\); nothing was written now\n",
            done.stdout,
        )
    shown = json.loads(typed(*run, "--format", "json").stdout)
    assert (shown["plan_applied"], shown["tenants"][0]["ended_before"]) == (True, True)
    keys = shared_database.execute(
        "SELECT run_key FROM ops.runs WHERE tenant = %s AND plan_hash IS NOT NULL", [books.tenant]
    )
    assert keys.fetchall() == [("half",)]


#: What is planned of a renter, and how a change of it is told.
ACCOUNTS: dict[str, tuple[str, Callable[[Owner], object], Told]] = {
    "a payment comes": (
        "charges",
        lambda owner: owner.payment(period="2026-06"),
        [("r-1, u-1", "nothing", "+ 1 period")],
    ),
    "a payment is changed": (
        "charges",
        lambda owner: owner.database.execute(
            "UPDATE ledger.payments SET billing_period = '2026-07' WHERE tenant = %s",
            [owner.tenant],
        ),
        [("r-1, u-1", "+ 1 period", "+ 1 period")],
    ),
    "a payment fails": (
        "charges",
        lambda owner: owner.database.execute(
            "UPDATE ledger.payments SET status = 'failed' WHERE tenant = %s", [owner.tenant]
        ),
        [("r-1, u-1", "+ 1 period", "nothing")],
    ),
    "the rent is another": (
        "charges",
        lambda owner: owner.database.execute(
            "UPDATE ledger.units SET rent_amount_cents = 90000"
            " WHERE tenant = %s AND unit_id = 'u-1'",
            [owner.tenant],
        ),
        [("r-1, u-1", "+ 1 period", "+ 1 period")],
    ),
    "the unit is unknown": (
        "charges",
        lambda owner: owner.payment(unit_id="nowhere"),
        [("r-1, nowhere", "nothing", "! 1 for people")],
    ),
    "a charge is posted": (
        "charges",
        lambda owner: owner.charge(),
        [("r-1, u-1", "+ 1 period", "= 1 charged already")],
    ),
    "a tenancy ends": (
        "rent",
        lambda owner: owner.database.execute(
            "UPDATE ledger.tenancies SET end_on = '2026-06-01' WHERE tenant = %s", [owner.tenant]
        ),
        [("r-1, u-1", "+ 1 period", "nothing")],
    ),
    "a tenancy ends in the middle": (
        "rent",
        lambda owner: owner.database.execute(
            "UPDATE ledger.tenancies SET end_on = '2026-06-16' WHERE tenant = %s", [owner.tenant]
        ),
        [("r-1, u-1", "+ 1 period", "+ 1 period")],
    ),
}


@pytest.mark.parametrize("kind", ACCOUNTS)
def test_stale_charges(typed: Command, shared_database: Database, kind: str) -> None:
    operation, do, expected = ACCOUNTS[kind]
    owner = Owner(shared_database, number=next(_NUMBERS))
    owner.payment()
    tenancy(owner, "2026-05-01")
    day = ("--as-of", "2026-06-20") if operation == "rent" else ()
    scope = ("--tenant", owner.tenant, *day, "--out", "plan.json")
    assert typed("plan", operation, *scope).returncode == 0
    do(owner)
    done = typed("run", operation, "--plan", "plan.json", "--format", "json")
    assert done.returncode == ExitStatus.PLAN_STALE, done
    differences = json.loads(done.stdout)["stale"]["differences"]
    assert [(each["name"], each["plan"], each["now"]) for each in differences] == expected
    told = [(row["plan"], row["now"]) for each in differences for row in each["rows"]]
    if kind == "the rent is another":
        assert told == [("+ made, amount_cents 100000", "+ made, amount_cents 90000")]
    if kind == "a payment is changed":
        assert told == [("+ made", "nothing"), ("nothing", "+ made")]
