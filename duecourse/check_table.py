"""What the checks found, for people: counts, what failed first, and what repairs it."""

import re
import textwrap
from collections.abc import Iterator, Sequence

import click

from duecourse import output
from duecourse.check_files import describe, in_one_line, number, waived
from duecourse.checks import Outcome, Report, Result
from duecourse.surface import Row

WIDTH = 80

#: A blank at which no line is broken.
_GLUE = "\N{NO-BREAK SPACE}"

#: Outcomes of which the checks are named, the gravest first.
_NAMED = (Outcome.ERRORED, Outcome.FAILED, Outcome.WARNED, Outcome.WAIVED, Outcome.SKIPPED)

#: How many findings of a failed check are shown unless all are asked for.
_SHOWN = 1

_LITERAL = re.compile(r"'(?:[^']|'')*'")
_PIECE = re.compile(r"(?:''|[^']){1,60}")


def show(found: Sequence[Report], *, everything: bool = False) -> None:
    """Print reports one after the other; ``everything``: all findings, warnings too."""
    for place, report in enumerate(found):
        if place:
            click.echo()
        for line in _lines(report, everything=everything):
            click.echo(output.visible(line))


def _lines(report: Report, *, everything: bool) -> Iterator[str]:
    yield from _headline(report)
    for outcome in _NAMED:
        if results := report.of(outcome):
            counts = "  ".join(
                f"{result.check.name}{_GLUE}{len(result.findings) or ''}".rstrip()
                for result in results
            )
            yield from _folded(counts, f"{outcome.value:<9}", " " * 9)
    for outcome in _NAMED[: 4 if everything else 2]:
        for result in report.of(outcome):
            yield from _described(report, result, everything=everything)
    if report.unused:
        yield ""
    for row in report.unused:
        what = f"{row['check_name']} of {row['object_key'] or 'every object'}"
        yield from _folded(f"{in_one_line(what)}, {waived(row)}", "waived, but not found: ", "  ")


def _headline(report: Report) -> Iterator[str]:
    failed, warned = report.of(Outcome.FAILED), report.of(Outcome.WARNED)
    parts = [f"{len(report.of(Outcome.OK))} ok"]
    if errored := report.of(Outcome.ERRORED):
        parts.append(f"{len(errored)} could not look")
    if failed:
        parts.append(f"{len(failed)} failed ({_findings(failed)})")
    if warned:
        parts.append(f"{len(warned)} with warnings ({_findings(warned)})")
    rest = {outcome: len(report.of(outcome)) for outcome in (Outcome.WAIVED, Outcome.SKIPPED)}
    parts += [f"{count} {outcome.value}" for outcome, count in rest.items() if count]
    checked = number(len(report.results), "check")
    name = in_one_line(report.name)
    yield from _folded(f"{checked} of {name} as of {report.as_of}: {', '.join(parts)}", "", "  ")


def _findings(results: Sequence[Result]) -> str:
    return number(sum(len(result.findings) for result in results), "finding")


def _described(report: Report, result: Result, *, everything: bool) -> Iterator[str]:
    """Yield what a check found; never folded in it is what is to be copied."""
    yield ""
    yield from _folded(result.check.what, f"{result.check.name}: ", "  ")
    if result.is_bad and (since := report.failed_since.get(result.check.name)):
        yield f"  failed since {since:%Y-%m-%d %H:%M} UTC"
    if result.error:
        yield from _folded(result.error, "  could not look: ", "    ")
        return
    found = sorted(result.findings, key=lambda row: row["waived"] is not None)
    shown = found if everything else found[:_SHOWN]
    for row in shown:
        told = describe(row, report.names.get(row["object_key"]))
        yield from _folded(f"{row['severity']}: {told}", "  ", "    ")
        if row["waived"] is not None:
            yield from _folded(waived(row["waived"]), "    waived ", "      ")
            continue
        if row["repair_call"]:
            yield from _statement(row)
    if more := len(result.findings) - len(shown):
        yield f"  and {more:,} more: --check {result.check.name} --all"


def _statement(row: Row) -> Iterator[str]:
    """Yield what repairs a finding, in lines that can be copied as they stand."""
    text = row["repair_call"]
    label = "    fix: "
    if len(label) + len(text) <= WIDTH or text.startswith("duecourse"):
        yield label + text
        return
    for place, part in enumerate(_statement_lines(text)):
        yield (label if place == 0 else " " * 9) + part


def _statement_lines(text: str) -> Iterator[str]:
    """Break SQL between arguments, and a long literal into several, which mean one."""
    line = ""
    for word in _words(text):
        if line and len(line) + len(word) > WIDTH - 10:
            yield line.rstrip()
            line = ""
        line += word
    yield line


def _words(text: str) -> Iterator[str]:
    """Yield the words of SQL with their blanks; of a long literal its parts, each a literal."""
    place = 0
    for match in _LITERAL.finditer(text):
        yield from re.findall(r"\S+\s*|\s+", text[place : match.start()])
        literal, place = match[0], match.end()
        if len(literal) <= 60 or text[match.start() - 1] in "eE":
            yield literal
        else:
            yield from (f"'{piece}'" for piece in _PIECE.findall(literal[1:-1]))
    yield from re.findall(r"\S+\s*|\s+", text[place:])


def _folded(text: str, first: str, later: str) -> Iterator[str]:
    lines = textwrap.wrap(
        text,
        WIDTH,
        initial_indent=first,
        subsequent_indent=later,
        break_long_words=False,
        break_on_hyphens=False,
    )
    yield from (line.replace(_GLUE, " ") for line in lines)
