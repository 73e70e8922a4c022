"""Many lives of obligations in one tenant: all take a step, then one run goes over all of them."""

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
from tests.invoices.state import assert_sound, read
from tests.invoices.verdict import Run, judge, reasons, unnamed_gaps
from tests.service_periods.books import AS_OF, Books

ROUNDS = 10
HORIZON = {"target_horizon_days": 70, "replenishment_threshold_days": 30}
CYCLES = ("monthly", "monthly", "weekly", "bi-weekly", "quarterly")
RUNS = ("backfill", "backfill", "regenerate", "regenerate", "replenish")


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
            refused = self.act(number) if number else []
            try:
                ran = self.run(number, dice.choice(RUNS), accepting=dice.random() < 0.5)
            except (AssertionError, psycopg.Error) as error:
                ran = [Fault(None, number, str(error))]
            if faults := [*refused, *ran]:
                return faults
        return []

    def act(self, number: int) -> list[Fault]:
        """Let something happen to each life."""
        statements, owners = [], []
        for key, life in lives(self.state).items():
            random = Random(f"{self.seed} {self.numbers[key]} {number}")
            if number in self.quiet:
                continue
            scene = Scene(self.books.tenant, life, self.clients[key], self.today, random)
            for act in choose(life, random):
                made = act(scene)
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
        before = read(self.books.database, self.books.tenant)
        given = {"as_of": self.today, **HORIZON}
        reviewed = self.books.summary(mode, **given)["plan_hash"] if accepting else None
        result = self.books.call(mode, accept_escalations=reviewed, **given)
        told = f"{mode} of {self.today}{' accepting' if accepting else ''}: {result['o_status']}"
        self.story.append(f"-- {told}")
        left = self.books.summary(mode, **given)["plan_hash"]
        assert self.books.call(mode, expected_plan_hash=left, **given)["o_rows"] == 0, told
        self.state = read(self.books.database, self.books.tenant)
        assert_sound(self.state)
        assert_days_add_up(self.state)
        ran = Run(mode, accepting, self.today, HORIZON["target_horizon_days"])
        unnamed = unnamed_gaps(self.books, ran, self.state)
        assert not unnamed, f"verify and the calendar differ on the gaps of {unnamed}"
        return [
            Fault(self.numbers[key], number, text)
            for key, text in judge(ran, before, self.state, reasons(self.books, ran))
        ]


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
