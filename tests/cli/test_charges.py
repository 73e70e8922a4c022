"""plan, run, balances and orphans on the sample rent books."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from duecourse.errors import ExitStatus
from tests.conftest import ROOT, Command, Database

OWNER = "a1de0000-0000-4000-8000-000000000002"
SCOPE = ("--tenant", OWNER)
TYPED = ("--format", "json")
AS_OF = ("--as-of", "2026-09-15")

Rent = Callable[..., Any]


@pytest.fixture
def rent(duecourse: Command, dsn: str) -> Rent:
    """Return the command line on the sample rent books."""

    def run(*arguments: object, status: int = 0) -> Any:
        done = duecourse(*arguments, "--dsn", dsn)
        assert done.returncode == status, done
        return json.loads(done.stdout) if "json" in arguments else done

    run("import", ROOT / "duecourse" / "sample_rent")
    return run


def test_from_plan_to_nothing_left(rent: Rent, tmp_path: Path) -> None:
    file = tmp_path / "charges.json"
    pending = ExitStatus.CHANGES_PENDING
    shown = rent("plan", "charges", *SCOPE, "--rows", "--out", file, "--detailed-exitcode",
                 status=pending)  # fmt: skip
    saved = json.loads(file.read_text())
    assert saved["arguments"] == {"tenant": OWNER, "amount_rule": None}
    assert (saved["operation"], saved["plan_hash"]) == ("charges", saved["summary"]["plan_hash"])
    kept = [row for unit in saved["rows"] for rows in unit["kept"].values() for row in rows]
    changed = [row for unit in saved["rows"] for row in unit["changes"]]
    assert (len(kept), len(changed)) == (1, 12)
    assert saved["summary"]["keys_with_payments"] == 13
    for told in ("unknown_unit", "pending_only", saved["plan_hash"], f"--plan {file}"):
        assert told in shown.stdout
    assert max(map(len, shown.stdout.splitlines()[:-1])) <= 120
    assert "already_charged " not in shown.stdout.partition("\nrenter")[2]

    dry = rent("run", "charges", *SCOPE, "--dry-run", *TYPED, status=ExitStatus.REFUSED)
    assert (dry["rows"], dry["status"], dry["new_escalations"]) == (10, "escalated", 2)
    done = rent("run", "charges", "--plan", file, "--run-key", "k", status=ExitStatus.REFUSED)
    people = "2 accounts left for people, all new: duecourse plan charges --rows"
    assert done.stdout.startswith(f"10 rows written (10 made); {people}\n")
    left = "payments without a rent charge: 2, rent charges without a payment: 1"
    assert f"{left}; see: duecourse orphans --tenant {OWNER}" in done.stdout
    assert "orphans" not in dry
    assert f"charges {OWNER}: batch 1, 6 of 6 accounts, 10 rows" in done.stderr
    assert "as run k (10 rows); nothing" in rent("run", "charges", "--plan", file).stdout
    for dry_run in ((), ("--dry-run",)):
        again = rent("run", "charges", *SCOPE, *dry_run, "--allow-known-escalations", *TYPED)
        assert (again["rows"], again["new_escalations"]) == (0, 0)
        if not dry_run:
            counts = {"payment_without_charge": 2, "charge_without_payment": 1}
            assert again["orphans"] == [{"tenant": OWNER, **counts}]
    rent("plan", "charges", *SCOPE, "--detailed-exitcode")


def test_the_amount_rule_is_of_the_plan(rent: Rent, tmp_path: Path) -> None:
    file = tmp_path / "charges.json"
    rent("plan", "charges", *SCOPE, "--amount-rule", "sum_of_payments", "--out", file)
    refused = rent("run", "charges", "--plan", file, "--amount-rule", "largest_payment",
                   status=ExitStatus.ERROR)  # fmt: skip
    assert "--amount-rule comes from the plan; leave it out" in refused.stderr
    rent("run", "charges", "--plan", file, status=ExitStatus.REFUSED)
    wrong = rent("plan", "charges", *SCOPE, "--amount-rule", "x", status=ExitStatus.ERROR)
    assert "--amount-rule is 'x', not unit_rent_first" in wrong.stderr


def test_rent_from_plan_to_nothing_left(rent: Rent, tmp_path: Path) -> None:
    rent("run", "charges", *SCOPE, status=ExitStatus.REFUSED)
    file = tmp_path / "rent.json"
    shown = rent("plan", "rent", *SCOPE, *AS_OF, "--rows", "--out", file, "--detailed-exitcode",
                 status=ExitStatus.CHANGES_PENDING)  # fmt: skip
    saved = json.loads(file.read_text())
    assert saved["arguments"] == {"tenant": OWNER, "as_of": AS_OF[1], "through": None}
    assert (saved["operation"], saved["summary"]["to_create"]) == ("rent", 5)
    assert saved["summary"]["quarantine_reasons"] == {"unknown_rent": 1}
    for told in ("2026-07-20", "unknown_rent", saved["plan_hash"], f"run rent --plan {file}"):
        assert told in shown.stdout
    assert "already_charged " not in shown.stdout.partition("\nrenter")[2]

    dry = rent("run", "rent", *SCOPE, *AS_OF, "--dry-run", *TYPED, status=ExitStatus.REFUSED)
    assert (dry["rows"], dry["status"], dry["new_escalations"]) == (5, "escalated", 1)
    further = rent("run", "rent", *SCOPE, *AS_OF, "--through=2026-10-01", "--dry-run", *TYPED,
                   status=ExitStatus.REFUSED)  # fmt: skip
    assert further["rows"] == 9
    done = rent("run", "rent", "--plan", file, "--run-key", "k", status=ExitStatus.REFUSED)
    people = "1 account left for people, new: duecourse plan rent --rows"
    assert done.stdout.startswith(f"5 rows written (5 made); {people}\n")
    assert "as run k (5 rows); nothing" in rent("run", "rent", "--plan", file).stdout
    rent("run", "rent", *SCOPE, *AS_OF, "--allow-known-escalations")
    rent("plan", "rent", *SCOPE, *AS_OF, "--detailed-exitcode")


@pytest.mark.parametrize(
    ("operation", "option"),
    [
        ("charges", "--through=2026-09-01"),
        ("rent", "--amount-rule=largest_payment"),
        ("charges", "--client=" + OWNER),
        ("charges", "--schedule=x"),
        ("charges", "--target-horizon-days=1"),
        ("backfill", "--amount-rule=largest_payment"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run"])
def test_an_option_of_another_operation(
    duecourse: Command, command: str, operation: str, option: str
) -> None:
    done = duecourse(command, operation, *SCOPE, option)
    assert done.returncode == ExitStatus.ERROR
    assert f"{option.partition('=')[0]} means nothing to {operation}" in done.stderr


def test_every_tenant_and_a_date(rent: Rent) -> None:
    done = rent("run", "charges", "--tenant", "all", *AS_OF, status=ExitStatus.REFUSED)
    assert "run key: charges-2026-09-15-" in done.stdout
    assert f"see: duecourse orphans --tenant {OWNER}" in done.stdout


def test_balances(rent: Rent, database: Database) -> None:
    rent("run", "charges", *SCOPE, status=ExitStatus.REFUSED)
    rows = rent("balances", *SCOPE, *AS_OF, *TYPED)
    assert [row["balance_cents"] for row in rows] == [97500, -135155, 120968, 0, 0, -70000]
    assert len(rent("balances", *SCOPE, *AS_OF, "--renter", "ada", *TYPED)) == 1
    assert len(rent("balances", *SCOPE, *AS_OF, "--unit", "mill-3", *TYPED)) == 2
    assert "97500" in rent("balances", *SCOPE, *AS_OF).stdout
    one = (*SCOPE, *AS_OF, "--renter", "bruno", "--unit", "mill-2", "--explain")
    lines = rent("balances", *one, *TYPED)
    assert sum(line["amount_cents"] for line in lines) == -135155
    assert "Refund for 2026-08" in rent("balances", *one).stdout
    refused = rent("balances", *SCOPE, "--explain", "--unit", "mill-2", status=ExitStatus.ERROR)
    assert "--explain wants --renter and --unit" in refused.stderr
    nobody = ("--tenant", OWNER[:-1] + "9", *one[2:], "--format=json")
    assert rent("balances", *nobody, status=ExitStatus.ERROR).stdout == ""


def test_orphans(rent: Rent) -> None:
    rows = rent("orphans", *SCOPE, *TYPED)
    assert {row["id"] for row in rows if row["kind"] == "charge_without_payment"} == {"chg-5"}
    assert "chg-5" in rent("orphans", *SCOPE).stdout
    unknown = rent("orphans", "--tenant", OWNER[:-1] + "9", status=ExitStatus.ERROR)
    assert "the tenant is unknown" in unknown.stderr
