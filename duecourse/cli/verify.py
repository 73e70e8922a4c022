"""``duecourse verify``."""

from collections.abc import Callable, Collection
from typing import Any
from xml.etree import ElementTree

import click

from duecourse import output, surface
from duecourse.adopted import config_of
from duecourse.cli._scope import scope
from duecourse.cli._session import Session, options, pass_session
from duecourse.database import Connection
from duecourse.errors import ExitStatus
from duecourse.objects import checks, checks_anywhere

_SHOWN_FINDINGS = 20

Findings = dict[str, list[surface.Row]]


@click.command()
@scope(part=False)
@click.option("--check", "chosen", metavar="NAME", multiple=True, help="Only this check.")
@options("tap", "junit")
@pass_session
def verify(session: Session, /, chosen: tuple[str, ...], **arguments: Any) -> ExitStatus:
    """Check the ledger and what surrounds it; reads only.

    Exits with 3 when a check of level error finds something; warnings are shown only.
    """
    _refuse_unknown(chosen, checks_anywhere())
    with session.books(arguments) as connection:
        known = checks(config_of(connection).profile)
        _refuse_unknown(chosen, known)
        findings = _look(connection, arguments, {name: known[name] for name in chosen or known})
    _FORMATS[session.format](findings)
    failed = any(_errors(rows) for rows in findings.values())
    return ExitStatus.VERIFICATION_FAILED if failed else ExitStatus.DONE


def _refuse_unknown(chosen: tuple[str, ...], known: Collection[str]) -> None:
    for name in chosen:
        if name not in known:
            raise click.UsageError(f"there is no check {name!r}; there are: {', '.join(known)}")


def _look(connection: Connection, arguments: surface.Arguments, made: dict[str, str]) -> Findings:
    """Return what the checks find, by check; ``made``: the schema of each."""
    with surface.snapshot(connection, arguments["tenant"]):
        return {
            name: list(surface.select(connection, f"{schema}.check_{name}", arguments))
            for name, schema in made.items()
        }


def _errors(rows: list[surface.Row]) -> int:
    return sum(row["severity"] == "error" for row in rows)


def _show_table(findings: Findings) -> None:
    rows = []
    for name, found in findings.items():
        errors = _errors(found)
        rows.append((name, "failed" if errors else "ok", errors, len(found) - errors))
    output.show_table(("check", "result", "errors", "warnings"), rows)
    for name, found in findings.items():
        for row in found[:_SHOWN_FINDINGS]:
            click.echo(output.folded(f"{row['severity']}: {name}: {_describe(row, repair=False)}"))
            if row["repair_call"]:
                # Never folded, so that it can be copied.
                click.echo(f"    {_in_one_line(row['repair_call'])}")
        if more := len(found[_SHOWN_FINDINGS:]):
            click.echo(f"{name}: and {more:,} more; all of them: --format json")


def _show_json(findings: Findings) -> None:
    output.show_json([row for found in findings.values() for row in found])


def _show_tap(findings: Findings) -> None:
    click.echo(f"TAP version 13\n1..{len(findings)}")
    for number, (name, found) in enumerate(findings.items(), 1):
        click.echo(f"{'not ok' if _errors(found) else 'ok'} {number} - {name}")
        for row in found:
            click.echo(f"# {row['severity']}: {_describe(row)}")


def _show_junit(findings: Findings) -> None:
    failed = sum(1 for found in findings.values() if _errors(found))
    suite = ElementTree.Element(
        "testsuite", name="duecourse verify", tests=str(len(findings)), failures=str(failed)
    )
    for name, found in findings.items():
        case = ElementTree.SubElement(suite, "testcase", classname="duecourse.verify", name=name)
        for row in found:
            error = row["severity"] == "error"
            ElementTree.SubElement(case, "failure" if error else "system-out").text = _describe(row)
    click.echo(ElementTree.tostring(suite, encoding="unicode", xml_declaration=True))


def _describe(row: surface.Row, *, repair: bool = True) -> str:
    """Return a finding in one line: what, where, how it should be, how it is, what repairs it."""
    text = f"{row['object_key']}: {row['detail']}"
    if row["expected"] is not None or row["actual"] is not None:
        text += f" (expected {row['expected']}, is {row['actual']})"
    if repair and row["repair_call"]:
        text += f" — {row['repair_call']}"
    return _in_one_line(text)


def _in_one_line(text: str) -> str:
    return " ".join("".join(sign if sign.isprintable() else " " for sign in text).split())


_FORMATS: dict[str, Callable[[Findings], None]] = {
    "table": _show_table,
    "json": _show_json,
    "tap": _show_tap,
    "junit": _show_junit,
}
