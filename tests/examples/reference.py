"""The pages of docs/reference, from the database and from the command line itself."""

import re
import textwrap
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import click
import psycopg

from duecourse.cli import main
from duecourse.errors import ExitStatus
from duecourse.objects import checks, object_paths
from tests.conftest import ROOT

_SCHEMAS = {
    "billing": "Schedules, due work and invoices.",
    "ledger": "The charge ledger: renters, units, charges and payments.",
    "ops": "What the package records about itself: permissions, runs and error codes.",
}
#: What every COMMENT on a public routine says; that on a CALL says the last one, too.
_LABELS = ("Needs", "Commits", "Locks", "Raises", "Idempotent")

_ROUTINES = """
    SELECT
        n.nspname,
        p.proname,
        p.prokind = 'p' AS is_call,
        pg_get_function_arguments(p.oid) AS arguments,
        pg_get_function_result(p.oid) AS result,
        obj_description(p.oid, 'pg_proc') AS comment
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname = ANY (%s) AND NOT starts_with(p.proname, '_')
    ORDER BY n.nspname, p.proname
"""
_STATUSES = {
    ExitStatus.DONE: "done, or nothing to do",
    ExitStatus.ERROR: "error, also in the usage",
    ExitStatus.CHANGES_PENDING: "changes are pending (only with `--detailed-exitcode`)",
    ExitStatus.VERIFICATION_FAILED: "verification failed",
    ExitStatus.LOCK_BUSY: "the lock is busy",
    ExitStatus.PLAN_STALE: "the plan is stale",
    ExitStatus.REFUSED: "refused, or escalated (0 with `--allow-known-escalations` when nothing "
    "new was)",
    ExitStatus.INTERRUPTED: "interrupted by Ctrl-C",
}


class Routine(NamedTuple):
    """A routine as the catalog has it."""

    schema: str
    name: str
    is_call: bool
    arguments: str
    result: str | None
    comment: str

    @property
    def is_public(self) -> bool:
        """Whether it is for callers: a CALL, or a reading whose COMMENT says what it needs."""
        return self.is_call or "Needs: " in self.comment


def public_routines(dsn: str) -> list[Routine]:
    """Return what operators call, but for the checks."""
    return [each for each in _routines(dsn) if each.is_public and each.name[:6] != "check_"]


def routines(dsn: str) -> str:
    """Return every public routine: tables by schema, then the arguments and the COMMENT of each."""
    found = public_routines(dsn)
    parts = [
        "Every routine takes named arguments. None reads the clock: `p_as_of` is an argument. "
        "`Needs` names the permission on the tenant ([permissions](../permissions.md)); the owner "
        "needs none. The bulk CALLs share their last parameters: [psql](../psql.md) tells of them. "
        "What a check is called with stands in [checks](checks.md)."
    ]
    for schema, what in _SCHEMAS.items():
        parts.append(f"## {schema}\n\n{what}")
        for is_call, title in ((True, "CALLs"), (False, "Readings")):
            rows = [
                (f"[`{r.name}`](#{schema}{r.name})", _purpose(r.name), told(r, "Needs"))
                for r in found
                if (r.schema, r.is_call) == (schema, is_call)
            ]
            if rows:
                parts += [f"**{title}**", _table(("routine", "what", "needs"), rows)]
    parts.append("## Each routine")
    parts += [text for each in found for text in _described(each)]
    return _page("Routines", *parts)


def verification(dsn: str) -> str:
    """Return every check of verify/."""
    comments = {each.name: each.comment for each in _routines(dsn)}
    rows = []
    for name in checks():
        comment = comments[f"check_{name}"]
        severity, _, key = comment.partition(" Needs: ")[0].partition(". ")
        rows.append((f"[`{name}`](checks/{name}.md)", severity.lower(), _purpose(name), key))
    return _page(
        "Checks",
        "`duecourse verify` runs them all, and so does `ops.verify` in psql. Each is a "
        "function of its own, too: `SELECT * FROM billing.check_<name>(p_tenant => …, p_as_of => "
        "…)`; those of the charge ledger are in its schema. No row means healthy. A finding of "
        "severity error makes `duecourse verify` exit with 3, and its `repair_call` says what "
        "repairs it, or what to read.",
        _table(("check", "severity", "what it finds", "details"), rows),
    )


