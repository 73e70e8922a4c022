"""Many lives of obligations in one tenant: in a round each takes a step, then perhaps all are run.

All of them are judged after the step, and again after the run.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random

import psycopg

from tests.conftest import Database
from tests.invoices.acts import choose
from tests.invoices.lives import lives
from tests.invoices.money import assert_days_add_up
from tests.invoices.scenes import REFUSALS, Scene, attempt
from tests.invoices.state import State, assert_sound, read
from tests.invoices.verdict import Run, checked_gaps, judge, look_ahead, wrong_now
from tests.service_periods.books import AS_OF, Books

ROUNDS = 10
HORIZON = {"target_horizon_days": 70, "replenishment_threshold_days": 30}
CYCLES = ("monthly", "monthly", "weekly", "bi-weekly", "quarterly")
#: What follows the steps of a round.
RUNS = (
    None,
    None,
    None,
    "backfill",
    "backfill",
    "regenerate",
    "regenerate",
    "replenish",
    "advance",
)


@dataclass(frozen=True)
class Fault:
    """What went wrong in which round, and with which life; None: with all of them."""

    number: int | None
    round: int
    text: str


class Lockstep:
    """Lives of one seed; what a life does depends on its number, not on who else is there."""

    def __init__(
        self, database: Database, seed: int, numbers: Sequence[int], quiet: Collection[int] = ()
    ) -> None:
        self.books = Books(database)
        self.seed, self.quiet, self.today = seed, quiet, AS_OF
        self.story: list[str] = []
        self.clients: dict[str, list[str]] = {}
        self.numbers: dict[str, int] = {}
        for number in numbers:
            self.begin(number)
        database.execute("ANALYZE")
        self.state = read(database, self.books.tenant)

    def begin(self, number: int) -> None:
        """Add a line and two clients that it may bill."""
        random = Random(f"{self.seed} {number}")
        choose = random.choice
        clients = [
            self.books.client(
                choose(CYCLES),
                day_of_month=choose((1, 1, 10, 15, 28)),
                day_of_week=choose((None, 1, 4)),
                reference_date=choose((None, AS_OF - timedelta(random.randrange(30)))),
            )
            for _ in range(2)
        ]
        start = AS_OF + timedelta(random.randint(-45, 20))
        line = self.books.line(
            clients[0],
            start,
            choose((None, None, start + timedelta(random.randint(5, 100)))),
            owner=choose(("client", "contract")),
            timing=choose(("advance", "arrears")),
            frequency=choose(("monthly", "monthly", "quarterly")),
            unit_price_cents=choose((31_000, 9973)),
            quantity=choose((1, 2.5)),
            enable_proration=choose((True, True, False)),
        )
        self.clients[str(line.obligation)] = [str(client) for client in clients]
        self.numbers[str(line.obligation)] = number

    def live(self, rounds: int) -> list[Fault]:
        """Live so many rounds, or until something goes wrong."""
        for number in range(rounds):
            dice = Random(f"{self.seed} round {number}")
            self.today += timedelta(dice.choice((0, 1, 10, 31)) if number else 0)
            mode = dice.choice(RUNS) if number else "backfill"
            try:
                faults = [] if not number else [*self.act(number), *self.judge(number)]
                if mode and not faults:
                    faults = self.run(number, mode, accepting=dice.random() < 0.5)
            except (AssertionError, psycopg.Error) as error:
                faults = [Fault(None, number, str(error))]
            if faults:
                return faults
        return []

    def act(self, number: int) -> list[Fault]:
        """Let something happen to each life."""
        statements, owners = [], []
        for key, life in lives(self.state).items():
            random = Random(f"{self.seed} {self.numbers[key]} {number}")
            if number in self.quiet:
                continue
            act = choose(life, random)
            made = act(Scene(self.books.tenant, life, self.clients[key], self.today, random))
            statements += made
            owners += [key] * len(made)
        errors = attempt(self.books.database, statements)
        told = zip(statements, errors, strict=True)
        self.story += [f"{s.as_string(self.books.database)}; -- {e or 'done'}" for s, e in told]
        return [
            Fault(self.numbers[key], number, error)
            for key, error in zip(owners, errors, strict=True)
            if error and error.split()[0] not in REFUSALS
        ]

    def run(self, number: int, mode: str, *, accepting: bool) -> list[Fault]:
        """Materialise all lives, and again, which writes nothing; judge every one of them."""
        before, given = self.state, {"as_of": self.today, **HORIZON}
        told = f"{mode} of {self.today}{' accepting' if accepting else ''}"
        if mode == "advance":
            result = self.books.perform("advance_billing_cycles", as_of=self.today)
            again = self.books.perform("advance_billing_cycles", as_of=self.today)
            assert (again["o_cycles"], again["o_rows"]) == (0, 0), told
        else:
            reviewed = self.books.summary(mode, **given)["plan_hash"] if accepting else None
            result = self.books.call(mode, accept_escalations=reviewed, **given)
            left = self.books.summary(mode, **given)["plan_hash"]
            assert self.books.call(mode, expected_plan_hash=left, **given)["o_rows"] == 0, told
        self.story.append(f"-- {told}: {result['o_status']}")
        return self.judge(number, Run(mode, accepting), before)

    def judge(
        self, number: int, run: Run | None = None, before: State | None = None
    ) -> list[Fault]:
        """Hold every life against the calendar, and a run against what was before it."""
        self.state = read(self.books.database, self.books.tenant)
        assert_sound(self.state)
        assert_days_add_up(self.state)
        ahead = look_ahead(self.books, self.today, HORIZON["target_horizon_days"])
        found = [*wrong_now(ahead, self.state)]
        if number == ROUNDS - 1:
            assert checked_gaps(self.books, self.today) == ahead.gaps, "verify knows other gaps"
        if run and before:
            found += judge(run, ahead, before, self.state)
        return [Fault(self.numbers[key], number, text) for key, text in found]


def smallest(database: Database, seed: int, numbers: Sequence[int], fault: Fault) -> str:
    """Live one life again, with as few eventful rounds as show a fault; tell its story."""
    suspects = [fault.number] if fault.number is not None else numbers
    for suspect in suspects:
        quiet: set[int] = set()
        story = ""
        for number in range(fault.round + 1):
            # Round 0 has no events: the life as it was.
            trial = Lockstep(database, seed, [suspect], quiet | {number})
            faults = trial.live(fault.round + 1)
            if faults:
                quiet.add(number)
                story = "\n".join([*trial.story, *(f.text for f in faults)])
            elif number == 0:
                break
        if story:
            return f"seed {seed}, life {suspect}, without the events of {quiet}:\n{story}"
    return f"{fault}, only in company"
