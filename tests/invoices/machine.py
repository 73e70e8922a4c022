"""Random books, and everything that an operator or a change of contract may do to them."""

from collections.abc import Sequence
from datetime import date, timedelta
from random import Random
from typing import Any, TypeVar

import psycopg
from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.conftest import Database
from tests.invoices import money, strategies
from tests.invoices.acts import CHANGES, DUE
from tests.invoices.lives import lives
from tests.invoices.scenes import REFUSALS as ACT_REFUSALS
from tests.invoices.scenes import Scene, attempt
from tests.invoices.state import Row, State, assert_sound, covered, read, span
from tests.invoices.statement import Window, identity, window_of
from tests.invoices.verdict import Run, judge, look_ahead, wrong_now
from tests.service_periods.books import AS_OF, Books, Line

T = TypeVar("T")

#: How far a run looks ahead, in days: not far, so that a step is quick.
HORIZON = {"target_horizon_days": 70, "replenishment_threshold_days": 30}
#: What may refuse a step: arguments, an invoice that is gone, a state, dates, continuity, history.
REFUSALS = {"DC001", "DC003", "DC101", "DC102", "DC103", "DC104", "23P01"}


def pick(choices: Sequence[T], number: int) -> T | None:
    """Return one of the choices, the same for the same number; None when there is none."""
    return choices[number % len(choices)] if choices else None


