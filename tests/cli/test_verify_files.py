"""The files of verify, as those who read such files read them."""

import json
import re
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import jsonschema
import junitparser
import psycopg
import pytest
import tap.parser
from pytest_postgresql.executors import NoopExecutor

from duecourse.sample_books import AS_OF, SAMPLE, TENANT
from tests.conftest import ROOT, clone
from tests.settings.sample import cli

#: What Jenkins reads as JUnit (junit-10.xsd of its xUnit plugin): by element the attributes that it
#: must have and those that it may have, and its children.
JENKINS: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package"},
        {"testcase", "properties", "system-out", "system-err"},
    ),
    "testcase": (
        {"name"},
        {"classname", "time"},
        {"skipped", "error", "failure", "system-out", "system-err"},
    ),
    "failure": (set(), {"type", "message"}, set()),
    "error": (set(), {"type", "message"}, set()),
    "skipped": (set(), {"type", "message"}, set()),
    "system-out": (set(), set(), set()),
}
TIME = re.compile(r"(([0-9]{0,3},)*[0-9]{3}|[0-9]{0,3})*(\.[0-9]*)?")


@pytest.fixture(scope="module")
def files(applied_server: NoopExecutor, tmp_path_factory: Any) -> Path:
    """Return a folder with the files about two tenants, in one of whose books a check is broken."""
    folder: Path = tmp_path_factory.mktemp("files")
    with clone(applied_server, "_files") as dsn:
        cli("import", SAMPLE, "--dsn", dsn)
        out = ("--as-of", AS_OF, "--skip", "cycle_gap", "--dsn", dsn)
        cli("verify", *out, "--tenant", "all", *_into(folder, "all"))
        with psycopg.connect(dsn, autocommit=True) as connection:
            other = "00000000-0000-4000-8000-000000000001"
            connection.execute(
                "INSERT INTO billing.tenants (tenant, tenant_name) VALUES (%s, %s)",
                [other, "Rude # <&> \\ \"'\x1b\n🙂"],
            )
            connection.execute("DROP FUNCTION billing.check_cycle_overlap")
            cli("verify", *out, "--tenant", "all", *_into(folder, "broken"))
        for place, tenant in enumerate((other, TENANT)):
            cli("verify", *out, "--tenant", tenant, *_into(folder, f"one{place}"))
    return folder


def _into(folder: Path, name: str) -> list[str]:
    files = [f"{form}={folder / name}.{form}" for form in ("json", "tap", "junit")]
    return [word for file in files for word in ("--out", file)]


NAMES = ("all", "broken", "one0", "one1")


def found(files: Path, name: str) -> list[Any]:
    """Return the reports of a file of JSON."""
    read = json.loads((files / f"{name}.json").read_text())
    reports: list[Any] = read.get("tenants", [read])
    return reports


def outcomes(files: Path, name: str) -> list[str]:
    """Return what became of each check."""
    return [check["result"] for report in found(files, name) for check in report["checks"]]


