"""How far a cutover is, to look at: whole, at a glance, or as JSON."""

import re
import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import click
from rich.console import Group
from rich.text import Text

from duecourse import output, surface
from duecourse.commands import as_commands
from duecourse.database import Connection
from duecourse.errors import ExitStatus

_CREATE_ROLE = re.compile(r"^(CREATE ROLE \w+); ")
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")

#: The states, in the order in which they are shown.
_STYLES = {"action_needed": "yellow", "not_started": "dim", "passed": "green"}


@dataclass(frozen=True)
class Cutover:
    """The checklist and the escalations of a tenant at one moment."""

    arguments: surface.Arguments
    #: The tenant as it was typed.
    tenant: str
    checklist: list[surface.Row]
    escalations: list[surface.Row]
    #: By its id, the client and the name of each contract line.
    names: Mapping[str, surface.Row]

    @classmethod
    def read(cls, connection: Connection, arguments: surface.Arguments, tenant: str) -> "Cutover":
        """Read all of it in one snapshot; ``tenant`` is how it was typed."""
        of_tenant = {"tenant": arguments["tenant"]}
        with surface.snapshot(connection, arguments["tenant"]):
            names = surface.select(connection, "schedule_names", of_tenant)
            return cls(
                arguments,
                tenant,
                list(surface.select(connection, "cutover_checklist", arguments)),
                list(surface.select(connection, "escalations", arguments)),
                {str(row["obligation_id"]): row for row in names},
            )

    def exit_status(self, *, detailed: bool) -> ExitStatus:
        """Return what tells a script how far it is."""
        if self.escalations:
            return ExitStatus.REFUSED
        is_done = all(item["status"] == "passed" for item in self.checklist)
        return ExitStatus.CHANGES_PENDING if detailed and not is_done else ExitStatus.DONE

    def document(self) -> dict[str, object]:
        """Return all of it, as JSON holds it."""
        return {**self.arguments, "checklist": self.checklist, "escalations": self.escalations}

    def show(self, *, everything: bool) -> None:
        """Print what is to do before what has not begun and what has passed; then the commands."""
        output.show(self._head("" if everything else " (all: --all)"))
        order = [*_STYLES]
        shown = [item for item in self.checklist if everything or item["status"] != "passed"]
        for item in sorted(shown, key=lambda item: order.index(item["status"])):
            output.show(self._title(item))
            click.echo(output.folded(f"    {item['evidence']}{_attestation(item)}"))
        commands = self._commands()
        if commands:
            click.echo("\nnext:")
        for command, items in commands.items():
            click.echo(output.folded(f"  {', '.join(items)}:"))
            # Never folded, so that it can be copied.
            click.echo(f"    {command}")
        if self.escalations:
            scope = f"--tenant {shlex.quote(self.tenant)} --as-of {self.arguments['as_of']}"
            click.echo(f"\nwhat is escalated: duecourse escalations {scope}")

    def glance(self) -> Group:
        """Return what fits a screen: a line an item, and before them what to do first."""
        first = next(iter(self._commands()), None)
        items = output.table(
            ("item", "status", "title", "evidence"),
            (
                (_name(item), _status(item), item["title"], item["evidence"])
                for item in self.checklist
            ),
        )
        return Group(self._head(), *([Text(f"next: {first}")] if first else []), items)

    def _head(self, more: str = "") -> Text:
        counts = Counter(item["status"] for item in self.checklist)
        schedules = {row["schedule_key"] for row in self.escalations}
        parts = [f"{counts[status]} {status.replace('_', ' ')}" for status in _STYLES]
        parts.append(f"{output.counted(len(schedules), 'schedule')} escalated")
        when = self.arguments["as_of"]
        told = output.folded(f"cutover as of {when}: {', '.join(parts)}{more}")
        return Text(told, style="bold")

    def _title(self, item: surface.Row) -> Text:
        return Text.assemble(_status(item), f"  {_name(item)}: {item['title']}")

    def _commands(self) -> dict[str, list[str]]:
        """Return what leads on, with the items that it is for, in their order."""
        commands: dict[str, list[str]] = {}
        for item in self.checklist:
            if item["next_command"]:
                command = self._typed(item["next_command"])
                commands.setdefault(command, []).append(_name(item))
        return commands

    def _typed(self, command: str) -> str:
        """Return a command of the checklist as one types it: CALLs too, and names for ids."""
        typed = _CREATE_ROLE.sub(r'psql -c "\1" && ', as_commands(command))
        lines = [self.names[found] for found in _ID.findall(command) if found in self.names]
        if lines and typed.startswith("duecourse invoice generate "):
            [line, *_] = lines
            typed += f" --line {shlex.quote(line['contract_line_name'])}"
            typed = typed.replace(str(line["client_id"]), shlex.quote(line["client_name"]))
        return typed.replace(str(self.arguments["tenant"]), shlex.quote(self.tenant))


def _name(item: surface.Row) -> str:
    return f"{item['kind']} {item['number']}"


def _status(item: surface.Row) -> Text:
    return Text(item["status"].replace("_", " "), style=_STYLES[item["status"]])


def _attestation(item: surface.Row) -> str:
    if item["attested_at"] is None:
        return ""
    return f" ({item['attested_by']}, {item['attested_at']:%Y-%m-%d %H:%M}: {item['note']})"
