"""What the checks found, for machines: JSON, TAP and JUnit's XML."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from xml.etree import ElementTree

from duecourse import __version__, output
from duecourse.checks import Outcome, Report, Result
from duecourse.files import write_whole
from duecourse.surface import Row

Format = Callable[[Sequence[Report]], str]

#: The columns of a finding, but for the name of its check.
FINDING = ("severity", "object_key", "detail", "expected", "actual", "repair_call")


def write(found: Sequence[Report], files: Mapping[str, Path]) -> None:
    """Write files by format, all of them whole or none."""
    write_whole({path: [FORMATS[form](found)] for form, path in files.items()})


def in_one_line(text: str) -> str:
    """Return a text without line breaks and control characters."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


def describe(row: Row, name: str | None = None) -> str:
    """Return a finding in one line: what, where, how it should be, how it is."""
    text = f"{name or row['object_key']}: {row['detail']}"
    if row["expected"] is not None or row["actual"] is not None:
        text += f" (expected {row['expected']}, is {row['actual']})"
    return in_one_line(text)


def _waiver(row: Row) -> dict[str, object]:
    return {
        "object_key": row["object_key"],
        "until": row["valid_until"],
        "reason": row["reason"],
        "by": row["waived_by"],
    }


def waived(row: Row) -> str:
    """Return what is said of a waiver: until when, by whom, why."""
    return f"until {row['valid_until']} by {row['waived_by']}: {in_one_line(row['reason'])}"


def as_json(found: Sequence[Report]) -> str:
    """Return one document, as docs/reference/verify.schema.json describes it."""
    parts = [
        {
            "tenant": report.tenant,
            "name": report.name,
            "checks": [_check(report, result) for result in report.results],
            "unused_waivers": [
                {"check": row["check_name"], **_waiver(row)} for row in report.unused
            ],
            "failed": report.failed,
        }
        for report in found
    ]
    head = {"duecourse": __version__, "as_of": found[0].as_of}
    if len(parts) == 1:
        return output.to_json(head | parts[0], indent=2) + "\n"
    total = sum(report.failed for report in found)
    return output.to_json(head | {"tenants": parts, "failed": total}, indent=2) + "\n"


def _check(report: Report, result: Result) -> dict[str, object]:
    told: dict[str, object] = {
        "name": result.check.name,
        "severity": result.check.severity,
        "result": result.outcome.value,
        "findings": [
            {key: row[key] for key in FINDING}
            | {"waived": None if row["waived"] is None else _waiver(row["waived"])}
            for row in result.findings
        ],
    }
    if result.error:
        told["error"] = result.error
    if result.is_bad and (since := report.failed_since.get(result.check.name)):
        told["failed_since"] = since.isoformat()
    return told


def as_tap(found: Sequence[Report]) -> str:
    """Return TAP 13: a test a check and tenant, what was found as YAML below it."""
    lines = ["TAP version 13", f"1..{sum(len(report.results) for report in found)}"]
    numbers = count(1)
    for report in found:
        of = "" if len(found) == 1 else f" of {_escaped(report.name)}"
        for result in report.results:
            state = "not ok" if result.is_bad else "ok"
            skip = " # SKIP not asked for" if result.outcome == Outcome.SKIPPED else ""
            lines.append(f"{state} {next(numbers)} - {result.check.name}{of}{skip}")
            lines += _diagnostics(result)
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Return a text in which nothing is taken for a directive; old readers know no escape."""
    return in_one_line(text).replace("#", "\N{MUSIC SHARP SIGN}")


def _diagnostics(result: Result) -> Iterator[str]:
    """Yield YAML, whose values are JSON and so mean the same in every version of it."""
    if not result.findings and not result.error:
        return
    yield "  ---"
    if result.error:
        yield f"  error: {json.dumps(result.error)}"
    if result.findings:
        yield "  findings:"
    for row in result.findings:
        told = [f"{key}: {json.dumps(row[key])}" for key in FINDING if row[key] is not None]
        if row["waived"] is not None:
            told.append(f"waived: {json.dumps(waived(row['waived']))}")
        yield f"    - {told[0]}"
        yield from (f"      {line}" for line in told[1:])
    yield "  ..."


def as_junit(found: Sequence[Report]) -> str:
    """Return JUnit's XML: a suite a tenant, a case a check.

    ``classname`` bears the tenant's id, so that reports of several can be merged.
    """
    time = _seconds(sum(report.seconds for report in found))
    root = ElementTree.Element(
        "testsuites", {"name": "duecourse verify", **_counts(found), "time": time}
    )
    for report in found:
        told = {
            "name": f"duecourse verify {in_one_line(report.name)}",
            **_counts([report]),
            "skipped": str(len(report.of(Outcome.SKIPPED))),
            "time": _seconds(report.seconds),
            "timestamp": report.started.isoformat(timespec="seconds").removesuffix("+00:00"),
        }
        suite = ElementTree.SubElement(root, "testsuite", told)
        for result in report.results:
            _add_case(suite, report, result)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _counts(found: Sequence[Report]) -> dict[str, str]:
    outcomes = [result.outcome for report in found for result in report.results]
    return {
        "tests": str(len(outcomes)),
        "failures": str(outcomes.count(Outcome.FAILED)),
        "errors": str(outcomes.count(Outcome.ERRORED)),
    }


def _add_case(suite: ElementTree.Element, report: Report, result: Result) -> None:
    case = ElementTree.SubElement(
        suite,
        "testcase",
        classname=f"duecourse.verify.{report.tenant or 'database'}",
        name=result.check.name,
        time=_seconds(result.seconds),
    )
    lines = [_line(row) for row in result.findings if row["waived"] is None]
    passed = [_line(row) for row in result.findings if row["waived"] is not None]
    match result.outcome:
        case Outcome.ERRORED:
            error = in_one_line(result.error or "")
            ElementTree.SubElement(case, "error", type="error", message=error).text = error
        case Outcome.FAILED:
            message = in_one_line(f"{number(len(lines), 'finding')}: {lines[0]}")
            failure = ElementTree.SubElement(case, "failure", type="error", message=message)
            failure.text = "\n".join(lines)
        case Outcome.WARNED:
            passed = lines + passed
        case Outcome.SKIPPED:
            ElementTree.SubElement(case, "skipped", message="not asked for")
    if passed:
        ElementTree.SubElement(case, "system-out").text = "\n".join(passed)


def _line(row: Row) -> str:
    repair = f" — {in_one_line(row['repair_call'])}" if row["repair_call"] else ""
    waiver = f"waived {waived(row['waived'])}: " if row["waived"] is not None else ""
    return f"{waiver}{row['severity']}: {describe(row)}{repair}"


def number(count: int, thing: str) -> str:
    """Return a count with its noun."""
    return f"{count:,} {thing}{'' if count == 1 else 's'}"


def _seconds(seconds: float) -> str:
    return f"{seconds:.3f}"


FORMATS: dict[str, Format] = {"json": as_json, "tap": as_tap, "junit": as_junit}
