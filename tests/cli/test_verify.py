"""verify: whom it looks at, what fails, its table and its files."""

import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import click
import pytest
from pytest_postgresql.executors import NoopExecutor

from duecourse.errors import ExitStatus
from duecourse.files import write_whole
from duecourse.objects import checks, declared
from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import Database, clone
from tests.settings.sample import cli

SCOPE = ("--tenant", TENANT, "--as-of", AS_OF)
FAILED = ExitStatus.VERIFICATION_FAILED
OF_DATABASE = [check.name for check in declared() if check.of_database]
#: What is found in the sample books.
WRONG = {"quarantine": 11, "escalation": 10, "pending_plan": 17, "coverage": 8}


class Sample:
    """The sample books and the command on them."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    @cache  # noqa: B019 - nothing changes in it, and each call takes a second
    def __call__(self, *arguments: object) -> tuple[int, str]:
        return cli("verify", *arguments, "--dsn", self._dsn)

    def json(self, *arguments: object) -> Any:
        """Return what the command prints as JSON."""
        return json.loads(self(*arguments, "--format", "json")[1])


@pytest.fixture(scope="module")
def sample(applied_server: NoopExecutor) -> Iterator[Sample]:
    """Return the sample books, which the tests of this module only read."""
    with clone(applied_server, "_verified") as dsn:
        cli("import", "--dsn", dsn, SAMPLE)
        yield Sample(dsn)


def results(report: Any) -> dict[str, str]:
    """Return the result of each check."""
    return {check["name"]: check["result"] for check in report["checks"]}


def test_an_empty_database_is_verified(dsn: str) -> None:
    for whom in ((), ("--tenant", "all")):
        status, said = cli("verify", "--dsn", dsn, *whom)
        assert (status, said.split(": ")[1]) == (ExitStatus.DONE, f"{len(OF_DATABASE)} ok\n")


def test_a_database_without_anything_of_ours(empty_dsn: str) -> None:
    with pytest.raises(Exception, match='schema "ops" does not exist'):
        cli("verify", "--dsn", empty_dsn)


def test_the_database_itself(sample: Sample, dsn: str, database: Database) -> None:
    assert list(results(sample.json())) == OF_DATABASE
    database.execute("DROP TRIGGER recurring_service_periods_guard_delete"
                     " ON billing.recurring_service_periods")  # fmt: skip
    status, said = cli("verify", "--dsn", dsn, "--check", "ledger_guard")
    assert status == FAILED
    assert "1 failed (1 finding)" in " ".join(said.split())
    assert said.endswith("fix: duecourse apply\n")


def test_a_check_of_a_tenant_wants_one(sample: Sample, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.UsageError, match="coverage looks at a tenant: name one, or --tenant"):
        sample("--check", "coverage")
    monkeypatch.setenv("DUECOURSE_TENANT", "Alder Row")
    at = ("--check", "coverage", "--as-of", AS_OF)
    report = sample.json(*at)
    assert (report["tenant"], report["name"]) == (TENANT, "Alder Row IT Services")
    assert sample.json("--database", "--as-of", AS_OF)["tenant"] is None


def test_a_tenant_and_all(sample: Sample) -> None:
    alone = sample.json(*SCOPE)
    assert (alone["tenant"], alone["as_of"], alone["failed"]) == (TENANT, AS_OF, len(WRONG))
    assert list(results(alone)) == list(checks())
    both = sample.json("--tenant", "all", "--as-of", AS_OF)
    assert [each["tenant"] for each in both["tenants"]] == [None, TENANT]
    database, tenant = map(results, both["tenants"])
    assert [*database] == OF_DATABASE
    assert [*tenant] == [name for name in checks() if name not in OF_DATABASE]
    assert results(alone) == database | tenant
    assert both["failed"] == len(WRONG)


def test_the_table(sample: Sample) -> None:
    status, said = sample(*SCOPE)
    assert status == FAILED
    head, *rest = said.partition("\n\n")[0].replace("\n  ", " ").splitlines()
    assert re.fullmatch(
        rf"{len(checks())} checks of .* as of {AS_OF}: \d+ ok, 4 failed \(46 findings\),"
        r" 11 with warnings \(16 findings\)",
        head,
    )
    assert rest[0] == "failed   " + "  ".join(f"{name} {n}" for name, n in WRONG.items())
    assert re.findall(r"^(\w+): [A-Z]", said, re.MULTILINE) == list(WRONG)
    assert said.count("    fix: ") == len(WRONG)
    assert [line for line in said.splitlines() if len(line) > 80] == []
    assert (
        "error: Bramble Bakery: Backups (never materialized): its live rows end too early"
        in " ".join(said.split())
    )


def test_what_the_table_says_to_do_can_be_copied(sample: Sample) -> None:
    """A literal that is long is broken into several, which mean the same."""
    said = sample(*SCOPE, "--check", "pending_plan", "--all")[1]
    [report] = [check for check in sample.json(*SCOPE)["checks"] if check["name"] == "pending_plan"]
    fixes = [" ".join(fix.split()) for fix in re.findall(r"fix: (.*\n(?: {9}.*\n)*)", said)]
    joined = [fix.replace("' '", "") for fix in fixes]
    assert joined == [finding["repair_call"] for finding in report["findings"]]
    assert joined != fixes


def test_all_findings(sample: Sample) -> None:
    some, everything = sample(*SCOPE)[1], sample(*SCOPE, "--all")[1]
    assert "and 10 more: --check quarantine --all" in some
    assert " more: " not in everything
    assert everything.count("  error: ") + everything.count("  error:\n") == sum(WRONG.values())
    assert re.search(r"^cycle_gap: ", everything, re.MULTILINE)


def test_chosen_and_skipped(sample: Sample) -> None:
    chosen = ("--check", "coverage", "--check", "cycle_gap")
    assert results(sample.json(*SCOPE, *chosen)) == {"coverage": "failed", "cycle_gap": "warned"}
    skipping = sample.json(*SCOPE, *(word for name in WRONG for word in ("--skip", name)))
    assert skipping["failed"] == 0
    assert {results(skipping)[name] for name in WRONG} == {"skipped"}


def test_severity_and_what_fails(sample: Sample) -> None:
    gap = (*SCOPE, "--check", "cycle_gap")
    assert sample(*gap)[0] == ExitStatus.DONE
    assert sample(*gap, "--fail-on", "warning")[0] == FAILED
    assert sample(*gap, "--fail-on", "warning", "--severity", "error")[0] == ExitStatus.DONE
    assert results(sample.json(*gap, "--severity", "error")) == {"cycle_gap": "ok"}


def test_a_check_that_cannot_look_fails(sample: Sample, dsn: str, database: Database) -> None:
    database.execute("ALTER TABLE billing.client_billing_cycles RENAME period_end_date TO gone")
    database.execute("INSERT INTO billing.tenants VALUES (gen_random_uuid(), 'Alder')")
    [tenant] = [str(key) for (key,) in database.execute("SELECT tenant FROM billing.tenants")]
    whom = ("--tenant", tenant, "--dsn", dsn)
    status, said = cli("verify", *whom, "--skip", "catalog_drift")
    assert status == FAILED
    assert "cycle_gap: Days between" in said
    assert "could not look: column c.period_end_date does not exist — run: duecourse apply" in said
    found = json.loads(cli("verify", *whom, "--format", "json")[1])
    assert results(found)["cycle_gap"] == "errored"
    assert [len(found["checks"]), found["failed"]] == [
        len(checks()),
        sum(each["result"] in ("failed", "errored") for each in found["checks"]),
    ]
    # What comes after it has looked.
    assert results(found)["permission_missing"] == "warned"


def test_who_may_not_look(sample: Sample) -> None:
    stranger = ("--tenant", "00000000-0000-4000-8000-000000000009")
    with pytest.raises(Exception, match="the tenant is unknown"):
        sample(*stranger)


def test_files_beside_the_table(sample: Sample, tmp_path: Path) -> None:
    names = {"json": "v.json", "tap": "v.tap", "junit": "v.xml"}
    out = [word for form, name in names.items() for word in ("--out", f"{form}={tmp_path / name}")]
    (tmp_path / "v.tap").write_text("as it was")
    status, said = sample(*SCOPE, *out)
    assert status == FAILED
    assert said == sample(*SCOPE)[1]
    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names.values())
    found = json.loads((tmp_path / "v.json").read_text())
    assert found == sample.json(*SCOPE)
    assert (tmp_path / "v.tap").read_text() == sample(*SCOPE, "--format", "tap")[1]
    assert f'failures="{found["failed"]}"' in (tmp_path / "v.xml").read_text()


def test_no_file_or_whole_ones(sample: Sample, tmp_path: Path) -> None:
    for wrong in ("html=x", "junit", "junit=", f"junit={tmp_path}", "junit=/nowhere/x"):
        with pytest.raises(Exception, match=r"is not (json\|tap\|junit, then|a file that can be)"):
            sample(*SCOPE, "--out", wrong)
    with pytest.raises(IsADirectoryError):
        write_whole({tmp_path / "first": "written", tmp_path: "never"})
    assert list(tmp_path.iterdir()) == []