@pytest.mark.parametrize("name", NAMES)
def test_json_is_as_its_schema_says(files: Path, name: str) -> None:
    schema = json.loads((ROOT / "docs/reference/verify.schema.json").read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    read = json.loads((files / f"{name}.json").read_text())
    validator.validate(read)
    wrong = {**read, "failed": -1}
    assert not validator.is_valid(wrong)
    read.get("tenants", [read])[0]["checks"][0]["result"] = "errored"
    assert not validator.is_valid(read)


@pytest.mark.parametrize("name", NAMES)
def test_junit_has_the_structure_that_jenkins_reads(files: Path, name: str) -> None:
    root = ElementTree.parse(files / f"{name}.junit").getroot()
    assert root.tag == "testsuites"
    for element in root.iter():
        needed, allowed, children = JENKINS[element.tag]
        assert needed <= set(element.attrib) <= needed | allowed, element.attrib
        assert {child.tag for child in element} <= children
        assert TIME.fullmatch(element.get("time", "0"))


@pytest.mark.parametrize("name", NAMES)
def test_junit_is_counted_right(files: Path, name: str) -> None:
    """A case has one result; junitparser counts results, and reads them as they are told."""
    read = junitparser.JUnitXml.fromfile(str(files / f"{name}.junit"))
    suites = list(read)
    told = [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites]
    for suite in suites:
        suite.update_statistics()  # type: ignore[no-untyped-call]
    assert told == [(suite.tests, suite.failures, suite.errors, suite.skipped) for suite in suites]
    kinds = outcomes(files, name)
    assert [sum(column) for column in zip(*told, strict=True)] == [
        len(kinds),
        *(kinds.count(kind) for kind in ("failed", "errored", "skipped")),
    ]
    assert (read.tests, read.failures, read.errors) == tuple(
        sum(column) for column in list(zip(*told, strict=True))[:3]
    )
    for suite in suites:
        for case in suite:
            assert len([each for each in case.result if each is not None]) <= 1
    assert kinds.count("errored") == (2 if name == "broken" else name != "all")


def test_junit_of_two_tenants_can_be_merged(files: Path) -> None:
    """GitLab takes cases of one classname and name for one test."""
    cases = [
        (case.get("classname"), case.get("name"))
        for name in ("one0", "one1")
        for case in ElementTree.parse(files / f"{name}.junit").iter("testcase")
    ]
    assert len(cases) == len(set(cases)) > 100
    both = ElementTree.parse(files / "broken.junit").iter("testcase")
    keys = [(case.get("classname"), case.get("name")) for case in both]
    assert len(keys) == len(set(keys))


def test_junit_tells_every_finding_in_a_line(files: Path) -> None:
    [coverage] = [
        case
        for case in ElementTree.parse(files / "all.junit").iter("testcase")
        if case.get("name") == "coverage"
    ]
    [failure] = coverage
    assert (failure.tag, failure.get("type")) == ("failure", "error")
    assert (failure.get("message") or "").startswith("8 findings: error: schedule:")
    [told] = [each for each in found(files, "all")[1]["checks"] if each["name"] == "coverage"]
    lines = (failure.text or "").splitlines()
    assert len(lines) == len(told["findings"]) == 8
    for line, finding in zip(lines, told["findings"], strict=True):
        assert finding["object_key"] in line
        assert line.endswith(finding["repair_call"])


@pytest.mark.parametrize("name", NAMES)
def test_tap_by_a_parser(files: Path, name: str) -> None:
    lines = list(tap.parser.Parser().parse_file(str(files / f"{name}.tap")))
    assert {line.category for line in lines} <= {"version", "plan", "test", "diagnostic"}
    [plan] = [line for line in lines if line.category == "plan"]
    tests = [line for line in lines if line.category == "test"]
    kinds = outcomes(files, name)
    assert plan.expected_tests == len(tests) == len(kinds)
    assert [line.number for line in tests] == list(range(1, len(kinds) + 1))
    assert [line.ok for line in tests] == [kind not in ("failed", "errored") for kind in kinds]
    assert [line.skip for line in tests] == [kind == "skipped" for kind in kinds]
    findings = [
        finding
        for report in found(files, name)
        for check in report["checks"]
        for finding in check["findings"]
    ]
    diagnosed = [
        dict.fromkeys(("expected", "actual", "repair_call", "waived")) | finding
        for line in tests
        for finding in (line.yaml_block or {}).get("findings", [])
    ]
    assert diagnosed == findings


def test_tap_by_prove(files: Path) -> None:
    done = subprocess.run(
        ["prove", "--exec", "cat", *(str(files / f"{name}.tap") for name in ("all", "broken"))],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "Parse errors" not in done.stdout
    failed = [int(n) for n in re.findall(r"Failed: (\d+)\)", done.stdout)]
    assert failed == [
        sum(kind in ("failed", "errored") for kind in outcomes(files, name))
        for name in ("all", "broken")
    ]
