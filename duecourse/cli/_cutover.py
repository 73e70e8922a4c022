"""How far a cutover is, to look at: whole, at a glance, or as JSON."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import click
from rich.console import Group
from rich.table import Table
from rich.text import Text

from duecourse import output, surface
from duecourse.database import Connection
from duecourse.errors import ExitStatus

_STYLES = {"passed": "green", "action_needed": "yellow", "not_started": "dim"}


@dataclass(frozen=True)
class Cutover:
    """The checklist and the escalations of a tenant at one moment."""

    arguments: surface.Arguments
    checklist: list[surface.Row]
    escalations: list[surface.Row]

    @classmethod
    def read(cls, connection: Connection, arguments: surface.Arguments) -> "Cutover":
        """Read both in one snapshot."""
        with surface.snapshot(connection, arguments["tenant"]):
            return cls(
                arguments,
                list(surface.select(connection, "cutover_checklist", arguments)),
                list(surface.select(connection, "escalations", arguments)),
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

    def show(self) -> None:
        """Print every item, every command that leads on, and every escalation."""
        output.show(Group(self._head(), self._items()))
        commands = self._commands()
        if commands:
            click.echo("\nnext:")
        for command, items in commands.items():
            # Never wrapped, so that it can be copied.
            click.echo(f"  {', '.join(items)}:\n    {command}")
        if self.escalations:
            click.echo()
            output.show(
                output.table(("escalated obligation", "why"), self._reasons(), flexible=True)
            )

    def glance(self) -> Group:
        """Return what fits a screen: a line an item, and before them what to do first."""
        items = self._items()
        items.columns[-1].no_wrap, items.columns[-1].overflow = True, "ellipsis"
        first = next(iter(self._commands()), None)
        return Group(self._head(), *([Text(f"next: {first}")] if first else []), items)

    def _head(self) -> Text:
        counts = Counter(item["status"] for item in self.checklist)
        schedules = {row["schedule_key"] for row in self.escalations}
        parts = [f"{counts[status]} {status.replace('_', ' ')}" for status in _STYLES]
        parts.append(f"{len(schedules)} schedules escalated")
        return Text(f"cutover as of {self.arguments['as_of']}: {', '.join(parts)}", style="bold")

    def _items(self) -> Table:
        return output.table(
            ("item", "status", "evidence"),
            (
                (
                    f"{item['kind']} {item['number']}",
                    Text(item["status"].replace("_", " "), style=_STYLES[item["status"]]),
                    Text.assemble(
                        (f"{item['title']}: ", "bold"), item["evidence"], _attestation(item)
                    ),
                )
                for item in self.checklist
            ),
            flexible=True,
        )

    def _commands(self) -> dict[str, list[str]]:
        """Return what leads on, with the items that it is for, in their order."""
        commands: dict[str, list[str]] = {}
        for item in self.checklist:
            if item["next_command"]:
                name = f"{item['kind']} {item['number']}"
                commands.setdefault(item["next_command"], []).append(name)
        return commands

    def _reasons(self) -> Iterator[tuple[object, Text]]:
        for row in self.escalations:
            reason = ", ".join([row["reason"], *row["conflict_kinds"]])
            yield row["obligation_id"], Text.assemble((f"{reason}: ", "bold"), row["hint"])


def _attestation(item: surface.Row) -> str:
    if item["attested_at"] is None:
        return ""
    return f" ({item['attested_by']}, {item['attested_at']:%Y-%m-%d %H:%M}: {item['note']})"