class Operations(RuleBasedStateMachine):
    """Small books of one tenant; every step is followed by a look at all of them."""

    database: Database

    def __init__(self) -> None:
        super().__init__()
        self.books = Books(self.database)
        self.today = AS_OF
        self.lines: list[Line] = []
        self.previews: money.Previews = {}
        self.state = self.read()

    @initialize(
        clients=st.lists(strategies.clients, min_size=1, max_size=2),
        lines=st.lists(strategies.lines, min_size=1, max_size=4),
    )
    def fill(self, clients: list[dict[str, Any]], lines: list[dict[str, Any]]) -> None:
        """Write the books, and materialise them for the first time."""
        made = [self.books.client(drawn["cycle"], **drawn["anchors"]) for drawn in clients]
        for number, drawn in enumerate(lines):
            start = AS_OF + timedelta(drawn["start"])
            self.lines.append(
                self.books.line(
                    made[number % len(made)],
                    start,
                    start + timedelta(drawn["length"]) if drawn["length"] else None,
                    owner=drawn["cadence_owner"],
                    timing=drawn["billing_timing"],
                    frequency=drawn["billing_frequency"],
                    contract_line_type=drawn["contract_line_type"],
                    **drawn["price"],
                )
            )
        self.look()
        self.run("backfill", 0)
        for line, drawn in zip(self.lines, lines, strict=True):
            if drawn["contract_line_type"] in ("Hourly", "Usage"):
                for record in drawn["records"]:
                    self.record(line, **record)
        self.look()

    @rule(how=strategies.runs, by=st.sampled_from([0, 1, 10, 31]))
    def run(self, how: str, by: int) -> None:
        """Let some days go by, then materialise or advance the billing cycles."""
        self.today += timedelta(by)
        before, given = self.state, {"as_of": self.today, **HORIZON}
        mode, _, accepting = how.partition(" ")
        if mode == "advance":
            result = self.books.perform("advance_billing_cycles", as_of=self.today)
        elif accepting:
            hash_ = self.books.summary(mode, **given)["plan_hash"]
            result = self.books.call(mode, accept_escalations=hash_, **given)
        else:
            result = self.books.call(mode, **given)
        note(f"{how} of {self.today}: {result}")
        assert result["o_status"] in ("done", "nothing_to_do", "escalated")
        after = self.look()
        money.assert_run(before, after)
        ahead = look_ahead(self.books, self.today, HORIZON["target_horizon_days"])
        assert not [*wrong_now(ahead, after)]
        assert not [*judge(Run(mode, bool(accepting)), ahead, before, after)]

    @rule(number=strategies.which, dated=st.sampled_from([False, False, False, True]))
    def invoice(self, number: int, dated: bool) -> None:
        """Invoice a whole window, perhaps as of today."""
        window = pick(self.windows(), number)
        if window:
            self.generate(window, self.today if dated else None)

    @rule(number=strategies.which, members=strategies.members)
    def invoice_some(self, number: int, members: tuple[int, str | None]) -> None:
        """Invoice some execution identities of a window."""
        window = pick(self.windows(), number)
        rows = [row for row in self.state.live() if window_of(row) == window]
        keys = {identity(self.state, row) for n, row in enumerate(rows) if members[0] >> n & 1}
        if members[1]:
            keys.add(members[1])
        if window and keys:
            self.generate(Window(window.client, window.start, window.end, (*sorted(keys),)), None)

    def windows(self) -> list[Window]:
        """Return the windows of live rows; those in which something is due come twice."""
        due = {window_of(row) for row in self.state.live() if row["lifecycle_state"] in DUE}
        return sorted([*due, *{window_of(row) for row in self.state.live()}], key=str)

    def generate(self, window: Window, as_of: date | None) -> None:
        """Preview a window, invoice it, and invoice it again, which writes nothing."""
        before = self.state
        call = money.generate(self.books, window, as_of)
        note(f"{window}: {call.status}, {call.reason}, {len(call.lines)} lines")
        if call.status == "generated":
            self.previews[call.invoice] = call.lines
        after = self.look()
        money.assert_generated(before, after, call)
        if call.status == "generated":
            again = money.call(self.books, window, as_of)
            assert again["o_status"] == "already_invoiced"
            assert str(again["o_invoice_id"]) == call.invoice
            assert self.read() == after

    @rule(number=strategies.which, procedure=st.sampled_from(["delete", "reverse"]))
    def withdraw(self, number: int, procedure: str) -> None:
        """Delete or reverse an invoice that was made before, once or again."""
        invoice = pick(list(self.previews), number)
        if invoice:
            before = self.state
            result = self.perform(f"{procedure}_invoice", invoice_id=invoice, reason="test")
            if result:
                money.assert_withdrawn(self.books, before, self.state, invoice, result)

    @rule(number=strategies.which, how=strategies.revisions)
    def revise(self, number: int, how: tuple[str, Any]) -> None:
        """Edit, defer, skip or archive a ledger row, within the rules or not."""
        before, (operation, drawn) = self.state, how
        row = pick(self.state.live(), number)
        if row is None:
            return
        given: dict[str, Any] = {}
        if operation == "defer":
            start, end = span(pick(self.state.live(), drawn[0]) or row, "invoice_window")
            given = {"invoice_window_start": start + timedelta(drawn[1]), "invoice_window_end": end}
        elif operation == "edit":
            given["clear_activity_window"] = not drawn
            for window, shifts in drawn.items():
                days = span(row, window if window == "invoice_window" else "service_period")
                for side, day, by in zip(("start", "end"), days, shifts, strict=True):
                    given[f"{window}_{side}"] = day + timedelta(by)
        result = self.perform(
            f"{operation}_service_period", record_id=row["record_id"], reason="test", **given
        )
        if result is not None:
            money.assert_revised(before, self.state, row)

    @rule(
        number=strategies.which,
        change=strategies.changes,
        then=st.sampled_from([None, "backfill", "backfill accepting"]),
    )
    def change(self, number: int, change: tuple[str, dict[str, Any]], then: str | None) -> None:
        """Change what the amounts of a line come from, and perhaps materialise."""
        line, (table, columns) = self.lines[number % len(self.lines)], change
        if table == "billable_records":
            self.record(line, **columns)
        else:
            self.update(table, "contract_line_id", line.obligation, **columns)
        self.look()
        if then:
            self.run(then, 0)

    @rule(
        number=strategies.which,
        act=strategies.acts,
        then=st.sampled_from([None, "backfill", "backfill accepting", "regenerate accepting"]),
    )
    def live(self, number: int, act: tuple[str, int], then: str | None) -> None:
        """Change what is owed of a line, or what is on record of it, and perhaps materialise."""
        life = lives(self.state)[str(self.lines[number % len(self.lines)].obligation)]
        name, seed = act
        # Of the books as they are, too, so that no id comes twice.
        random = Random(
            f"{seed} {len(self.state['client_contracts'])} {len(self.state['invoices'])}"
        )
        scene = Scene(self.books.tenant, life, [*life.clients], self.today, random)
        made = CHANGES[name](scene)
        for statement, error in zip(made, attempt(self.books.database, made), strict=True):
            note(f"{statement.as_string()}: {error or 'done'}")
            assert error is None or error.split()[0] in ACT_REFUSALS
        self.look()
        if then:
            self.run(then, 0)

    def record(self, line: Line, row: int, by: int, **columns: object) -> None:
        """Record something billable on the first day of a period, or some days off."""
        rows = [r for r in self.state.live() if r["obligation_id"] == str(line.obligation)]
        found = pick(rows, row)
        day = covered(found)[0] if found else AS_OF
        self.books.insert(
            "billing.billable_records",
            billable_record_id=self.books.new_id(),
            contract_line_id=line.obligation,
            recorded_on=day + timedelta(by),
            **columns,
        )

    def update(self, table: str, key: str, value: object, **columns: object) -> None:
        """Change a row of the sources."""
        sets = ", ".join(f"{name} = %({name})s" for name in columns)
        self.books.database.execute(
            f"UPDATE billing.{table} SET {sets} WHERE {key} = %(key)s".encode(),
            {**columns, "key": value},
        )

    def perform(self, procedure: str, **arguments: Any) -> Row | None:
        """CALL a procedure; None when it is refused, and then nothing has changed."""
        try:
            result = self.books.perform(procedure, **arguments)
        except psycopg.Error as error:
            if error.sqlstate not in REFUSALS:
                raise
            note(f"{procedure}: {error.sqlstate}, {error.diag.message_detail}")
            assert self.read() == self.state
            return None
        note(f"{procedure}: {result}")
        self.look()
        return result

    def read(self) -> State:
        """Read the books."""
        return read(self.books.database, self.books.tenant)

    def look(self) -> State:
        """Read the books again, and hold them against everything that always holds."""
        self.state = self.read()
        assert_sound(self.state)
        money.assert_sums(self.state, self.previews)
        return self.state
