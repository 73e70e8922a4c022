"""A tenant on its way through the cutover: what the checklist says, and doing what it says."""

import shlex
from datetime import date
from uuid import UUID

from tests.conftest import Command, Database
from tests.service_periods.books import AS_OF, Books, Line, Row

PASSED, ACTION_NEEDED, NOT_STARTED = "passed", "action_needed", "not_started"

#: An item of the checklist: its kind and number.
Item = tuple[str, int]

STEPS: list[Item] = [("step", number) for number in range(1, 10)]
ITEMS = STEPS + [("checklist", number) for number in range(1, 8)]


class Cutover(Books):
    """Small books, the command line on them, and their checklist."""

    as_of = AS_OF

    def __init__(self, database: Database, duecourse: Command, dsn: str) -> None:
        super().__init__(database)
        self._duecourse = duecourse
        self._dsn = dsn

    def checklist(self) -> dict[Item, Row]:
        """Return the checklist, read in a transaction that cannot write."""
        with self.database.transaction(force_rollback=True):
            self.database.execute("SET TRANSACTION READ ONLY")
            rows = self.select("cutover_checklist", as_of=self.as_of)
        assert [row["position"] for row in rows] == list(range(1, 17))
        assert [(row["kind"], row["number"]) for row in rows] == ITEMS
        for row in rows:
            assert row["status"] in (PASSED, ACTION_NEEDED, NOT_STARTED)
            assert row["title"]
            assert row["evidence"]
            assert (row["next_command"] is None) == (row["status"] == PASSED), row
        return {(row["kind"], row["number"]): row for row in rows}

    def item(self, kind: str, number: int) -> tuple[str, str]:
        """Return the status and the evidence of one item."""
        row = self.checklist()[kind, number]
        return row["status"], row["evidence"]

    def follow(self, kind: str, number: int) -> str:
        """Run what leads on from an item; return it."""
        command: str = self.checklist()[kind, number]["next_command"]
        self.run_command(command)
        return command

    def run_command(self, command: str) -> None:
        """Run a command line in a process of its own, or SQL in the database."""
        if not command.startswith("duecourse "):
            self.database.execute(command)
            return
        done = self._duecourse(*shlex.split(command)[1:], "--dsn", self._dsn)
        # 6: something was escalated, 3: verify found something.
        assert done.returncode in (0, 3, 6), done

    def words(self, command: str) -> str:
        """Return a command line without its tenant and date."""
        return command.replace(f" --tenant {self.tenant} --as-of {self.as_of}", "")

    def follow_all(self) -> list[str]:
        """Run what leads on, which every time is something else, until a person has to look.

        Return the commands without their tenant and date.
        """
        done: list[str] = []
        while todo := [
            row["next_command"]
            for row in self.checklist().values()
            if row["status"] != PASSED
            and self.words(row["next_command"]) != "duecourse escalations"
        ]:
            assert todo[:1] != done[-1:]
            assert len(done) < len(ITEMS)
            self.run_command(todo[0])
            done.append(todo[0])
        return list(map(self.words, done))

    def both_cadences(self) -> tuple[Line, Line]:
        """Add a line of each cadence, billed in advance."""
        return (
            self.line(unit_price_cents=10_000),
            self.line(owner="contract", unit_price_cents=20_000),
        )

    def attest(self, step: int, note: str = "seen") -> Row:
        """Attest a step; return what the checklist has to show of it."""
        made = self.perform("attest_cutover_step", step=step, note=note)
        return {name.removeprefix("o_"): value for name, value in made.items()} | {"note": note}

    def grant(self) -> None:
        """Grant the owner every permission."""
        self.database.execute("CALL ops.grant_permission(%s, session_user::text)", [self.tenant])


class ImportedBooks(Cutover):
    """A tenant of the books, as of their day."""

    as_of = date(2026, 11, 20)

    def __init__(self, database: Database, duecourse: Command, dsn: str, tenant: str) -> None:
        self.database = database
        self.tenant = UUID(tenant)
        self._duecourse = duecourse
        self._dsn = dsn