def commands(dsn: str) -> str:
    """Return every command: a table, then the help of each."""
    # Whoever asks first decides how a command names its help: as the command line does.
    context = click.Context(
        main, info_name="duecourse", terminal_width=100, **main.context_settings
    )
    parts = [
        _table(
            ("command", "does"),
            [
                (f"[`{path}`](#{path.replace(' ', '-')})", command.get_short_help_str(200))
                for path, command, _ in _commands(context)
            ],
        )
    ]
    for path, command, own in _commands(context):
        parts += [f"## {path}", f"```text\n{command.get_help(own).rstrip()}\n```"]
    return _page(
        "Commands",
        "The connection follows libpq: `--dsn`, else `DATABASE_URL`, else the `PG*` variables. "
        "`--tenant`, `--as-of` (default: today, UTC), `--client` and `--schedule` mean the same "
        "everywhere. What a command exits with stands in [errors](errors.md).",
        *parts,
    )


def errors(dsn: str) -> str:
    """Return the exit statuses and every SQLSTATE of the package."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT code, condition, exit_status::text, message FROM ops.error_codes()"
        ).fetchall()
    return _page(
        "Errors and exit status",
        "An error is one line that says what is wrong and what to do; `--debug` shows the "
        "traceback.",
        _table(("exit status", ""), [(str(int(each)), _STATUSES[each]) for each in ExitStatus]),
        "The SQLSTATEs that the package raises, as `ops.error_codes()` lists them. Those of class "
        "DC are its own.",
        _table(("SQLSTATE", "condition", "exit status", "message"), rows),
        "Two sessions that write to one schedule at once: one gets 23P01, or 40001 where the other "
        "was faster. A lock that is busy is 55P03. A permission that is lacking is 42501, and the "
        "hint is the call that grants it.",
    )


REFERENCE: dict[str, Callable[[str], str]] = {
    "docs/reference/routines.md": routines,
    "docs/reference/checks.md": verification,
    "docs/reference/commands.md": commands,
    "docs/reference/errors.md": errors,
}


def told(routine: Routine, label: str) -> str:
    """Return what the COMMENT on a routine says under a label, up to the end of its sentence."""
    found = re.search(rf"{label}: (.*?)\.(?= |$)", routine.comment)
    if not found:
        name = f"{routine.schema}.{routine.name}"
        raise LookupError(f"the comment on {name} does not say {label}: …")
    return found[1]


def _routines(dsn: str) -> list[Routine]:
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(_ROUTINES, [list(_SCHEMAS)]).fetchall()
    return [Routine(*row) for row in rows]


def _described(routine: Routine) -> Iterator[str]:
    """Yield what stands about a routine: its name, how it is called, what its COMMENT says."""
    for label in _LABELS[: 5 if routine.is_call else 4]:
        told(routine, label)
    arguments = re.sub(r"^IN |(?<=, )IN |::[\w ]+(?:\[\])?(?=,|$)", "", routine.arguments)
    lines = re.split(r", (?=(?:INOUT |OUT )?[po]_)", arguments)
    within = textwrap.indent(",\n".join(lines), "    ") if arguments else ""
    shape = "CALL" if routine.is_call else "SELECT * FROM"
    yield f"### {routine.schema}.{routine.name}"
    yield f"```text\n{shape} {routine.schema}.{routine.name}(\n{within}\n)\n```"
    if (routine.result or "").startswith("TABLE("):
        columns = re.findall(r"[(,] ?(\w+) ", routine.result or "")
        yield _filled("Gives " + ", ".join(f"`{column}`" for column in columns) + ".")
    purpose = _purpose(routine.name)
    yield _filled(f"{purpose} {routine.comment.removeprefix(purpose).lstrip()}")


def _commands(context: click.Context) -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command and subcommand with its path."""
    group = context.command
    assert isinstance(group, click.Group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None
        own = click.Context(command, info_name=name, parent=context)
        yield own.command_path, command, own
        if isinstance(command, click.Group):
            yield from _commands(own)


def _purpose(name: str) -> str:
    """Return the first line of the file of that name."""
    for path in object_paths():
        if re.sub(r"^\d+_", "", Path(path).name).removesuffix(".sql.j2") == name:
            [line] = re.findall(r"^-- (.*)$", (ROOT / path).read_text(), re.MULTILINE)[:1]
            return str(line)
    raise LookupError(name)


def _page(title: str, *parts: str) -> str:
    note = "<!-- Generated: python -m tests.examples -->"
    return "\n\n".join([note, f"# {title}", *(_filled(part) for part in parts)]) + "\n"


def _filled(text: str) -> str:
    """Return a paragraph in lines of at most 100 columns; what has lines already as it is."""
    if "\n" in text or text.startswith(("|", "#")):
        return text
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(columns)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
    )
