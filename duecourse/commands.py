"""CALLs and parameters of the SQL surface in the words of the command line.

The database speaks to psql: its hints name CALLs and ``p_`` parameters. Who typed a command is told
the command and its options; this is the one place where these are translated.
"""

import re
import shlex
from collections.abc import Mapping

from duecourse import windows
from duecourse.operations import OPERATIONS

#: By procedure, the command, and the parameters that are its arguments, in their order.
_COMMANDS: dict[str, tuple[str, tuple[str, ...]]] = {
    **{
        chosen.procedure.rpartition(".")[2]: (f"run {name}", ())
        for name, chosen in OPERATIONS.items()
    },
    "generate_invoice": ("invoice generate", ("client_id", "window")),
    "delete_invoice": ("invoice delete", ("invoice_id",)),
    "reverse_invoice": ("invoice reverse", ("invoice_id",)),
    "edit_service_period": ("period edit", ("record_id",)),
    "skip_service_period": ("period skip", ("record_id",)),
    "defer_service_period": ("period defer", ("record_id",)),
    "archive_service_period": ("period archive", ("record_id",)),
    "attest_cutover_step": ("cutover attest", ("tenant", "step")),
    "grant_permission": ("grant", ("role_name", "permission")),
    "revoke_permission": ("revoke", ("role_name", "permission")),
    "refund_payment": ("payment refund", ("payment_id",)),
    "move_payment": ("payment move", ("payment_id",)),
    "correct_payment": ("payment correct", ("payment_id",)),
    "record_payment": ("payment record", ()),
    "pause_run": ("pause", ("run_key",)),
    "resume_run": ("resume", ("run_key",)),
    "cancel_run": ("cancel", ("run_key",)),
    "replay_stripe_events": ("stripe replay", ("tenant",)),
}

#: By reading, the command that shows it.
_READINGS = {
    "assess_coverage": "coverage",
    "balances": "balances",
    "cutover_checklist": "cutover",
    "due_work": "due-work",
    "escalations": "escalations",
    "invoice_candidates": "due-work --candidates",
    "invoiced_history": "invoice history",
    "orphans": "orphans",
    "plan_linkage_repair": "linkage",
    "run_status": "runs",
    "tenants": "tenants",
}

#: By table of which a hint tells to read a tenant's rows, the command that shows what they are.
_TABLES = {"clients": "coverage --all", "recurring_obligations": "coverage --all --ids"}

#: The options whose names are not their parameters'.
_OPTIONS = {
    "client_id": "--client",
    "schedule_key": "--schedule",
    "tenant_user_id": "--renter",
    "unit_id": "--unit",
    "billing_period": "--period",
    "amount_cents": "--cents",
    "paid_on": "--on",
    "effective_on": "--on",
    "payment_method": "--method",
    "payment_key": "--payment",
    "movement_number": "--movement",
    "metadata_keys": "--metadata-key",
    "invoice_number": "--number",
    "role_name": "ROLE",
    "permission": "PERMISSION",
    "record_id": "RECORD",
    "invoice_id": "INVOICE",
    "step": "STEP",
    "window_start": "WINDOW",
    "window_end": "WINDOW",
}

#: The one option that is called otherwise in one command.
_DEFERRED = ("period defer", "invoice_window")

_CALL = re.compile(
    r"CALL (?:(?:\"(?:[^\"]|\"\")*\"|\w+)\.)?\"?(\w+)\"?\(((?:'(?:[^']|'')*'|[^')])*)\)(;(?=\s*$))?"
)
_SELECT = re.compile(
    r"SELECT \* FROM (?:(?:\"(?:[^\"]|\"\")*\"|\w+)\.)?\"?(\w+)\"?"
    r"(?:\(((?:'(?:[^']|'')*'|[^')])*)\))?(?! WHERE)"
)
_ROWS = re.compile(
    r"SELECT \* FROM (?:(?:\"(?:[^\"]|\"\")*\"|\w+)\.)?\"?(\w+)\"? WHERE tenant = '([^']*)'"
)
_ARGUMENT = re.compile(r"p_(\w+) => (?:'((?:[^']|'')*)'|ARRAY\[[^\]]*\]|([^,\s]+))")
_PARAMETER = re.compile(r"\bp_([a-z_]+)\b(?! =>)")


def option(parameter: str) -> str:
    """Return the option of a parameter without its ``p_``."""
    return _OPTIONS.get(parameter, f"--{parameter.replace('_', '-')}")


def as_commands(text: str) -> str:
    """Return a text in which what commands do stands as these: CALLs, and what readings show."""
    text = _CALL.sub(lambda found: command(found[0]) or found[0], text)
    text = _ROWS.sub(
        lambda found: (
            f"duecourse {_TABLES[found[1]]} --tenant {found[2]}"
            if found[1] in _TABLES
            else found[0]
        ),
        text,
    )
    return _SELECT.sub(lambda found: _reading(found[1], found[2] or "") or found[0], text)


def command(call: str) -> str | None:
    """Return the command that does the same as a CALL, if there is one."""
    found = _CALL.fullmatch(call)
    if found is None or found[1] not in _COMMANDS:
        return None
    given = {
        name: quoted.replace("''", "'") or bare
        for name, quoted, bare in _ARGUMENT.findall(found[2])
    }
    return written(found[1], given)


def _reading(name: str, arguments: str) -> str | None:
    if name not in _READINGS:
        return None
    words = ["duecourse", *_READINGS[name].split()]
    for parameter, quoted, bare in _ARGUMENT.findall(arguments):
        words += [option(parameter), quoted.replace("''", "'") or bare]
    return shlex.join(words)


def written(procedure: str, given: Mapping[str, str]) -> str:
    """Return the command of a procedure with these arguments; NULL is not said."""
    name, places = _COMMANDS[procedure]
    rest = {key: value for key, value in given.items() if value not in ("", "NULL")}
    for key in ("window", "invoice_window", "service_period", "activity_window"):
        if f"{key}_start" in rest and f"{key}_end" in rest:
            rest[key] = windows.of_texts(rest.pop(f"{key}_start"), rest.pop(f"{key}_end"))
    words = [rest.pop(place) for place in places if place in rest]
    for key, value in rest.items():
        words += ["--to" if (name, key) == _DEFERRED else option(key), value]
    return shlex.join(["duecourse", *name.split(), *words])


def as_options(text: str) -> str:
    """Return a text in which parameters, but for those of a CALL, are options."""
    return _PARAMETER.sub(lambda found: option(found[1]), text)
