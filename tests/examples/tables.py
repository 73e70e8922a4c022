"""The README's tables, from the database and from the command line itself."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

import click
import psycopg

from duecourse.cli import main
from duecourse.locate import checks
from duecourse.objects import object_paths
from tests.conftest import ROOT

#: What an operator reads with; the other functions are parts of these.
READINGS = (
    "assess_coverage",
    "candidate_service_periods",
    "plan_summary",
    "plan_service_periods",
    "due_work",
    "invoice_candidates",
    "preview_invoice",
    "invoiced_history",
    "plan_linkage_repair",
    "linkage_repair_summary",
    "cutover_checklist",
    "escalations",
    "verify",
    "charge_backfill_summary",
    "plan_charge_backfill",
    "rent_summary",
    "plan_rent",
    "balances",
    "explain_balance",
    "orphans",
    "escalation_reasons",
    "regeneration_trigger",
    "mutation_permitted",
    "lifecycle_transition_allowed",
    "offline",
    "error_codes",
)

_COMMENTS = """
    SELECT
        n.nspname || '.' || p.proname, p.proname, p.prokind = 'p', obj_description(p.oid, 'pg_proc')
    FROM pg_proc AS p JOIN pg_namespace AS n ON n.oid = p.pronamespace
    WHERE n.nspname IN ('billing', 'ledger', 'ops')
    ORDER BY array_position(%s, p.proname::text), p.proname
"""


def procedures(dsn: str) -> str:
    """Return every public procedure, then the readings, as their COMMENT ON describes them."""
    with psycopg.connect(dsn) as connection:
        found = connection.execute(_COMMENTS, [list(READINGS)]).fetchall()
    rows = []
    for is_procedure in (True, False):
        for name, short, kind, comment in found:
            if kind == is_procedure and (short in READINGS or (kind and short[0] != "_")):
                commits, locks = (_told(name, comment, label) for label in ("Commits", "Locks"))
                again = _told(name, comment, "Idempotent") if kind else "reads only"
                needs = _told(name, comment, "Needs")
                rows.append((f"`{name}`", _purpose(short), needs, commits, locks, again))
    return _table(("routine", "what", "needs", "commits", "locks", "idempotent"), rows)


def verification(dsn: str) -> str:
    """Return every check of verify/."""
    return _table(("check", "what it finds"), [(f"`{name}`", _purpose(name)) for name in checks()])


def commands(dsn: str) -> str:
    """Return every command with the first sentence of its help."""
    context = click.Context(main)
    found = ((name, main.get_command(context, name)) for name in main.list_commands(context))
    return _table(
        ("command", "does"),
        [
            (f"`duecourse {name}`", command.get_short_help_str(200))
            for name, command in found
            if command
        ],
    )


def errors(dsn: str) -> str:
    """Return every SQLSTATE of the package."""
    with psycopg.connect(dsn) as connection:
        rows = connection.execute(
            "SELECT code, condition, exit_status::text, message FROM ops.error_codes()"
        ).fetchall()
    return _table(("SQLSTATE", "condition", "exit status", "message"), rows)


TABLES: dict[str, Callable[[str], str]] = {
    "procedures": procedures,
    "verification": verification,
    "commands": commands,
    "errors": errors,
}


def _purpose(name: str) -> str:
    """Return the first line of the file of that name."""
    for path in object_paths():
        if re.sub(r"^\d+_", "", Path(path).name).removesuffix(".sql.j2") == name:
            [line] = re.findall(r"^-- (.*)$", (ROOT / path).read_text(), re.MULTILINE)[:1]
            return str(line)
    raise LookupError(name)


def _told(name: str, comment: str, label: str) -> str:
    """Return what the COMMENT on a routine says under a label, up to the end of its sentence."""
    found = re.search(rf"{label}: (.*?)\.(?= |$)", comment)
    if not found:
        raise LookupError(f"the comment on {name} does not say {label}: …")
    return found[1]


def _table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    names = list(columns)
    lines = [names, ["---"] * len(names), *rows]
    return "\n".join(
        f"| {' | '.join(cell.replace('|', '&#124;') for cell in line)} |" for line in lines
    )
