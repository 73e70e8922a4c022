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
    "replay_stripe_events": ("stripe replay", ("tenant",)),
}

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
_ARGUMENT = re.compile(r"p_(\w+) => (?:'((?:[^']|'')*)'|ARRAY\[[^\]]*\]|([^,\s]+))")
_PARAMETER = re.compile(r"\bp_([a-z_]+)\b")


def option(parameter: str) -> str:
    """Return the option of a parameter without its ``p_``."""
    return _OPTIONS.get(parameter, f"--{parameter.replace('_', '-')}")


def as_commands(text: str) -> str:
    """Return a text in which each CALL that a command does is that command."""
    return _CALL.sub(lambda found: command(found[0]) or found[0], text)


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
    """Return a text in which parameters are the options of the command line."""
    return _PARAMETER.sub(lambda found: option(found[1]), text)
